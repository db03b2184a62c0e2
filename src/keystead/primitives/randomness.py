"""The operating system's cryptographically secure source (random(4))."""

import os
from pathlib import Path
from typing import Final

_SOURCE: Final = Path("/dev/urandom")


class SystemRandomness:
    """The ``Randomness`` of production."""

    def __init__(self) -> None:
        """Open the source; raises OSError if the system has none."""
        # Unbuffered, so that what is read into a caller's buffer is in that buffer only.
        self._source = _SOURCE.open("rb", buffering=0)

    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes for something that is not secret."""
        return os.getrandom(size)

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer with random bytes and leave no other copy of them in memory."""
        rest = memoryview(buffer)
        while len(rest) > 0:
            rest = rest[self._source.readinto(rest) :]
