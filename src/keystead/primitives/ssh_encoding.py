"""The encodings of SSH (RFC 4251, section 5) and base64, each read in one form only."""

import base64
import binascii
import struct

from keystead.errors import FormatError


def string(content: bytes) -> bytes:
    """Return the ``string`` of RFC 4251, section 5."""
    return struct.pack(">I", len(content)) + content


class Reader:
    """Reads the encodings of RFC 4251, section 5; raises FormatError."""

    def __init__(self, encoded: bytes) -> None:
        """Begin at the first byte."""
        self._encoded = encoded
        self._position = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        taken = self._encoded[self._position : self._position + size]
        if len(taken) != size:
            raise FormatError("the SSH encoding is truncated")
        self._position += size
        return taken

    def string(self) -> bytes:
        """Return the next string."""
        return self.take(int.from_bytes(self.take(4), "big"))

    def text(self) -> str:
        """Return the next string as UTF-8."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise FormatError("the SSH encoding holds text that is not UTF-8") from None

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._encoded) - self._position)

    def end(self) -> None:
        """Return if nothing is left."""
        if self._position != len(self._encoded):
            raise FormatError("bytes follow the end of the SSH encoding")


def from_base64(text: str) -> bytes:
    """Return the bytes; raises FormatError for anything but strict base64 (RFC 4648, section 4)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("not base64") from None
