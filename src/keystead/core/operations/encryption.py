"""Encrypt, Decrypt and ReEncrypt (paragraphs 100, 103, 105)."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from keystead.core.keys.head import KeyVersion
from keystead.core.keys.metadata import shown_material_id
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import SYMMETRIC
from keystead.core.operations.checks import (
    encryption_context,
    fits,
    invalid,
    no_encryption_context,
    not_dry_run,
    usable_for,
)
from keystead.core.operations.context import Context, Done
from keystead.core.operations.handing_over import hand_over
from keystead.core.operations.lookup import Keys, Token, Wanted
from keystead.core.operations.references import CiphertextNamed, any_reference
from keystead.core.ports import Buffer
from keystead.core.protocols.aws_json.shapes import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    ReEncryptRequest,
    ReEncryptResponse,
)
from keystead.core.records import PUBLIC_KEY
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
    if source.key_id is None:
        blob = read_blob(source.ciphertext)
        return Wanted(CiphertextNamed(region, blob.key_id), blob.version)
    return Wanted(any_reference(source.key_id, account, region), _wanted_token(source))


def _wanted_token(source: Source) -> Token:
    """Return the token that decrypts: of the version that a blob names, else of an RSA key's only one."""
    try:
        return CiphertextBlob.decode(source.ciphertext or b"").version if _symmetric(source.algorithm) else "newest"
    except FormatError:  # what follows from that is said once it is known that the caller may use the key
        return "none"


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
    algorithm = request.encryption_algorithm or SYMMETRIC
    usable_for(key.head, "Encrypt", algorithm)
    seal = _sealing(context, key, algorithm, request.encryption_context)
    fits(key.head, algorithm, len(request.plaintext))
    not_dry_run(request.dry_run)
    blob = seal(request.plaintext)
    return Done(EncryptResponse(ciphertext_blob=blob, key_id=key.head.arn, encryption_algorithm=algorithm))


def decrypt(context: Context, request: DecryptRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Decrypt with the version of the key that the ciphertext names."""
    (key,) = keys
    version, plaintext = open_source(context, decrypt_source(request), key, "Decrypt")
    dismiss_dry_run(request.dry_run, plaintext)
    handed = hand_over(context, plaintext)
    answer = DecryptResponse(
        key_id=key.head.arn,
        plaintext=handed.plaintext,
        ciphertext_for_recipient=handed.enveloped,
        encryption_algorithm=request.encryption_algorithm or SYMMETRIC,
        key_material_id=handed.to_caller(shown_material_id(key.head, version)),
    )
    return Done(answer, secrets=handed.secrets)


def reencrypt(context: Context, request: ReEncryptRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Decrypt with one key and encrypt with another; the plaintext leaves the module in no form."""
    source, destination = keys
    algorithm = request.destination_encryption_algorithm or SYMMETRIC
    usable_for(destination.head, "ReEncrypt", algorithm)
    seal = _sealing(context, destination, algorithm, request.destination_encryption_context)
    version, plaintext = open_source(context, reencrypt_source(request), source, "ReEncrypt")
    try:
        fits(destination.head, algorithm, len(plaintext))
        not_dry_run(request.dry_run)
        blob = seal(plaintext)
    finally:
        wipe(plaintext)
    return Done(
        ReEncryptResponse(
            ciphertext_blob=blob,
            source_key_id=source.head.arn,
            key_id=destination.head.arn,
            source_encryption_algorithm=request.source_encryption_algorithm or SYMMETRIC,
            destination_encryption_algorithm=algorithm,
            source_key_material_id=shown_material_id(source.head, version),
            destination_key_material_id=shown_material_id(destination.head, destination.head.newest),
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
    ciphertext = source.ciphertext or b""
    try:
        if not _symmetric(source.algorithm):
            no_encryption_context(key.head, source.context)
            return key.head.newest, context.vault.decrypt_with(key, source.algorithm or "", ciphertext)
        bound = encryption_context(source.context)
        version, blob = _version_of(key, read_blob(ciphertext))
        return version, context.vault.decrypt(key, blob, bound)
    except SealError as error:
        raise ServiceError("InvalidCiphertextException") from error


def _version_of(key: OpenedKey, blob: CiphertextBlob) -> tuple[KeyVersion, CiphertextBlob]:
    if blob.key_id != key.head.key_id:
        raise ServiceError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    version = key.head.version(blob.version)
    if version is None:
        raise ServiceError("InvalidCiphertextException")
    return version, blob


def _sealing(
    context: Context, key: OpenedKey, algorithm: str, members: Mapping[str, str] | None
) -> Callable[[Buffer], bytes]:
    """Return what encrypts under the key, once its encryption context is found acceptable."""
    vault = context.vault
    if not _symmetric(algorithm):
        no_encryption_context(key.head, members)
        public_key = key.attachment(PUBLIC_KEY)
        return lambda plaintext: vault.encrypt_to(public_key, algorithm, plaintext)
    bound = encryption_context(members)
    return lambda plaintext: vault.encrypt(key, plaintext, bound)


def _symmetric(algorithm: str | None) -> bool:
    return algorithm in (None, SYMMETRIC)


def dismiss_dry_run(dry_run: bool | None, plaintext: bytearray) -> None:  # noqa: FBT001, a member of the request
    """Wipe the plaintext and raise DryRunOperationException if the caller asked only whether he would get it."""
    try:
        not_dry_run(dry_run)
    except ServiceError:
        wipe(plaintext)
        raise
