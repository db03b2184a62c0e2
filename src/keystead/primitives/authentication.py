"""Message authentication: HMAC (FIPS 198-1), with SHA-256 for our own purposes."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from keystead.errors import SignatureError
from keystead.primitives.customer_algorithms import hash_of
from keystead.primitives.secret import Buffer

SIZE: Final = 32


class Mac:
    """A keyed MAC. The keyed state is set up once and copied for each message; the key itself is not kept."""

    __slots__ = ("_keyed",)

    def __init__(self, key: Buffer) -> None:
        """Take the key; at least 32 bytes where its length is ours to choose."""
        self._keyed = HMAC(key, SHA256())

    def __repr__(self) -> str:
        return "<Mac>"

    def tag(self, *parts: Buffer) -> bytes:
        """Return the 32-byte tag of the parts one after the other."""
        keyed = self._keyed.copy()
        for part in parts:
            keyed.update(part)
        return keyed.finalize()

    def verify(self, tag: bytes, *parts: Buffer) -> None:
        """Return if the tag is that of the parts, compared in constant time; raises SignatureError."""
        keyed = self._keyed.copy()
        for part in parts:
            keyed.update(part)
        try:
            keyed.verify(tag)
        except InvalidSignature:
            raise SignatureError("the MAC does not verify") from None


def authentication_code(key: Buffer, algorithm: str, message: Buffer) -> bytes:
    """Return the MAC of a customer's message by an algorithm of the service model, such as HMAC_SHA_384."""
    keyed = HMAC(key, hash_of(algorithm))
    keyed.update(message)
    return keyed.finalize()
