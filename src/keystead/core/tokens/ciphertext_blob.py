"""Ciphertext blobs: what customers keep (``spec/ciphertext-blob.md``).

    format (1 byte, 1) | kind of key id (1 byte) | key id (16 bytes) | version (4 bytes) | nonce (16 bytes) |
    ciphertext, tag, commitment

The blob names its key and version in clear, so that whoever decrypts need not. Both are authenticated, and so is the
encryption context. At most 6,144 bytes for 4,096 bytes of plaintext, as the protocol demands.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from keystead.core.tokens.envelope import bound
from keystead.errors import FormatError
from keystead.identifiers import KeyId
from keystead.primitives.sealing import NONCE, OVERHEAD

FORMAT: Final = 1
PLAIN: Final = 0
"""The key id is a UUID."""
MULTI_REGION: Final = 1
"""The key id is ``mrk-`` and 32 hexadecimal digits."""
_MRK: Final = "mrk-"
_KEY_ID_END: Final = 2 + 16
_NONCE_START: Final = _KEY_ID_END + 4
_PREFIX: Final = _NONCE_START + NONCE


class CiphertextBlob(msgspec.Struct, frozen=True, gc=False):
    """A customer's ciphertext, taken apart and not yet opened."""

    key_id: KeyId
    version: int
    """Of the key; counts from 1."""
    nonce: bytes
    sealed: bytes
    """Ciphertext, tag and commitment."""

    def encode(self) -> bytes:
        """Return the one encoding."""
        return b"".join((_header(self.key_id, self.version), self.nonce, self.sealed))

    @classmethod
    def decode(cls, encoded: bytes) -> "CiphertextBlob":
        """Return the blob; raises FormatError if it is not one of this format."""
        if len(encoded) < _PREFIX + OVERHEAD:
            raise FormatError("too short to be a ciphertext")
        if encoded[0] != FORMAT:
            raise FormatError("a ciphertext of another format")
        version = int.from_bytes(encoded[_KEY_ID_END:_NONCE_START], "big")
        if version == 0:
            raise FormatError("a ciphertext that names no version of its key")
        return cls(
            _key_id(encoded[1], encoded[2:_KEY_ID_END]), version, encoded[_NONCE_START:_PREFIX], encoded[_PREFIX:]
        )

    def aad(self, encryption_context: Mapping[str, str]) -> bytes:
        """Return what is authenticated with the plaintext."""
        return binding(self.key_id, self.version, encryption_context)


def binding(key_id: KeyId, version: int, encryption_context: Mapping[str, str]) -> bytes:
    """Return what a ciphertext is bound to: format, key, version, and the encryption context in order of its keys."""
    head = _header(key_id, version)
    if not encryption_context:
        return head
    return head + bound(*[part.encode() for pair in sorted(encryption_context.items()) for part in pair])


@lru_cache(maxsize=4096)
def _header(key_id: KeyId, version: int) -> bytes:
    kind = MULTI_REGION if key_id.startswith(_MRK) else PLAIN
    raw = bytes.fromhex(key_id.removeprefix(_MRK).replace("-", ""))
    return b"%c%c%b%b" % (FORMAT, kind, raw, version.to_bytes(4, "big"))


def _key_id(kind: int, raw: bytes) -> KeyId:
    digits = raw.hex()
    if kind == PLAIN:
        return KeyId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
    if kind == MULTI_REGION:
        return KeyId(f"{_MRK}{digits}")
    raise FormatError("a ciphertext that names its key in an unknown way")
