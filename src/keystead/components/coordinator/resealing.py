"""One pass over what rests under old domain keys (FIG. 21, steps 2108 to 2122): list, seal anew, store, in batches.

What is done is no longer listed, so a pass that died is made again from the beginning. Memory does not grow with the
number of keys: each worker holds one page.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from keystead.components.coordinator.pace import Pace
from keystead.core.ports import Clock
from keystead.core.protocols.module_session.resealing import ResealedKey, decode_resealed, encode_reseal
from keystead.core.rotation.repository import ListedKey, MovedKey, ResealWriter, RestingReader
from keystead.errors import ConflictError, FormatError
from keystead.identifiers import DomainKeyId, KeyId
from keystead.transport.carriage import Carriage

PAGE: Final = 64
"""Keys of one frame: a module does nothing else meanwhile, for some milliseconds."""
_WORKERS: Final = 8
"""For each module: one page is with it, others come from the list and go to the repository, many in one transaction."""
_FIRST: Final = KeyId("")


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
        self._writing = asyncio.Lock()
        self._sealed: list[MovedKey] = []
        self.refused = 0
        """Records that modules refused in the pass of the moment."""

    async def none_left(self, old: Sequence[DomainKeyId]) -> bool:
        """Whether nothing that is to be sealed anew rests under these domain keys."""
        for domain_key in old:
            if await self._reader.page_under(domain_key, _FIRST, 1):
                return False
        return True

    async def pass_over(self, rotation: int, old: Sequence[DomainKeyId], may_go_on: Callable[[], bool]) -> None:
        """List all that rests under these domain keys once, and have it sealed anew, as long as that may go on.

        What others change meanwhile is left for the next pass. Raises RepositoryError, PeerUnavailable, and what a
        module refuses a frame with; what was done until then stays done.
        """
        self.refused, self._sealed = 0, []
        for domain_key in old:
            try:
                async with asyncio.TaskGroup() as tasks:
                    pages = _Pages(self._reader, domain_key, may_go_on)
                    for _ in range(_WORKERS * len(self._carriage.links)):
                        tasks.create_task(self._work(rotation, pages))
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None  # the others were cancelled, or failed for the same reason

    async def _work(self, rotation: int, pages: "_Pages") -> None:
        while page := await pages.next():
            await self.pace.admit(len(page))
            resting = tuple([one.resting for one in page])
            outcomes = decode_resealed(await self._carriage.exchange(encode_reseal(resting))).outcomes
            if len(outcomes) != len(page):
                raise FormatError("not as many outcomes as records")
            moved = [_moved(one, outcome) for one, outcome in zip(page, outcomes, strict=True) if not outcome.refused]
            self.refused += len(page) - len(moved)
            await self._store(rotation, moved)

    async def _store(self, rotation: int, moved: Sequence[MovedKey]) -> None:
        """Return when this is stored: what waits together is one transaction, which the first of those who wait makes.

        Then leave the database to others for as long as that took: their changes wait for the same lock.
        """
        gathered = self._sealed
        gathered += moved
        async with self._writing:
            if gathered is not self._sealed:
                return  # another one stored it
            self._sealed = []
            begun = self._clock.monotonic()
            self.pace.done(await self._written(rotation, gathered))
            await asyncio.sleep(self._clock.monotonic() - begun)

    async def _written(self, rotation: int, moved: Sequence[MovedKey]) -> int:
        """Write the batch; where a token is not the one that was listed, its key alone is left."""
        try:
            return await self._writer.reseal(rotation, moved, self._clock.now())
        except ConflictError:
            if len(moved) == 1:
                self.refused += 1
                return 0
        return sum([await self._written(rotation, (one,)) for one in moved])


class _Pages:
    """The pages of what rests under one domain key, one after the other, whoever asks."""

    def __init__(self, reader: RestingReader, domain_key: DomainKeyId, may_go_on: Callable[[], bool]) -> None:
        self._reader = reader
        self._may_go_on = may_go_on
        self._domain_key = domain_key
        self._after = _FIRST
        self._turn = asyncio.Lock()
        self._ended = False

    async def next(self) -> list[ListedKey]:
        """Return the next page; nothing after the last one."""
        async with self._turn:
            if self._ended or not self._may_go_on():
                return []
            page = await self._reader.page_under(self._domain_key, self._after, PAGE)
            self._ended = len(page) < PAGE
            if page:
                self._after = page[-1].key_id
            return page


def _moved(listed: ListedKey, outcome: ResealedKey) -> MovedKey:
    if outcome.change is not None and outcome.change.key_id != listed.key_id:
        raise FormatError("an outcome of another key")
    return MovedKey(listed, outcome.change, outcome.left_behind)
