"""A real security module whose secrets can be recognised: every 32 random bytes begin with a mark.

The mark is written byte by byte, from numbers that are not it: nothing in this process holds it but what was filled.
Two kinds are not marked: the root slot's secret, the first of its size, which rests in a file; and the seeds of the
module's own key pairs, which have another size and live in the library as long as the module.
"""

import os
import sys
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.module import serve_with
from keystead.bootstrap.role_configuration import ModuleConfiguration
from keystead.primitives.randomness import SystemRandomness

MASK = 0x5A
MASKED_MARK = (0x91, 0x3C, 0xE7, 0x08, 0xB5, 0x66, 0xD2, 0x1F)
"""The mark, each byte XOR ``MASK``."""
SIZE = 32


class MarkingRandomness(SystemRandomness):
    """The system's randomness, marked and numbered."""

    def __init__(self) -> None:
        super().__init__()
        self._marked = -1

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill; mark and number what has the size of a symmetric key."""
        if len(buffer) != SIZE:
            super().fill(buffer)
            return
        self._marked += 1
        for place in range(SIZE):
            buffer[place] = marked_byte(self._marked, place)


def marked_byte(number: int, place: int) -> int:
    """Return one byte of the secret of that number; number 0, the root slot's, has no mark."""
    if number > 0 and place < len(MASKED_MARK):
        return MASKED_MARK[place] ^ MASK
    mixed = (number + 1) * 0x9E3779B97F4A7C15 ^ (place + 1) * 0xD1B54A32D192ED03
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9
    return mixed >> 40 & 0xFF


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    serve_with(load(Path("module.toml"), ModuleConfiguration), MarkingRandomness())
