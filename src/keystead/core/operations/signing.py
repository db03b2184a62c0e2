"""Sign, Verify and GetPublicKey."""

from typing import Final

from keystead.core.keys.metadata import algorithm_members, former_spec
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import SIGN, kind
from keystead.core.operations.checks import not_dry_run, usable_for
from keystead.core.operations.context import Context, Done
from keystead.core.protocols.aws_json.shapes import (
    GetPublicKeyRequest,
    GetPublicKeyResponse,
    MessageType,
    SignRequest,
    SignResponse,
    VerifyRequest,
    VerifyResponse,
)
from keystead.core.records import PUBLIC_KEY
from keystead.errors import ServiceError, SignatureError
from keystead.primitives import public_keys

RAW: Final = "RAW"
ML_DSA: Final = "ML_DSA_SHAKE_256"
_MU: Final = 64
"""Bytes of the message representative of ML-DSA (FIPS 204, section 6.2)."""


def sign(context: Context, request: SignRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Sign a message, or a digest of one, with a private key that stays here."""
    (key,) = keys
    message_type = _signable(request, key, "Sign")
    not_dry_run(request.dry_run)
    signature = context.vault.sign(key, request.signing_algorithm, message_type, request.message)
    return Done(SignResponse(key_id=key.head.arn, signature=signature, signing_algorithm=request.signing_algorithm))


def verify(_context: Context, request: VerifyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Say that a signature is the key's; KMSInvalidSignatureException, without a word, if it is not."""
    (key,) = keys
    algorithm = request.signing_algorithm
    message_type = _signable(request, key, "Verify")
    not_dry_run(request.dry_run)
    try:
        public_keys.verify(key.attachment(PUBLIC_KEY), algorithm, message_type, request.message, request.signature)
    except SignatureError as error:
        raise ServiceError("KMSInvalidSignatureException") from error
    return Done(VerifyResponse(key_id=key.head.arn, signature_valid=True, signing_algorithm=algorithm))


def get_public_key(_context: Context, _request: GetPublicKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Give the public key of a key pair, and what it may be used for."""
    (key,) = keys
    head = key.head
    if kind(head.spec) != "pair":
        raise ServiceError(
            "UnsupportedOperationException", f"{head.arn} key spec is {head.spec} which is not valid for GetPublicKey."
        )
    return Done(
        GetPublicKeyResponse(
            key_id=head.arn,
            public_key=key.attachment(PUBLIC_KEY),
            customer_master_key_spec=former_spec(head.spec),
            key_spec=head.spec,
            key_usage=head.usage,
            **algorithm_members(head),
        )
    )


def _signable(request: SignRequest | VerifyRequest, key: OpenedKey, operation: str) -> MessageType:
    """Return the type of the message, which fits key, algorithm and length."""
    algorithm = request.signing_algorithm
    usable_for(key.head, operation, algorithm, SIGN)
    message_type = request.message_type or RAW
    if message_type not in _message_types(algorithm):
        raise ServiceError(
            "ValidationException", f"MessageType {message_type} is incompatible with algorithm {algorithm}."
        )
    if message_type != RAW and len(request.message) != _digest_size(algorithm):
        raise ServiceError("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
    return message_type


def _message_types(algorithm: str) -> tuple[MessageType, ...]:
    match algorithm:
        case "ED25519_SHA_512":
            return (RAW,)
        case "ML_DSA_SHAKE_256":
            return (RAW, "EXTERNAL_MU")
        case _:
            return (RAW, "DIGEST")


def _digest_size(algorithm: str) -> int:
    return _MU if algorithm == ML_DSA else int(algorithm[-3:]) // 8
