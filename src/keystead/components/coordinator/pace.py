"""How fast a rotation goes, and how fast it may go."""

import asyncio
from collections import deque
from typing import Final

from keystead.core.ports import Clock

_WINDOW: Final = 1.0


class Pace:
    """Counts keys as they are done, and holds back who goes faster than allowed. Owned by the event loop."""

    def __init__(self, clock: Clock) -> None:
        """Begin without a limit and with nothing done."""
        self.limit = 0
        """Keys in a second; 0 for no limit."""
        self.left = 0
        """Keys that are known to be left to do."""
        self._clock = clock
        self._free_at = 0.0
        self._recent: deque[tuple[float, int]] = deque()

    @property
    def rate(self) -> int:
        """Keys that were done in the last second."""
        self._forget()
        return sum(count for _, count in self._recent)

    def done(self, count: int) -> None:
        """Count keys that are done."""
        self.left = max(0, self.left - count)
        self._recent.append((self._clock.monotonic(), count))
        self._forget()

    async def admit(self, count: int) -> None:
        """Return when so many keys more may be begun."""
        if not self.limit:
            return
        now = self._clock.monotonic()
        begin = max(now, self._free_at)
        self._free_at = begin + count / self.limit
        if begin > now:
            await asyncio.sleep(begin - now)

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - _WINDOW
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
