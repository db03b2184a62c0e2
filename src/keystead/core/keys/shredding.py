"""The end of a key: marked to be shredded, left behind when domain keys rotate, gone when they are dropped.

Marked is marked for good. Whether the shredding is complete is written down nowhere: it follows from where the tokens
of the key rest, and ever rested, and from the state of the domain, each time it is asked (``spec/shredding.md``).
"""

from collections.abc import Mapping
from enum import Enum, unique
from typing import Final, TypeAlias

import msgspec

from keystead.core.domain.state import DomainKeyEntry, DomainState, DroppedKey, Fate, Holder
from keystead.core.keys.head import KeyHead
from keystead.core.protocols.aws_json.extension import ShreddingStatus
from keystead.errors import RecordError
from keystead.identifiers import DomainKeyId

KnownKey: TypeAlias = DomainKeyEntry | DroppedKey


@unique
class Event(Enum):
    """What brings a key nearer to its end."""

    MARKED = "marked to be shredded"
    NOBODY_OPENS_IT = "every domain key dropped, no holder outstanding"


TRANSITIONS: Final[Mapping[tuple[ShreddingStatus, Event], ShreddingStatus]] = {
    ("NONE", Event.MARKED): "SHRED_PENDING",
    ("SHRED_PENDING", Event.NOBODY_OPENS_IT): "SHRED_COMPLETE",
}
"""The end of a key."""


class Shredding(msgspec.Struct, frozen=True):
    """How far the end of a key is."""

    status: ShreddingStatus
    resting: Mapping[int, KnownKey]
    """Under which domain key the material of each version rests."""
    reaches: Mapping[int, tuple[KnownKey, ...]]
    """Under which it ever rested or may have, oldest first; the last is the one above."""
    holders: tuple[Holder, ...]
    """Every sealing key that one of these domain keys was ever sealed to, in the order of the domain."""


def shredding(head: KeyHead, resting: Mapping[int, DomainKeyId], state: DomainState) -> Shredding:
    """Return how far the end of a key is whose tokens rest under these domain keys, by version.

    It is complete when each domain key that a token of it ever rested under was dropped, and nobody is known to have,
    or might have, a sealing key that one of them was sealed to. Raises RecordError for a domain key that this domain
    never had.
    """
    reaches = {
        version: span(state, DomainKeyId(head.versions[version - 1].domain_key), last)
        for version, last in resting.items()
    }
    meant = {one.id for known in reaches.values() for one in known}
    holders = tuple(one for one in state.holders if any(one in state.holders_of(DomainKeyId(key)) for key in meant))
    found = {version: known[-1] for version, known in reaches.items()}
    return Shredding(_status(head, reaches, holders), found, reaches, holders)


def span(state: DomainState, first: DomainKeyId, last: DomainKeyId) -> tuple[KnownKey, ...]:
    """Return the domain keys that what was first sealed under one, and rests under another now, may have rested under.

    Something is sealed anew under the newest domain key alone, so these are all that were added from the first on, up
    to the last. Copies under each of them may exist. Raises RecordError if the domain never had them so.
    """
    begun, ended = _known(state, first), _known(state, last)
    every: list[KnownKey] = [*state.dropped, *state.domain_keys]
    found = sorted((one for one in every if begun.since <= one.since <= ended.since), key=lambda one: one.since)
    if not found:
        raise RecordError("a key token rests under an older domain key than its material was made under")
    return tuple(found)


def _known(state: DomainState, domain_key: DomainKeyId) -> KnownKey:
    listed = state.domain_key(domain_key)
    if listed is not None:
        return listed
    dropped = next((one for one in state.dropped if one.id == domain_key), None)
    if dropped is None:
        raise RecordError("a record names a domain key that the domain never had")
    return dropped


def _status(head: KeyHead, reaches: Mapping[int, tuple[KnownKey, ...]], holders: tuple[Holder, ...]) -> ShreddingStatus:
    if not head.shredded:
        return "NONE"
    marked = TRANSITIONS["NONE", Event.MARKED]
    dropped = all(isinstance(one, DroppedKey) for known in reaches.values() for one in known)
    gone = all(holder.fate in {Fate.RENEWED, Fate.DESTROYED} for holder in holders)
    return TRANSITIONS[marked, Event.NOBODY_OPENS_IT] if dropped and gone else marked
