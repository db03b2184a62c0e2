"""When an installation has not succeeded in time, and what its operators are told then (claim 3; step 2106)."""

from typing import Final, Literal

import msgspec

from keystead.core.protocols.coordination import Status

DELAYED: Final = "installation_delayed"
ENDED: Final = "installation_delay_ended"


class Awaited(msgspec.Struct, frozen=True):
    """A member that is waited for."""

    name: str
    id: str
    reachable: bool
    trouble: str
    """Why it does not get on; empty while nothing else is known than that it did not answer yet."""
    since: int | None
    """Since when it is in trouble, in milliseconds since the epoch."""


class Notice(msgspec.Struct, frozen=True):
    """What is logged, and posted to whoever is to be notified. Made of names and public ids alone."""

    event: Literal["installation_delayed", "installation_delay_ended"]
    domain: str
    version: int
    stage: str
    begun: int
    """When the installation began, in milliseconds since the epoch."""
    waiting_for: tuple[Awaited, ...]


def delay(status: Status, now: int, patience: int) -> Notice | None:
    """Return the notice that an installation lasts longer than ``patience`` milliseconds; None if none does."""
    if status.in_flight is None or status.begun is None or now - status.begun < patience:
        return None
    awaited = tuple(
        Awaited(one.name, one.module.hex(), one.reachable, one.trouble, one.since)
        for one in status.modules
        if one.waited_for
    )
    return Notice(DELAYED, status.domain.hex(), status.in_flight, status.stage, status.begun, awaited)


def ended(told: Notice) -> Notice:
    """Return the notice that what was told is over."""
    return msgspec.structs.replace(told, event=ENDED, waiting_for=())


def differs(notice: Notice, told: Notice | None) -> bool:
    """Whether it says something that was not told yet: another version or stage, other members, other trouble."""
    return told is None or _told(notice) != _told(told)


def _told(notice: Notice) -> tuple[object, ...]:
    return notice.version, notice.stage, tuple((one.id, one.trouble) for one in notice.waiting_for)
