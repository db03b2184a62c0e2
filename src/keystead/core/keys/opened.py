"""A key that was opened: its head, and beside it only what the head names (``spec/key-record.md``, section 6)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.core.keys.head import KeyHead, decode
from keystead.core.records import KeyRecord
from keystead.errors import FormatError, RecordError
from keystead.primitives.digest import sha256

NO_ATTACHMENT: Final = b""


class OpenedKey(msgspec.Struct, frozen=True, gc=False):
    """One key whose head a module opened, with tokens and attachments that were held against it."""

    head: KeyHead
    sealed: bytes
    """The sealed head as it rests; a change names its digest."""
    tokens: Mapping[int, bytes]
    """Key tokens by version, as far as they were supplied; each is the one that the head names."""
    attachments: Mapping[str, bytes]
    """Attachments by kind, as far as they were supplied; each is the one that the head names."""

    def token(self, version: int) -> bytes:
        """Return the key token of a version of this key; RecordError if it was not supplied."""
        try:
            return self.tokens[version]
        except KeyError as error:
            raise RecordError("the record lacks the key token of a version") from error

    def attachment(self, kind: str) -> bytes:
        """Return the attachment of this kind, empty if the key has none; RecordError if it was not supplied."""
        if self.head.digest_of(kind) == NO_ATTACHMENT:
            return NO_ATTACHMENT
        try:
            return self.attachments[kind]
        except KeyError as error:
            raise RecordError("the record lacks an attachment") from error


def attachment_digest(content: bytes) -> bytes:
    """Return what a head says of an attachment: its SHA-256, or nothing if there is none."""
    return sha256(content) if content else NO_ATTACHMENT


def open_record(written_head: bytes, record: KeyRecord) -> OpenedKey:
    """Return the key of a record whose sealed head was opened and found to hold ``written_head``.

    Which key it is, is not judged here: ``core.operations.references`` holds it against what was asked for.

    Raises:
        RecordError: the head is not well formed, or a token or attachment of the record is not the one it names.
    """
    try:
        head = decode(written_head)
    except FormatError as error:
        raise RecordError("the head is not well formed") from error
    for number, token in record.tokens.items():
        version = head.version(number)
        if version is None or sha256(token) != version.token:
            raise RecordError("a key token is not the one that the head names")
    for kind, content in record.attachments.items():
        if attachment_digest(content) != head.digest_of(kind):
            raise RecordError("an attachment is not the one that the head names")
    return OpenedKey(head, record.head, record.tokens, record.attachments)
