"""Data keys (FIG. 23), data key pairs, and GenerateRandom."""

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import UNAVAILABLE
from keystead.core.operations.checks import encryption_context, not_dry_run, usable_for
from keystead.core.operations.context import Context, Done
from keystead.core.operations.handing_over import hand_over
from keystead.core.operations.vault_port import NewPair
from keystead.core.protocols.aws_json.shapes import (
    DataKeySpec,
    GenerateDataKeyPairRequest,
    GenerateDataKeyPairResponse,
    GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyPairWithoutPlaintextResponse,
    GenerateDataKeyRequest,
    GenerateDataKeyResponse,
    GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse,
    GenerateRandomRequest,
    GenerateRandomResponse,
)
from keystead.errors import KeysteadError, ServiceError
from keystead.primitives.secret import wipe


def generate_data_key(context: Context, request: GenerateDataKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Make a data key; give it in plaintext and under the key (steps 2306, 2308)."""
    (key,) = keys
    plaintext, blob = _data_key(context, request, key, "GenerateDataKey")
    handed = hand_over(context, plaintext)
    answer = GenerateDataKeyResponse(
        ciphertext_blob=blob,
        plaintext=handed.plaintext,
        ciphertext_for_recipient=handed.enveloped,
        key_id=key.head.arn,
        key_material_id=handed.to_caller(key.head.newest.material_id.hex()),
    )
    return Done(answer, secrets=handed.secrets)


def generate_data_key_without_plaintext(
    context: Context, request: GenerateDataKeyWithoutPlaintextRequest, keys: tuple[OpenedKey, ...]
) -> Done:
    """Make a data key; give it under the key only."""
    (key,) = keys
    plaintext, blob = _data_key(context, request, key, "GenerateDataKeyWithoutPlaintext")
    wipe(plaintext)
    return Done(
        GenerateDataKeyWithoutPlaintextResponse(
            ciphertext_blob=blob, key_id=key.head.arn, key_material_id=key.head.newest.material_id.hex()
        )
    )


def generate_data_key_pair(context: Context, request: GenerateDataKeyPairRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Make a data key pair; give its private key in plaintext and under the key."""
    (key,) = keys
    pair, blob = _data_key_pair(context, request, key, "GenerateDataKeyPair")
    handed = hand_over(context, pair.private_key)
    answer = GenerateDataKeyPairResponse(
        private_key_ciphertext_blob=blob,
        private_key_plaintext=handed.plaintext,
        ciphertext_for_recipient=handed.enveloped,
        public_key=pair.public_key,
        key_id=key.head.arn,
        key_pair_spec=request.key_pair_spec,
        key_material_id=handed.to_caller(key.head.newest.material_id.hex()),
    )
    return Done(answer, secrets=handed.secrets)


def generate_data_key_pair_without_plaintext(
    context: Context, request: GenerateDataKeyPairWithoutPlaintextRequest, keys: tuple[OpenedKey, ...]
) -> Done:
    """Make a data key pair; give its private key under the key only."""
    (key,) = keys
    pair, blob = _data_key_pair(context, request, key, "GenerateDataKeyPairWithoutPlaintext")
    wipe(pair.private_key)
    return Done(
        GenerateDataKeyPairWithoutPlaintextResponse(
            private_key_ciphertext_blob=blob,
            public_key=pair.public_key,
            key_id=key.head.arn,
            key_pair_spec=request.key_pair_spec,
            key_material_id=key.head.newest.material_id.hex(),
        )
    )


def generate_random(context: Context, request: GenerateRandomRequest, _keys: tuple[OpenedKey, ...]) -> Done:
    """Give random bytes."""
    if request.custom_key_store_id is not None:
        raise ServiceError("UnsupportedOperationException", "Custom key stores are not supported.")
    if request.number_of_bytes is None:
        raise ServiceError("ValidationException", "NumberOfBytes is required.")
    handed = hand_over(context, context.vault.generate(request.number_of_bytes))
    answer = GenerateRandomResponse(plaintext=handed.plaintext, ciphertext_for_recipient=handed.enveloped)
    return Done(answer, secrets=handed.secrets)


def _data_key(
    context: Context,
    request: GenerateDataKeyRequest | GenerateDataKeyWithoutPlaintextRequest,
    key: OpenedKey,
    operation: str,
) -> tuple[bytearray, bytes]:
    usable_for(key.head, operation)
    size = _size(request.key_spec, request.number_of_bytes)
    bound = encryption_context(request.encryption_context)
    not_dry_run(request.dry_run)
    plaintext = context.vault.generate(size)
    try:
        return plaintext, context.vault.encrypt(key, plaintext, bound)
    except KeysteadError:
        wipe(plaintext)
        raise


def _data_key_pair(
    context: Context,
    request: GenerateDataKeyPairRequest | GenerateDataKeyPairWithoutPlaintextRequest,
    key: OpenedKey,
    operation: str,
) -> tuple[NewPair, bytes]:
    usable_for(key.head, operation)
    if request.key_pair_spec in UNAVAILABLE:
        raise ServiceError("UnsupportedOperationException", f"KeyPairSpec {request.key_pair_spec} is not supported.")
    bound = encryption_context(request.encryption_context)
    not_dry_run(request.dry_run)
    pair = context.vault.new_pair(request.key_pair_spec)
    try:
        return pair, context.vault.encrypt(key, pair.private_key, bound)
    except KeysteadError:
        wipe(pair.private_key)
        raise


def _size(spec: DataKeySpec | None, number_of_bytes: int | None) -> int:
    match spec, number_of_bytes:
        case "AES_128", None:
            return 16
        case "AES_256", None:
            return 32
        case None, int(size):
            return size
        case _:
            raise ServiceError("ValidationException", "Please specify either number of bytes or key spec.")
