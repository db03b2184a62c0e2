"""DeriveSharedSecret, Encapsulate and Decapsulate."""

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import AGREE, ENCAPSULATE
from keystead.core.operations.checks import not_dry_run, usable_for
from keystead.core.operations.context import Context, Done
from keystead.core.operations.handing_over import hand_over
from keystead.core.protocols.aws_json.shapes import (
    DecapsulateRequest,
    DecapsulateResponse,
    DeriveSharedSecretRequest,
    DeriveSharedSecretResponse,
    EncapsulateRequest,
    EncapsulateResponse,
)
from keystead.core.records import PUBLIC_KEY
from keystead.errors import FormatError, SealError, ServiceError


def derive_shared_secret(context: Context, request: DeriveSharedSecretRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Agree on a secret with a peer; ValidationException, without a word, for what is no public key of the curve."""
    (key,) = keys
    head = key.head
    usable_for(head, "DeriveSharedSecret", request.key_agreement_algorithm, AGREE)
    not_dry_run(request.dry_run)
    try:
        shared = context.vault.agree(key, request.public_key)
    except FormatError as error:
        raise ServiceError("ValidationException") from error
    handed = hand_over(context, shared)
    answer = DeriveSharedSecretResponse(
        key_id=head.arn,
        shared_secret=handed.plaintext,
        ciphertext_for_recipient=handed.enveloped,
        key_agreement_algorithm=request.key_agreement_algorithm,
        key_origin=head.origin,
    )
    return Done(answer, secrets=handed.secrets)


def encapsulate(context: Context, request: EncapsulateRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Make a secret and its encapsulation, with the public key alone."""
    (key,) = keys
    usable_for(key.head, "Encapsulate", request.encapsulation_algorithm, ENCAPSULATE)
    not_dry_run(request.dry_run)
    shared, encapsulated = context.vault.encapsulate(key.attachment(PUBLIC_KEY))
    answer = EncapsulateResponse(
        key_id=key.head.arn,
        shared_secret=shared,
        shared_secret_ciphertext_blob=encapsulated,
        encapsulation_algorithm=request.encapsulation_algorithm,
    )
    return Done(answer, secrets=(shared,))


def decapsulate(context: Context, request: DecapsulateRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Recover the secret; InvalidCiphertextException for an encapsulation of another length, and for nothing else."""
    (key,) = keys
    usable_for(key.head, "Decapsulate", request.encapsulation_algorithm, ENCAPSULATE)
    not_dry_run(request.dry_run)
    try:
        shared = context.vault.decapsulate(key, request.shared_secret_ciphertext_blob)
    except SealError as error:
        raise ServiceError("InvalidCiphertextException") from error
    answer = DecapsulateResponse(
        key_id=key.head.arn, shared_secret=shared, encapsulation_algorithm=request.encapsulation_algorithm
    )
    return Done(answer, secrets=(shared,))
