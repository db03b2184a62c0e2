"""The encoding of documents that are signed and live for decades: deterministic CBOR (RFC 8949, section 4.2.1).

A document is an array that starts with its purpose and its version. It is accepted only from the bytes that encoding it
gives.
"""

from typing import Final, Generic, TypeVar

import cbor2
import msgspec

from keystead.core.cbor import load
from keystead.errors import FormatError

T = TypeVar("T", bound=msgspec.Struct)

LIMIT: Final = 4 * 1024 * 1024
"""Bytes of the largest document that is looked at."""


class DocumentCodec(Generic[T]):
    """Encodes and decodes documents of one purpose and version; ``kind`` is an array-like Struct."""

    def __init__(self, kind: type[T], purpose: str, version: int) -> None:
        self._kind = kind
        self._purpose = purpose
        self._version = version

    def encode(self, value: T) -> bytes:
        """Return the one accepted encoding."""
        fields = msgspec.to_builtins(value, builtin_types=(bytes,))
        return cbor2.dumps([self._purpose, self._version, *fields], canonical=True)

    def decode(self, encoded: bytes) -> T:
        """Return the value that has exactly these bytes; raises FormatError."""
        if len(encoded) > LIMIT:
            raise FormatError(f"too long to be a {self._purpose}")
        loaded = load(encoded, f"a {self._purpose}")
        try:
            purpose, version, *fields = loaded
            if (purpose, version) != (self._purpose, self._version):
                raise FormatError(f"not a {self._purpose} of version {self._version}")
            value = msgspec.convert(fields, type=self._kind, builtin_types=(bytes,))
            same = self.encode(value) == encoded
        except (cbor2.CBORError, msgspec.ValidationError, ValueError, TypeError, RecursionError, OverflowError):
            raise FormatError(f"not a {self._purpose}") from None
        if not same:
            raise FormatError(f"not the deterministic encoding of a {self._purpose}")
        return value
