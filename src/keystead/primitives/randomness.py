"""The operating system's cryptographically secure source (random(4))."""

import os
from typing import Final

_SOURCE: Final = "/dev/urandom"


class SystemRandomness:
    """The ``Randomness`` of production."""

    def __init__(self) -> None:
        """Open the source; raises OSError if the system has none."""
        self._source = os.open(_SOURCE, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        os.close(self._source)

    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes for something that is not secret."""
        return os.getrandom(size)

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer with random bytes and leave no other copy of them in memory."""
        rest = memoryview(buffer)
        while len(rest) > 0:
            rest = rest[os.readv(self._source, [rest]) :]
