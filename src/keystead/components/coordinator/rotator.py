"""Takes a rotation of domain keys from stage to stage (FIG. 21), through any crash, as far as others let it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from keystead.components.coordinator.coordinator import Coordinator, Report
from keystead.components.coordinator.machine_operator import MachineOperator
from keystead.components.coordinator.resealing import Resealing
from keystead.core.domain.change_request import AddDomainKey, DomainChange, RetireDomainKey
from keystead.core.domain.ledger import Entry
from keystead.core.domain.state import DomainState, Standing
from keystead.core.ports import Clock
from keystead.core.records import DomainKeyFence
from keystead.core.rotation.conditions import obstacles, retired_between, taken_away
from keystead.core.rotation.repository import Resting, RestingReader, RotationRepository
from keystead.core.rotation.rotation import Cause, Limits, Rotation, seen_in
from keystead.core.rotation.stages import Event, Stage
from keystead.errors import DropDenied, KeysteadError, QuorumNotMet, RotationDenied
from keystead.identifiers import DomainKeyId

LOOK: Final = 1.0
"""Seconds between two looks at what nobody tells of: the clock, and what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """What a rotation reads and writes."""

    rotations: RotationRepository
    resting: RestingReader
    fence: DomainKeyFence


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When rotations are begun, and how long old domain keys are kept in use."""

    limits: Limits
    settle: int = 60_000
    """Milliseconds between the addition of a domain key and the retirement of those before: sessions, and proofs made
    in them, that rest under those are replaced meanwhile."""


class Rotator:
    """The one who moves the last rotation on. Owned by the event loop; what is kept is changed under one lock."""

    def __init__(
        self,
        coordinator: Coordinator,
        repositories: Repositories,
        resealing: Resealing,
        operator: MachineOperator,
        clock: Clock,
        report: Report,
        terms: Terms,
    ) -> None:
        """Take whom it works with; ``run`` goes on where the last process ended."""
        self.rotation: Rotation | None = None
        """The last rotation, as it is kept."""
        self.resting = Resting(0, 0)
        """What was found under its old domain keys when that was counted last."""
        self.trouble = ""
        """Why it does not go on; empty while nothing is wrong."""
        self._coordinator = coordinator
        self._rotations = repositories.rotations
        self._reader = repositories.resting
        self._fence = repositories.fence
        self._resealing = resealing
        self._operator = operator
        self._clock = clock
        self._report = report
        self._terms = terms
        self._lock = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._why = ""
        self._doing: Mapping[Stage, Callable[[Rotation, DomainState], Awaitable[bool]]] = {
            Stage.PLANNED: self._planned,
            Stage.ADDED: self._added,
            Stage.FENCED: self._fenced,
            Stage.RESEALING: self._reseal,
            Stage.RESEALED: self._resealed,
            Stage.RETIRED: self._retired,
        }

    async def run(self) -> None:
        """Move on until cancelled; what fails is told, and tried again."""
        self._coordinator.watch(self._stirred.set)
        while True:
            self._stirred.clear()
            self._why = ""
            try:
                has_moved = await self._step()
            except (KeysteadError, TimeoutError) as error:
                has_moved = False
                self._why = str(error) or "a module does not answer"
            self._tell()
            if not has_moved:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._stirred.wait()

    async def begin(self, cause: Cause, orders: int = 0) -> None:
        """Keep a new rotation, which takes over from one that only waits for its drop.

        Raises RotationDenied if one is under way or there is no domain key, RepositoryError.
        """
        async with self._lock:
            last = self.rotation = await self._rotations.newest()
            state, _ = self._coordinator.ledger.installed
            if not state.domain_keys:
                raise RotationDenied("the domain has no domain key yet: install one")
            if last is not None and last.open:
                if last.stage is not Stage.RETIRED:
                    raise RotationDenied(f"rotation {last.number} has not ended: wait for it, or abort it")
                await self._rotations.keep(last.moved(Event.ANOTHER_BEGINS))
            old = tuple([DomainKeyId(entry.id) for entry in state.domain_keys])
            number = 1 if last is None else last.number + 1
            rotation = Rotation(number=number, cause=cause, begun=self._clock.now(), old=old, orders=orders)
            await self._rotations.begin(rotation)
            self.rotation = rotation
            self._report("rotation_begun", number=number, cause=cause.name.lower())
        self._stirred.set()

    async def change(self, change: Callable[[Rotation], Rotation]) -> None:
        """Keep the rotation changed; raises what ``change`` raises, ConflictError if another was faster."""
        async with self._lock:
            before = await self._current()
            after = self.rotation = await self._rotations.keep(change(before))
            self._resealing.pace.limit = after.limit
            if after.stage is not before.stage:
                self._report("rotation_advanced", number=after.number, stage=after.stage.name.lower())
        self._stirred.set()

    async def obstacles(self) -> tuple[str, ...]:
        """Return what must still happen before the old domain keys of the last rotation may be dropped."""
        rotation = self.rotation
        if rotation is None or not rotation.open:
            return ()
        state, _ = self._coordinator.ledger.installed
        live = 0 if await self._resealing.none_left(rotation.old) else max(1, self._resealing.pace.left)
        return obstacles(rotation, state, live, await self._rotations.newest_backup(), self._clock.now())

    async def object_to(self, entry: Entry) -> None:
        """Return if a token that a quorum asked for may be installed now, as far as customers' keys go.

        Raises DropDenied if it retires a domain key that is still needed, or drops one before its time.
        """
        before, after = entry.predecessor, entry.successor.state
        if gone := taken_away(before, after):
            await self._object_to_drop(gone)
        if retired := retired_between(before, after):
            await self._object_to_retirement(tuple(retired), before)

    async def _object_to_drop(self, gone: frozenset[DomainKeyId]) -> None:
        rotation = self.rotation
        if rotation is None or not gone <= set(rotation.old):
            raise DropDenied("no rotation has moved what rests under the domain key: begin one")
        if told := await self.obstacles():
            raise DropDenied("; ".join(told))

    async def _object_to_retirement(self, retired: tuple[DomainKeyId, ...], before: DomainState) -> None:
        if not await self._resealing.none_left(retired):
            raise DropDenied("keys rest under the domain key that would be retired: wait until all are sealed anew")
        if (wait := await self._settles_in(before)) > 0:
            raise DropDenied(f"sessions may rest under the domain key for {-(-wait // 1000)} s more")

    async def _settles_in(self, state: DomainState) -> int:
        """Return in how many milliseconds nothing short-lived rests under the former domain keys any more."""
        return await self._rotations.added(state.newest) + self._terms.settle - self._clock.now()

    async def _current(self) -> Rotation:
        rotation = await self._rotations.newest()
        if rotation is None or not rotation.open:
            raise RotationDenied("no rotation is open")
        return rotation

    async def _step(self) -> bool:
        """Do what is next; return whether there may be more to do at once."""
        rotation = self.rotation = await self._rotations.newest()
        if rotation is None or not rotation.open:
            return await self._begin_if_due()
        self._resealing.pace.limit = rotation.limit
        if rotation.paused:
            return False
        state, _ = self._coordinator.ledger.installed
        event = seen_in(rotation, state)
        if event is None:
            return await self._doing[rotation.stage](rotation, state)
        now = self._clock.now()
        await self.change(
            lambda one: replace(one.moved(event), retired=now if event is Event.OLD_RETIRED else one.retired)
        )
        return True

    async def _begin_if_due(self) -> bool:
        state, _ = self._coordinator.ledger.installed
        if not state.domain_keys:
            return False
        age = self._clock.now() - await self._rotations.added(state.newest)
        usage = (await self._rotations.usage()).get(state.newest)
        cause = self._terms.limits.cause(age, 0 if usage is None else usage.operations)
        if cause is None:
            return False
        await self.begin(cause)
        return True

    async def _planned(self, rotation: Rotation, state: DomainState) -> bool:
        del rotation
        return await self._ask_for(AddDomainKey(), state, "the addition of a domain key")

    async def _added(self, rotation: Rotation, state: DomainState) -> bool:
        del state
        for domain_key in rotation.old:
            await self._fence.fence(domain_key)
        await self.change(lambda one: one.moved(Event.WRITES_CLOSED))
        return True

    async def _fenced(self, rotation: Rotation, state: DomainState) -> bool:
        del rotation, state
        await self.change(lambda one: one.moved(Event.BEGAN_TO_LIST))
        return True

    async def _reseal(self, rotation: Rotation, state: DomainState) -> bool:
        del state
        await self._count(rotation)
        await self._resealing.pass_over(rotation.number, rotation.old, self._is_resealing)
        if not self._is_resealing():
            return True
        if await self._resealing.none_left(rotation.old):
            await self._count(rotation)
            await self.change(lambda one: one.moved(Event.NONE_LEFT))
            return True
        refused = self._resealing.refused
        if refused:
            self._why = f"modules refuse {refused} records: restore them from a backup"
        return not refused

    async def _resealed(self, rotation: Rotation, state: DomainState) -> bool:
        if not await self._resealing.none_left(rotation.old):
            await self.change(lambda one: one.moved(Event.SOME_LEFT))
            return True
        if await self._settles_in(state) > 0:
            return False
        for entry in state.domain_keys:
            if entry.id in rotation.old and entry.standing is Standing.ACTIVE:
                return await self._ask_for(RetireDomainKey(entry.id), state, "the retirement of the old domain key")
        return False

    async def _retired(self, rotation: Rotation, state: DomainState) -> bool:
        del state
        await self._count(rotation)
        return await self._begin_if_due()

    async def _ask_for(self, change: DomainChange, state: DomainState, words: str) -> bool:
        """Ask for a change of a state, if it is still what every member has and nothing is in flight."""
        ledger = self._coordinator.ledger
        if ledger.newest[0] is not state:
            return ledger.installed[0] is not state
        try:
            await self._operator.change(change)
        except QuorumNotMet:
            self._why = f"{words} waits for the signatures of a quorum"
        return False

    async def _count(self, rotation: Rotation) -> None:
        counted = [await self._reader.resting_under(domain_key) for domain_key in rotation.old]
        self.resting = Resting(sum(one.live for one in counted), sum(one.left_behind for one in counted))
        self._resealing.pace.left = self.resting.live

    def _is_resealing(self) -> bool:
        rotation = self.rotation
        return rotation is not None and rotation.stage is Stage.RESEALING and not rotation.paused

    def _tell(self) -> None:
        """Say once why it does not go on."""
        if self._why and self._why != self.trouble:
            self._report("rotation_waits", why=self._why)
        self.trouble = self._why
