"""Encrypt, Decrypt and ReEncrypt (paragraphs 100, 103, 105)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.core.keys.head import KeyVersion
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.checks import (
    SYMMETRIC,
    encryption_context,
    invalid,
    no_recipient,
    not_dry_run,
    usable_for,
)
from keystead.core.operations.context import Context, Done
from keystead.core.operations.lookup import Keys, Wanted
from keystead.core.operations.references import CiphertextNamed, any_reference
from keystead.core.protocols.aws_json.shapes import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    ReEncryptRequest,
    ReEncryptResponse,
)
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.errors import FormatError, SealError, ServiceError
from keystead.identifiers import AccountId, Region
from keystead.primitives.secret import wipe

IGNORE_CIPHERTEXT: Final = "IGNORE_CIPHERTEXT"


class Source(msgspec.Struct, frozen=True, gc=False):
    """What is to be decrypted: the same members under the names of Decrypt and of ReEncrypt."""

    ciphertext: bytes | None
    context: Mapping[str, str] | None
    key_id: str | None
    algorithm: str | None
    ignored: bool
    """The ciphertext does not count: a dry run that asks for permission only."""


def decrypt_source(request: DecryptRequest) -> Source:
    """Return what a Decrypt request wants decrypted."""
    return Source(
        request.ciphertext_blob,
        request.encryption_context,
        request.key_id,
        request.encryption_algorithm,
        bool(request.dry_run and request.dry_run_modifiers),
    )


def reencrypt_source(request: ReEncryptRequest) -> Source:
    """Return what a ReEncrypt request wants decrypted."""
    return Source(
        request.ciphertext_blob,
        request.source_encryption_context,
        request.source_key_id,
        request.source_encryption_algorithm,
        bool(request.dry_run and request.dry_run_modifiers),
    )


def want_source(source: Source, account: AccountId, region: Region) -> Wanted:
    """Return the record that decrypting needs: of the key that was named, else of the one inside the ciphertext.

    Raises:
        ServiceError: InvalidCiphertextException for bytes that are no ciphertext, ValidationException for none.
    """
    if source.ciphertext is None or source.ignored:
        if source.key_id is None or not source.ignored:
            raise invalid("Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
        return Wanted(any_reference(source.key_id, account, region), "none")
    blob = read_blob(source.ciphertext)
    if source.key_id is None:
        return Wanted(CiphertextNamed(region, blob.key_id), blob.version)
    return Wanted(any_reference(source.key_id, account, region), blob.version)


def read_blob(ciphertext: bytes) -> CiphertextBlob:
    """Return the ciphertext blob; InvalidCiphertextException, without a word, for bytes that are none."""
    try:
        return CiphertextBlob.decode(ciphertext)
    except FormatError as error:
        raise ServiceError("InvalidCiphertextException") from error


def want_for_decrypt(request: DecryptRequest, account: AccountId, region: Region) -> Keys:
    """Look up the key of the ciphertext."""
    return Keys((want_source(decrypt_source(request), account, region),))


def want_for_reencrypt(request: ReEncryptRequest, account: AccountId, region: Region) -> Keys:
    """Look up the key of the ciphertext and the key that is to take over."""
    source = want_source(reencrypt_source(request), account, region)
    return Keys((source, Wanted(any_reference(request.destination_key_id, account, region), "newest")))


def encrypt(context: Context, request: EncryptRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Encrypt under the newest version of the key."""
    (key,) = keys
    head = key.head
    usable_for(head, "Encrypt", request.encryption_algorithm)
    bound = encryption_context(request.encryption_context)
    not_dry_run(request.dry_run)
    blob = context.vault.encrypt(key, request.plaintext, bound)
    return Done(EncryptResponse(ciphertext_blob=blob, key_id=head.arn, encryption_algorithm=SYMMETRIC))


def decrypt(context: Context, request: DecryptRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Decrypt with the version of the key that the ciphertext names."""
    (key,) = keys
    no_recipient(request.recipient)
    version, plaintext = open_source(context, decrypt_source(request), key, "Decrypt")
    dismiss_dry_run(request.dry_run, plaintext)
    answer = DecryptResponse(
        key_id=key.head.arn,
        plaintext=plaintext,
        encryption_algorithm=SYMMETRIC,
        key_material_id=version.material_id.hex(),
    )
    return Done(answer, secrets=(plaintext,))


def reencrypt(context: Context, request: ReEncryptRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Decrypt with one key and encrypt with another; the plaintext leaves the module in no form."""
    source, destination = keys
    usable_for(destination.head, "ReEncrypt", request.destination_encryption_algorithm)
    bound = encryption_context(request.destination_encryption_context)
    version, plaintext = open_source(context, reencrypt_source(request), source, "ReEncrypt")
    try:
        not_dry_run(request.dry_run)
        blob = context.vault.encrypt(destination, plaintext, bound)
    finally:
        wipe(plaintext)
    return Done(
        ReEncryptResponse(
            ciphertext_blob=blob,
            source_key_id=source.head.arn,
            key_id=destination.head.arn,
            source_encryption_algorithm=SYMMETRIC,
            destination_encryption_algorithm=SYMMETRIC,
            source_key_material_id=version.material_id.hex(),
            destination_key_material_id=destination.head.newest.material_id.hex(),
        )
    )


def open_source(context: Context, source: Source, key: OpenedKey, operation: str) -> tuple[KeyVersion, bytearray]:
    """Return the plaintext, in a buffer that the caller wipes, and the version of the key that made the ciphertext.

    A dry run that ignores the ciphertext ends here.

    Raises:
        ServiceError: IncorrectKeyException for another key's ciphertext, InvalidCiphertextException for one that does
            not open with this context, whatever the cause.
    """
    usable_for(key.head, operation, source.algorithm)
    if source.ciphertext is None or source.ignored:
        not_dry_run(source.ignored)
    bound = encryption_context(source.context)
    blob = read_blob(source.ciphertext or b"")
    if blob.key_id != key.head.key_id:
        raise ServiceError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    version = key.head.version(blob.version)
    if version is None:
        raise ServiceError("InvalidCiphertextException")
    try:
        return version, context.vault.decrypt(key, blob, bound)
    except SealError as error:
        raise ServiceError("InvalidCiphertextException") from error


def dismiss_dry_run(dry_run: bool | None, plaintext: bytearray) -> None:  # noqa: FBT001, a member of the request
    """Wipe the plaintext and raise DryRunOperationException if the caller asked only whether he would get it."""
    try:
        not_dry_run(dry_run)
    except ServiceError:
        wipe(plaintext)
        raise
