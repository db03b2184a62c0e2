"""How long to wait before trying a peer again."""

from typing import Final

from keystead.core.ports import Randomness

FIRST: Final = 0.02
LONGEST: Final = 0.5
"""Seconds; short enough that service is back well within two seconds of a peer's return."""


class Backoff:
    """Waits that double, each between half and all of its length, so that many clients do not return together."""

    def __init__(self, randomness: Randomness, first: float = FIRST, longest: float = LONGEST) -> None:
        self._randomness = randomness
        self._first = first
        self._longest = longest
        self._wait = first

    def next(self) -> float:
        """Return the seconds to wait now."""
        wait = self._wait
        self._wait = min(wait * 2, self._longest)
        return wait * (0.5 + self._randomness.token(1)[0] / 512)

    def reset(self) -> None:
        """Begin again with the shortest wait: the peer was well."""
        self._wait = self._first
