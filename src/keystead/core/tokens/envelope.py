"""The form of everything that is sealed under a domain key (``spec/sealed-objects.md``).

    version (1 byte, 1) | class (1 byte) | id of the domain key (16 bytes) | nonce (16 bytes) | ciphertext, tag,
    commitment

What is before the nonce is authenticated along with what the class binds, so that nothing sealed for one class, domain
key or owner opens as another's. There is no sealing without a class.
"""

from enum import IntEnum, unique
from typing import Final

import msgspec

from keystead.errors import FormatError
from keystead.identifiers import DomainKeyId
from keystead.primitives.labels import Label
from keystead.primitives.sealing import NONCE, OVERHEAD

VERSION: Final = 1
DOMAIN_KEY_ID: Final = 16
_HEADER: Final = 2 + DOMAIN_KEY_ID
_PREFIX: Final = _HEADER + NONCE


@unique
class SealedClass(IntEnum):
    """What is sealed; numbers are never reused."""

    KEY_HEAD = 1
    KEY_TOKEN = 2
    OPERATOR_KEY_TOKEN = 3

    @property
    def label(self) -> Label:
        """Return the label under which the class is sealed."""
        return _LABELS[self]


_LABELS: Final = {
    SealedClass.KEY_HEAD: Label.KEY_HEAD,
    SealedClass.KEY_TOKEN: Label.KEY_TOKEN,
    SealedClass.OPERATOR_KEY_TOKEN: Label.OPERATOR_KEY_TOKEN,
}


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Something sealed under a domain key, taken apart and not yet opened."""

    sealed_class: SealedClass
    domain_key: DomainKeyId
    nonce: bytes
    sealed: bytes
    """Ciphertext, tag and commitment."""

    def encode(self) -> bytes:
        """Return the one encoding."""
        return b"%b%b%b" % (header(self.sealed_class, self.domain_key), self.nonce, self.sealed)

    @classmethod
    def decode(cls, encoded: bytes, expected: SealedClass) -> "Envelope":
        """Return the envelope; raises FormatError if it is not one of the expected class and of this version."""
        if len(encoded) < _PREFIX + OVERHEAD:
            raise FormatError("too short to be sealed under a domain key")
        if encoded[0] != VERSION:
            raise FormatError("sealed in another version of the format")
        if encoded[1] != expected:
            raise FormatError("sealed as something else")
        return cls(expected, DomainKeyId(encoded[2:_HEADER]), encoded[_HEADER:_PREFIX], encoded[_PREFIX:])

    def aad(self, binding: bytes) -> bytes:
        """Return what is authenticated with the content: the header, and what the class binds."""
        return header(self.sealed_class, self.domain_key) + binding


def named_domain_key(encoded: bytes) -> DomainKeyId:
    """Return the domain key that something sealed says it rests under; nothing of it is verified."""
    return DomainKeyId(encoded[2:_HEADER])


def header(sealed_class: SealedClass, domain_key: DomainKeyId) -> bytes:
    """Return what stands before the nonce."""
    return b"%c%c%b" % (VERSION, sealed_class, domain_key)


def bound(*fields: bytes) -> bytes:
    """Return the fields, each after its length (u32, big-endian): no two lists of fields give the same bytes."""
    return b"".join([part for field in fields for part in (len(field).to_bytes(4, "big"), field)])
