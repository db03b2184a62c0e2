"""Named durable steps, and the places before and after each, where a test lets a process die or stand still.

Nothing happens at a failpoint unless the process was started with two variables of its environment set
(``keystead.bootstrap.failpoints``), which is unsafe and never done in production. The one registry of steps lets
tests hit every place there is. It is the process's own, like a signal handler, so that no constructor carries it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Step(StrEnum):
    """Every step that leaves something durable: what of an installation, a rotation or a key is kept from then on."""

    DECISION = "decision"
    """The coordinator's decision about a token that it was asked to install."""
    PROMISE = "promise"
    """A member's promise, at the coordinator."""
    INSTALLATION = "installation"
    """That a member has a token, at the coordinator."""
    ABANDONMENT = "abandonment"
    """A quorum's request to give a token up."""
    RELEASE = "release"
    """A module's release of a token that is given up, at the coordinator."""
    BURIAL = "burial"
    """That a token is dead."""
    STAGE = "stage"
    """How far an installation is."""
    ADMISSION = "admission"
    """That the key repository takes records under a domain key."""
    FENCE = "fence"
    """That it takes none any more."""
    KEY_CHANGE = "key-change"
    """What a customer's request, or the end of a key, changes."""
    ROTATION = "rotation"
    """That a rotation is begun."""
    ROTATION_CHANGE = "rotation-change"
    """A stage of a rotation, or an order about it."""
    RESEALING = "resealing"
    """A batch of keys that a module sealed anew."""
    USAGE = "usage"
    """What a module did under its domain keys."""
    MODULE_FILE = "module-file"
    """The sealed file of a module: what it promises, offers, and has installed."""
    SLOT_PREPARATION = "slot-preparation"
    """The next generation of a root slot, under which nothing rests yet."""
    SLOT_DESTRUCTION = "slot-destruction"
    """That nothing opens what rested under the former generation."""
    FILE_REPLACEMENT = "file-replacement"
    """A file of a disk, which is whole beside the former one before."""
    FILE_REMOVAL = "file-removal"
    """That a file of a disk is gone, which is overwritten before."""


@unique
class Side(StrEnum):
    """Where a failpoint is, as seen from its step."""

    BEFORE = "before"
    AFTER = "after"
    """What the step left is durable, and nobody was told."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """One place; its name is what a test asks for."""

    side: Side
    step: Step

    def __str__(self) -> str:
        """Return the name."""
        return f"{self.side}-{self.step}"


FAILPOINTS: Final = {str(point): point for step in Step for side in Side for point in (Failpoint(side, step),)}
"""Every place, by name."""

_armed: Callable[[Failpoint], None] | None = None


@contextmanager
def durable(step: Step) -> Iterator[None]:
    """Take a step in the block, so that a process can be made to die on either side of it.

    If the block raises, the far side is not reached.
    """
    _reach(step, Side.BEFORE)
    yield
    _reach(step, Side.AFTER)


def arm(reached: Callable[[Failpoint], None] | None) -> None:
    """Have ``reached`` called at every failpoint from now on; None disarms."""
    global _armed  # noqa: PLW0603 - the process's own, as said above
    _armed = reached


def _reach(step: Step, side: Side) -> None:
    if _armed is not None:
        _armed(Failpoint(side, step))
