"""The cipher of one direction of a connection: AES-256-GCM with a counter for a nonce (SP 800-38D, section 8.2.1)."""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.errors import ForgedFrame
from keystead.primitives.secret import Buffer

OVERHEAD: Final = 16
"""Bytes that sealed content has more than the content."""
_FIXED_FIELD: Final = bytes(4)


class FrameCipher:
    """Seals or opens messages, each with its sequence number; the key serves one direction of one connection only."""

    __slots__ = ("_cipher",)

    def __init__(self, key: Buffer) -> None:
        """Take 32 bytes; they may be wiped when this returns."""
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "<FrameCipher>"

    def seal(self, sequence: int, header: bytes, plaintext: Buffer) -> bytes:
        """Return the sealed content. The caller never uses a sequence number (unsigned, 64 bits) twice."""
        return self._cipher.encrypt(_nonce(sequence), plaintext, header)

    def open(self, sequence: int, header: bytes, ciphertext: Buffer) -> bytearray:
        """Return the content in a buffer that the caller wipes; raises ForgedFrame."""
        content = bytearray(max(0, len(ciphertext) - OVERHEAD))
        try:
            self._cipher.decrypt_into(_nonce(sequence), ciphertext, header, content)
        except InvalidTag:
            raise ForgedFrame("the frame does not open under the session's key") from None
        return content


def _nonce(sequence: int) -> bytes:
    return _FIXED_FIELD + sequence.to_bytes(8, "big")
