"""One rotation as it is kept, and what may be done with it now."""

from enum import IntEnum, unique
from typing import Final

import msgspec

from keystead.core.domain.state import DomainState, Standing
from keystead.core.rotation.stages import ENDED, TRANSITIONS, Event, Stage
from keystead.errors import RotationDenied
from keystead.identifiers import DomainKeyId

NEVER: Final = 0


@unique
class Cause(IntEnum):
    """Why a rotation was begun; numbers are never reused."""

    ORDER = 1
    """An operator asked for it."""
    AGE = 2
    """The newest domain key was as old as it may become (paragraph 135)."""
    OPERATIONS = 3
    """As many operations were done under the newest domain key as may be (paragraph 135)."""


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """From some old domain keys to the newest one."""

    number: int
    """1 for the first; one more for each."""
    cause: Cause
    begun: int
    """Milliseconds since the epoch."""
    old: tuple[DomainKeyId, ...]
    """The domain keys that were listed when it began, oldest first."""
    stage: Stage = Stage.PLANNED
    paused: bool = False
    limit: int = 0
    """Keys that may be sealed anew in a second; 0 for no limit."""
    orders: int = 0
    """Orders that were taken for it, so that none is taken twice."""
    waived: bool = False
    """Whether an operator takes it upon himself that no backup is newer than the last record that was sealed anew."""
    retired: int = NEVER
    """When all old domain keys were found retired."""
    resealed: int = 0
    """Keys that were sealed anew."""
    last_reseal: int = NEVER
    """When a key was sealed anew for the last time."""
    revision: int = 0
    """One more with every change of what is kept, but for ``resealed`` and ``last_reseal``."""

    @property
    def open(self) -> bool:
        """Whether there is anything left to do."""
        return self.stage not in ENDED

    def moved(self, event: Event) -> "Rotation":
        """Return the rotation after the event; raises RotationDenied if the event has no place at this stage."""
        following = TRANSITIONS.get((self.stage, event))
        if following is None:
            raise RotationDenied(f"the rotation is {self.stage.name.lower()}: this has no place there")
        return msgspec.structs.replace(self, stage=following)


class Limits(msgspec.Struct, frozen=True):
    """When a rotation is begun without an order; 0 is never."""

    age: int = 0
    """Milliseconds since the newest domain key was added."""
    operations: int = 0
    """Operations under the newest domain key, of all members together."""

    def cause(self, age: int, operations: int) -> Cause | None:
        """Return why a rotation is due, or None if it is not."""
        if 0 < self.age <= age:
            return Cause.AGE
        if 0 < self.operations <= operations:
            return Cause.OPERATIONS
        return None


def seen_in(rotation: Rotation, state: DomainState) -> Event | None:
    """Return what the state that every member has says about the rotation, or None if nothing new.

    A domain key is retired, and gone, only when a quorum said so and all members have it: that is read here.
    """
    listed = {entry.id: entry for entry in state.domain_keys}
    remaining = [listed[key] for key in rotation.old if key in listed]
    if rotation.stage is Stage.PLANNED and state.domain_keys[-1].id not in rotation.old:
        return Event.INSTALLED_EVERYWHERE
    if rotation.stage in {Stage.RESEALED, Stage.RETIRED}:
        return _after_resealing(rotation.stage, [entry.standing is Standing.RETIRED for entry in remaining])
    return None


def _after_resealing(stage: Stage, retired: list[bool]) -> Event | None:
    if not retired:
        return Event.OLD_GONE
    if stage is Stage.RESEALED:
        return Event.OLD_RETIRED if all(retired) else None
    return None if all(retired) else Event.OLD_REINSTATED
