"""Request ids: random UUIDs (RFC 9562, section 5.4), one for each answer."""

from typing import Final

from keystead.core.ports import Randomness

_SIZE: Final = 16
_AT_ONCE: Final = 256
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class RequestIds:
    """Makes request ids; asks for randomness for many of them at once."""

    def __init__(self, randomness: Randomness) -> None:
        """Take the source."""
        self._randomness = randomness
        self._digits = ""
        self._used = 0

    def make(self) -> str:
        """Return an id that was never returned before."""
        if self._used == len(self._digits):
            self._digits = self._randomness.token(_SIZE * _AT_ONCE).hex()
            self._used = 0
        start = self._used
        self._used = end = start + 2 * _SIZE
        digits = self._digits[start:end]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"
