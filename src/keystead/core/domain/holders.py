"""The account of sealing keys: to which of them tokens were sealed, and what became of their private halves.

A domain key is gone only when every private half that it was ever sealed to is gone. So no entry is ever taken out.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, unique
from typing import Final

import msgspec

from keystead.core.domain.state import Fate, Holder, Member, Role
from keystead.errors import StateMismatch
from keystead.identifiers import ModuleId
from keystead.primitives.digest import sha256


@unique
class Event(Enum):
    """What a token says of a sealing key."""

    REPLACED = "replaced by an offer"
    REPLACED_UNSEEN = "replaced by a recovery member's offer"
    MEMBER_LEFT = "member left"
    ATTESTED = "destruction recorded"


TRANSITIONS: Final[Mapping[tuple[Fate, Event], Fate]] = {
    (Fate.HOLDS, Event.REPLACED): Fate.RENEWED,
    (Fate.HOLDS, Event.REPLACED_UNSEEN): Fate.OUTSTANDING,
    (Fate.HOLDS, Event.MEMBER_LEFT): Fate.OUTSTANDING,
    (Fate.RENEWED, Event.MEMBER_LEFT): Fate.OUTSTANDING,
    (Fate.OUTSTANDING, Event.ATTESTED): Fate.DESTROYED,
}
"""The life of a sealing key in the account."""


def holder(member: Member, version: int) -> Holder:
    """Return the entry of a sealing key that is listed from this version on."""
    return Holder(member.id, sha256(member.sealing), member.slot, version)


def with_listed(holders: tuple[Holder, ...], members: Iterable[Member], version: int) -> tuple[Holder, ...]:
    """Return the account with these sealing keys more; raises StateMismatch if one was ever listed before."""
    fresh = tuple(holder(member, version) for member in members)
    known = [one.sealing for one in (*holders, *fresh)]
    if len(known) != len(set(known)):
        raise StateMismatch("a sealing key was used before: a module joins and returns with a fresh one")
    return holders + fresh


def with_renewed(holders: tuple[Holder, ...], member: Member, version: int) -> tuple[Holder, ...]:
    """Return the account after the member's sealing key was replaced by the one that it has now.

    Nobody waits for a recovery member to follow, so what became of its former key must be attested.
    """
    event = Event.REPLACED if member.role is Role.ACTIVE else Event.REPLACED_UNSEEN
    ended = tuple(_ended(one, version, event) if _is_listed(one, member.id) else one for one in holders)
    return with_listed(ended, (member,), version)


def with_left(holders: tuple[Holder, ...], module: ModuleId, version: int) -> tuple[Holder, ...]:
    """Return the account after a member left.

    Its promise of the version before showed that it had the one before that. So what that version itself renewed is
    in doubt again.
    """
    return tuple(_left(one, version) if one.module == module else one for one in holders)


def with_destroyed(holders: tuple[Holder, ...], module: ModuleId, version: int) -> tuple[Holder, ...]:
    """Return the account after a module attested that no sealing key is left whose listing had ended by a version.

    Raises StateMismatch if nothing of the module's is outstanding.
    """
    settled = tuple(_destroyed(one) if one.module == module and 0 < one.until <= version else one for one in holders)
    if settled == holders:
        raise StateMismatch("no sealing key of that module is outstanding")
    return settled


def _is_listed(one: Holder, module: ModuleId) -> bool:
    return one.module == module and one.until == 0


def _ended(one: Holder, version: int, event: Event) -> Holder:
    return msgspec.structs.replace(one, until=version, fate=TRANSITIONS[one.fate, event])


def _left(one: Holder, version: int) -> Holder:
    if one.until == 0:
        return _ended(one, version, Event.MEMBER_LEFT)
    if one.fate is Fate.RENEWED and one.until == version - 1:
        return msgspec.structs.replace(one, fate=TRANSITIONS[one.fate, Event.MEMBER_LEFT])
    return one


def _destroyed(one: Holder) -> Holder:
    return msgspec.structs.replace(one, fate=TRANSITIONS.get((one.fate, Event.ATTESTED), one.fate))
