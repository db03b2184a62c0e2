"""The one codec of frames and records: MessagePack arrays, typed, and only in the form that the encoder writes.

MessagePack (and msgspec, which ignores array elements that it does not know) allows many byte strings for one value.
Here a value is accepted only from the bytes that encoding it gives: what was authenticated as bytes is then what is
executed as a value. The order of a mapping's entries is part of the value: it stays as it was received.
"""

from typing import Final, Generic, TypeVar

import msgspec

from keystead.core.ports import Buffer
from keystead.errors import FormatError

T = TypeVar("T")

_encoder: Final = msgspec.msgpack.Encoder()


class StrictCodec(Generic[T]):
    """Encodes and decodes one type (or union of tagged types)."""

    def __init__(self, kind: object, name: str) -> None:
        """Take the type and what to call it in errors, such as "a proof"."""
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._name = name

    def encode(self, value: T) -> bytes:
        """Return the one accepted form of the value."""
        return _encoder.encode(value)

    def encode_into(self, value: T, buffer: bytearray, offset: int) -> None:
        """Write the value's form into the buffer from the offset on and cut the buffer there.

        A buffer that was large enough is not moved, so wiping it wipes the only copy.
        """
        _encoder.encode_into(value, buffer, offset)

    def decode(self, encoded: Buffer) -> T:
        """Return the value that has exactly these bytes; raises FormatError without showing any of them."""
        try:
            value = self._decoder.decode(encoded)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FormatError(f"not {self._name}") from None
        if _encoder.encode(value) != bytes(encoded):  # a memoryview is compared item by item, 30 times slower
            raise FormatError(f"not the canonical form of {self._name}")
        return value
