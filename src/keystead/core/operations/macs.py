"""GenerateMac and VerifyMac."""

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import MAC
from keystead.core.operations.checks import not_dry_run, usable_for
from keystead.core.operations.context import Context, Done
from keystead.core.protocols.aws_json.shapes import (
    GenerateMacRequest,
    GenerateMacResponse,
    VerifyMacRequest,
    VerifyMacResponse,
)
from keystead.errors import ServiceError, SignatureError
from keystead.primitives.digest import same


def generate_mac(context: Context, request: GenerateMacRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Authenticate a message under an HMAC key."""
    mac = _mac(context, request, keys, "GenerateMac")
    return Done(GenerateMacResponse(mac=mac, mac_algorithm=request.mac_algorithm, key_id=keys[0].head.arn))


def verify_mac(context: Context, request: VerifyMacRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Say that a MAC is the message's; KMSInvalidMacException, without a word, if it is not."""
    try:
        same(_mac(context, request, keys, "VerifyMac"), request.mac)
    except SignatureError as error:
        raise ServiceError("KMSInvalidMacException") from error
    return Done(VerifyMacResponse(key_id=keys[0].head.arn, mac_valid=True, mac_algorithm=request.mac_algorithm))


def _mac(
    context: Context, request: GenerateMacRequest | VerifyMacRequest, keys: tuple[OpenedKey, ...], operation: str
) -> bytes:
    (key,) = keys
    usable_for(key.head, operation, request.mac_algorithm, MAC)
    not_dry_run(request.dry_run)
    return context.vault.authenticate(key, request.mac_algorithm, request.message)
