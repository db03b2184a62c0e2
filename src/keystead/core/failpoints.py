"""Named places in the order of durable steps, where a test lets a process die or stand still.

Nothing happens at a failpoint unless the process was started with two variables of its environment set
(``keystead.bootstrap.failpoints``), which is unsafe and never done in production. The one registry of names lets
tests hit every place there is. It is the process's own, like a signal handler, so that no constructor carries it.
"""

from collections.abc import Callable
from enum import StrEnum, unique


@unique
class Failpoint(StrEnum):
    """Every place, named by who is there and what is durable."""

    COORDINATOR_RECORDED = "coordinator-recorded"
    """The decision about a token is durable; nobody heard of it yet."""
    COORDINATOR_PROMISE_KEPT = "coordinator-promise-kept"
    """A member's promise is durable; the ledger does not have it yet."""
    COORDINATOR_INSTALLATION_KEPT = "coordinator-installation-kept"
    """That a member has the token is durable; the ledger does not have it yet."""
    COORDINATOR_ABANDONMENT_KEPT = "coordinator-abandonment-kept"
    """That a token is given up is durable; nobody was asked for a release."""
    COORDINATOR_RELEASE_KEPT = "coordinator-release-kept"
    """A module's release is durable; the ledger does not have it yet."""
    COORDINATOR_BURIED = "coordinator-buried"
    """That a token is dead is durable; the ledger does not know it yet."""
    COORDINATOR_BEFORE_ADMIT = "coordinator-before-admit"
    """All promised; the key repository does not take records under the new domain key yet."""
    COORDINATOR_ADMITTED = "coordinator-admitted"
    """It takes them; the stage says so not yet."""
    COORDINATOR_BEFORE_STAGE = "coordinator-before-stage"
    COORDINATOR_STAGE_SET = "coordinator-stage-set"
    """A stage of an installation is durable; nothing of it was begun."""
    COORDINATOR_BEFORE_PUBLISH = "coordinator-before-publish"
    COORDINATOR_PUBLISHED = "coordinator-published"
    """A token that every member has is, or is not yet, to be read by every role."""
    ROTATION_BEGUN = "rotation-begun"
    """A rotation is durable; nothing of it was begun."""
    ROTATION_BEFORE_CHANGE = "rotation-before-change"
    ROTATION_CHANGED = "rotation-changed"
    """A stage of a rotation, or an order about it, is durable; nothing follows from it yet."""
    ROTATION_BEFORE_FENCE = "rotation-before-fence"
    ROTATION_FENCED = "rotation-fenced"
    """An old domain key takes no records any more; the stage says so not yet."""
    ROTATION_SEALED = "rotation-sealed"
    """A module sealed a page anew; nothing of it is stored."""
    ROTATION_STORED = "rotation-stored"
    """A page that was sealed anew is durable."""
    MODULE_SLOT_PREPARED = "module-slot-prepared"
    """The next generation of a root slot is durable; nothing rests under it yet."""
    MODULE_BEFORE_DESTROY = "module-before-destroy"
    MODULE_SLOT_DESTROYED = "module-slot-destroyed"
    """What rested under the former generation is, or is not yet, out of reach for good."""
    MODULE_BEFORE_WRITE = "module-before-write"
    MODULE_WRITTEN = "module-written"
    """A sealed file of a module is, or is not yet, durable; what it holds was not told to anyone."""


_armed: Callable[[Failpoint], None] | None = None


def reach(point: Failpoint) -> None:
    """Be at a failpoint: nothing, unless the process was armed."""
    if _armed is not None:
        _armed(point)


def arm(reached: Callable[[Failpoint], None] | None) -> None:
    """Have ``reached`` called at every failpoint from now on; None disarms."""
    global _armed  # noqa: PLW0603 - the process's own, as said above
    _armed = reached
