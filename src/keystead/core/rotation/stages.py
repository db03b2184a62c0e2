"""The life of a rotation: one table, from which the diagram in ``docs/reference/life-cycles.md`` is printed."""

from collections.abc import Mapping
from enum import IntEnum, unique
from typing import Final


@unique
class Stage(IntEnum):
    """How far a rotation is; numbers are never reused."""

    PLANNED = 1
    """A new domain key is to be added (step 2102)."""
    ADDED = 2
    """Every member has the new domain key (step 2104)."""
    FENCED = 3
    """The key repository takes no record under an old domain key any more."""
    RESEALING = 4
    """Keys are listed and sealed anew (steps 2108 to 2122)."""
    RESEALED = 5
    """Nothing that is not marked for shredding rests under an old domain key (step 2114)."""
    RETIRED = 6
    """Every member refuses what rests under an old domain key, and can still be told to take it again."""
    DROPPED = 7
    """No member has an old domain key any more (step 2124)."""
    ABORTED = 8
    """An operator ended it; the old domain keys stay, fenced if they were."""
    TAKEN_OVER = 9
    """Another rotation was begun before the old domain keys were dropped, and has them among its own."""


@unique
class Event(IntEnum):
    """What moves a rotation on; numbers are never reused."""

    INSTALLED_EVERYWHERE = 1
    """Every member has a domain key that is newer than the old ones."""
    WRITES_CLOSED = 2
    BEGAN_TO_LIST = 3
    NONE_LEFT = 4
    SOME_LEFT = 5
    """A record came back to life: its mark for shredding was taken away, or a backup was restored."""
    OLD_RETIRED = 6
    OLD_REINSTATED = 7
    OLD_GONE = 8
    ORDERED_TO_END = 9
    ANOTHER_BEGINS = 10


TRANSITIONS: Final[Mapping[tuple[Stage, Event], Stage]] = {
    (Stage.PLANNED, Event.INSTALLED_EVERYWHERE): Stage.ADDED,
    (Stage.ADDED, Event.WRITES_CLOSED): Stage.FENCED,
    (Stage.FENCED, Event.BEGAN_TO_LIST): Stage.RESEALING,
    (Stage.RESEALING, Event.NONE_LEFT): Stage.RESEALED,
    (Stage.RESEALED, Event.SOME_LEFT): Stage.RESEALING,
    (Stage.RESEALED, Event.OLD_RETIRED): Stage.RETIRED,
    (Stage.RESEALED, Event.OLD_GONE): Stage.DROPPED,
    (Stage.RETIRED, Event.OLD_REINSTATED): Stage.RESEALED,
    (Stage.RETIRED, Event.OLD_GONE): Stage.DROPPED,
    (Stage.RETIRED, Event.ANOTHER_BEGINS): Stage.TAKEN_OVER,
    (Stage.PLANNED, Event.ORDERED_TO_END): Stage.ABORTED,
    (Stage.ADDED, Event.ORDERED_TO_END): Stage.ABORTED,
    (Stage.FENCED, Event.ORDERED_TO_END): Stage.ABORTED,
    (Stage.RESEALING, Event.ORDERED_TO_END): Stage.ABORTED,
    (Stage.RESEALED, Event.ORDERED_TO_END): Stage.ABORTED,
}
"""Each stage is durable before anything of it is begun, so that whoever died there goes on."""

ENDED: Final = frozenset({Stage.DROPPED, Stage.ABORTED, Stage.TAKEN_OVER})
"""Another rotation may begin."""
