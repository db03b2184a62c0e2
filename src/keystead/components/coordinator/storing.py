"""Stores what was sealed anew: what is ready together is one transaction."""

import asyncio
from collections.abc import Sequence
from typing import Final

from keystead.components.coordinator.pace import Pace
from keystead.core.ports import Clock
from keystead.core.rotation.repository import MovedKey, ResealWriter, Stored
from keystead.errors import ConflictError

_AHEAD: Final = 64
"""Pages that may wait to be stored while modules go on: they bound the memory, and the keys of one transaction."""
_REST: Final = 0.25
"""Part of the time of a transaction for which the database is left alone although nobody was seen to write."""


class Storing:
    """What one pass has sealed and not stored yet. Owned by the event loop."""

    def __init__(self, writer: ResealWriter, clock: Clock, pace: Pace, rotation: int) -> None:
        """Take who writes, what measures, and the number of the rotation."""
        self._writer = writer
        self._clock = clock
        self._pace = pace
        self._rotation = rotation
        self._waiting: asyncio.Queue[Sequence[MovedKey] | None] = asyncio.Queue(_AHEAD)
        self.refused = 0
        """Keys that were left because what rests is not what was listed."""

    async def put(self, moved: Sequence[MovedKey]) -> None:
        """Have a page stored; returns at once unless too much waits."""
        await self._waiting.put(moved)

    async def end(self) -> None:
        """Say that nothing more comes."""
        await self._waiting.put(None)

    async def run(self) -> None:
        """Store until the end; raises RepositoryError.

        Changes of customers wait for the same lock. So after each transaction the database is left alone: for as long
        as that took if others write, and for a part of it else, so that who comes is not kept out.
        """
        goes_on = True
        while goes_on:
            together, goes_on = await self._ready()
            begun = self._clock.monotonic()
            stored = await self._written(together)
            self._pace.done(stored.replaced)
            if goes_on:
                taken = self._clock.monotonic() - begun
                await asyncio.sleep(taken if stored.others_write else taken * _REST)

    async def _ready(self) -> tuple[list[MovedKey], bool]:
        """Return all that waits, at least one page, and whether more may come."""
        together: list[MovedKey] = []
        page = await self._waiting.get()
        while page is not None:
            together += page
            if self._waiting.empty():
                return together, True
            page = self._waiting.get_nowait()
        return together, False

    async def _written(self, moved: Sequence[MovedKey]) -> Stored:
        """Write together; where a token is not the one that was listed, its key alone is left."""
        if not moved:
            return Stored(0)
        try:
            return await self._writer.reseal(self._rotation, moved, self._clock.now())
        except ConflictError:
            if len(moved) == 1:
                self.refused += 1
                return Stored(0)
        alone = [await self._written((one,)) for one in moved]
        return Stored(sum(one.replaced for one in alone), any(one.others_write for one in alone))
