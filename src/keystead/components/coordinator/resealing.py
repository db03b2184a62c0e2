"""One pass over what rests under old domain keys (FIG. 21, steps 2108 to 2122): list, seal anew, store, in batches.

What is done is no longer listed, so a pass that died is made again from the beginning. Memory does not grow with the
number of keys: workers hold a page each, a list and a bounded number of pages wait before and behind them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from keystead.components.coordinator.pace import Pace
from keystead.components.coordinator.pages import FIRST, Pages
from keystead.components.coordinator.storing import Storing
from keystead.core.ports import Clock
from keystead.core.protocols.module_session.resealing import ResealedKey, decode_resealed, encode_reseal
from keystead.core.rotation.repository import ListedKey, MovedKey, ResealWriter, RestingReader
from keystead.errors import FormatError
from keystead.identifiers import DomainKeyId
from keystead.transport.carriage import Carriage

_WORKERS: Final = 3
"""For each module: one page is with it, the next is ready, and one is made of what it answered."""
_YIELD: Final = 3
"""Times that a module is left to its customers after a frame, for as long as that took, if it has some."""


class Resealing:
    """Makes passes. Owned by the event loop."""

    def __init__(
        self, reader: RestingReader, writer: ResealWriter, carriage: Carriage, clock: Clock, pace: Pace
    ) -> None:
        """Take who lists, who writes, who asks modules, and the pace."""
        self._reader = reader
        self._writer = writer
        self._carriage = carriage
        self._clock = clock
        self.pace = pace
        """What measures, and holds back."""
        self.refused = 0
        """Records that modules refused in the pass of the moment."""

    async def none_left(self, old: Sequence[DomainKeyId]) -> bool:
        """Whether nothing that is to be sealed anew rests under these domain keys."""
        for domain_key in old:
            if await self._reader.page_under(domain_key, FIRST, 1):
                return False
        return True

    async def pass_over(self, rotation: int, old: Sequence[DomainKeyId], may_go_on: Callable[[], bool]) -> None:
        """List all that rests under these domain keys once, and have it sealed anew, as long as that may go on.

        What others change meanwhile is left for the next pass. Raises RepositoryError, PeerUnavailable, and what a
        module refuses a frame with; what was done until then stays done.
        """
        self.refused = 0
        for domain_key in old:
            storing = Storing(self._writer, self._clock, self.pace, rotation)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(storing.run())
                    await self._seal(Pages(self._reader, domain_key, may_go_on), storing)
                    await storing.end()
            except BaseExceptionGroup as group:
                raise _first(group) from None  # the others were cancelled, or failed for the same reason
            finally:
                self.refused += storing.refused

    async def _seal(self, pages: Pages, storing: Storing) -> None:
        modules = len(self._carriage.links)
        turns = asyncio.Semaphore(modules)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WORKERS * modules):
                tasks.create_task(self._work(pages, turns, storing))

    async def _work(self, pages: Pages, turns: asyncio.Semaphore, storing: Storing) -> None:
        while page := await pages.next():
            await self.pace.admit(len(page))
            outcomes = await self._sealed(page, turns)
            if len(outcomes) != len(page):
                raise FormatError("not as many outcomes as records")
            moved = [_moved(one, outcome) for one, outcome in zip(page, outcomes, strict=True) if not outcome.refused]
            self.refused += len(page) - len(moved)
            await storing.put(moved)

    async def _sealed(self, page: Sequence[ListedKey], turns: asyncio.Semaphore) -> tuple[ResealedKey, ...]:
        """Return the outcomes of a frame, and give up the turn when the module has had time for its customers."""
        content = encode_reseal(tuple([one.resting for one in page]))
        await turns.acquire()
        rest = 0.0
        try:
            begun = self._clock.monotonic()
            answer = decode_resealed(await self._carriage.exchange(content))
            if answer.meanwhile:
                rest = (self._clock.monotonic() - begun) * _YIELD
        finally:
            asyncio.get_running_loop().call_later(rest, turns.release)
        return answer.outcomes


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of the group that is none itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _moved(listed: ListedKey, outcome: ResealedKey) -> MovedKey:
    if outcome.change is not None and outcome.change.key_id != listed.key_id:
        raise FormatError("an outcome of another key")
    return MovedKey(listed, outcome.change, outcome.left_behind)
