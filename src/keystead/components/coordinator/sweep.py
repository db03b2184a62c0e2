"""Has keys ended or rotated whose day has come: looks at every head, a page at a time, again and again.

It decides nothing and keeps nothing. For a key that ends, one module says that it is due and another makes the change;
for one that rotates, a single module does both. The repository takes a change only if the key is still as it was read;
what was cut short is found again by the next sweep. For customers a key is gone the moment it is due, and one that is
due to be rotated goes on with its newest version, so that sweeps may take their time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from keystead.components.coordinator.coordinator import Report
from keystead.core.protocols.module_session.messages import (
    Answer,
    AttestDue,
    DueAttested,
    DueRotated,
    EndKey,
    KeyEnded,
    Request,
    RotateDue,
)
from keystead.core.records import ALIASES, GRANTS, Change, HeadReader, KeyWriter
from keystead.errors import FormatError, KeysteadError, PeerUnavailable, Refusal, RepositoryError
from keystead.identifiers import KeyId
from keystead.primitives.digest import sha256

EVERY: Final = 3600.0
"""Seconds between two sweeps."""
PAGE: Final = 64
PAUSE: Final = 0.05
"""Seconds between two pages: ten million keys take two hours, and no module notices."""
_FIRST: Final = KeyId("")
_ELSE: Final = "the module answered something else than it was asked"


class Module(Protocol):
    """A link to a module, kept by others."""

    async def control(self, request: Request) -> Answer:
        """Return the answer; raises what the module refuses with, PeerUnavailable."""


class Sweep:
    """Sweeps. Owned by the event loop."""

    def __init__(self, reader: HeadReader, writer: KeyWriter, links: Iterable[Module], report: Report) -> None:
        """Take who reads, who writes, and the modules of any moment."""
        self._reader = reader
        self._writer = writer
        self._links = links
        self._report = report

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that fails is told, and made again with the next."""
        while True:
            try:
                await self.sweep()
            except KeysteadError as error:
                self._report("sweep_failed", reason=str(error))
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Return how many keys were ended or rotated; raises RepositoryUnavailable, PeerUnavailable."""
        after, ended, rotated = _FIRST, 0, 0
        while page := await self._reader.page_of_heads(after, PAGE):
            after = page[-1][0]
            ended += await self._end(page)
            rotated += await self._rotate(page)
            await asyncio.sleep(PAUSE)
        for event, count in (("keys_ended", ended), ("keys_rotated", rotated)):
            if count:
                self._report(event, count=count)
        return ended + rotated

    async def _end(self, page: Sequence[tuple[KeyId, bytes]]) -> int:
        """Return how many keys of a page were ended."""
        heads = tuple(head for _, head in page)
        witness, answer = await self._first(AttestDue(heads))
        if not isinstance(answer, DueAttested) or len(answer.statements) != len(heads):
            raise FormatError(_ELSE)
        due = [(*one, statement) for one, statement in zip(page, answer.statements, strict=True) if statement]
        return sum([await self._ended(witness, *one) for one in due])

    async def _rotate(self, page: Sequence[tuple[KeyId, bytes]]) -> int:
        """Return how many keys of a page were rotated."""
        heads = tuple(head for _, head in page)
        _, answer = await self._first(RotateDue(heads))
        if not isinstance(answer, DueRotated) or len(answer.changes) != len(heads):
            raise FormatError(_ELSE)
        due = [(key, change) for (key, _), change in zip(page, answer.changes, strict=True) if change]
        return sum([await self._rotated(*one) for one in due])

    async def _first(self, request: Request) -> tuple[Module, Answer]:
        """Return the first module that answers, and what."""
        failure: KeysteadError = PeerUnavailable("no address of a module is known")
        for link in self._links:
            try:
                return link, await link.control(request)
            except (PeerUnavailable, Refusal) as error:
                failure = error
        raise failure

    async def _rotated(self, key_id: KeyId, change: Change) -> bool:
        """Whether the new version was taken; if not, the next sweep looks at the key again."""
        try:
            await self._writer.apply(change)
        except RepositoryError as error:
            self._report("key_not_rotated", key=key_id, reason=str(error))
            return False
        return True

    async def _ended(self, witness: Module, key_id: KeyId, head: bytes, statement: bytes) -> bool:
        """Whether the key was ended; if not, the next sweep looks at it again."""
        record = await self._reader.record(key_id)
        if record is None or sha256(record.head) != sha256(head):
            return False
        attachments = {kind: each for kind, each in record.attachments.items() if kind in {ALIASES, GRANTS}}
        for link in [one for one in self._links if one is not witness] or [witness]:
            try:
                answer = await link.control(EndKey(head, attachments, statement))
                if isinstance(answer, KeyEnded):
                    await self._writer.apply(answer.change)
                    return True
            except (PeerUnavailable, Refusal, RepositoryError) as error:
                self._report("key_not_ended", key=key_id, reason=str(error))
        return False
