"""The end of a key: marked to be shredded, left behind when domain keys rotate, gone when they are dropped.

Marked is marked for good. Whether the shredding is complete is written down nowhere: it follows from where the tokens
of the key rest and from the state of the domain, each time it is asked (``spec/shredding.md``).
"""

from collections.abc import Mapping

import msgspec

from keystead.core.domain.state import DomainKeyEntry, DomainState, DroppedKey, Fate, Holder
from keystead.core.keys.head import KeyHead
from keystead.core.protocols.aws_json.extension import ShreddingStatus
from keystead.errors import RecordError
from keystead.identifiers import DomainKeyId


class Shredding(msgspec.Struct, frozen=True):
    """How far the end of a key is."""

    status: ShreddingStatus
    resting: Mapping[int, DomainKeyEntry | DroppedKey]
    """Under which domain key the material of each version rests."""
    holders: tuple[Holder, ...]
    """Every sealing key that one of these domain keys was ever sealed to, in the order of the domain."""


def shredding(head: KeyHead, resting: Mapping[int, DomainKeyId], state: DomainState) -> Shredding:
    """Return how far the end of a key is whose tokens rest under these domain keys, by version.

    It is complete when each of them was dropped and nobody is known to have, or might have, a sealing key that one of
    them was sealed to. Raises RecordError for a domain key that this domain never had.
    """
    found = {version: _domain_key(domain_key, state) for version, domain_key in resting.items()}
    meant = set(resting.values())
    holders = tuple(one for one in state.holders if any(one in state.holders_of(key) for key in meant))
    return Shredding(_status(head, found, holders), found, holders)


def _domain_key(domain_key: DomainKeyId, state: DomainState) -> DomainKeyEntry | DroppedKey:
    listed = state.domain_key(domain_key)
    if listed is not None:
        return listed
    dropped = next((one for one in state.dropped if one.id == domain_key), None)
    if dropped is None:
        raise RecordError("a key token names a domain key that the domain never had")
    return dropped


def _status(
    head: KeyHead, resting: Mapping[int, DomainKeyEntry | DroppedKey], holders: tuple[Holder, ...]
) -> ShreddingStatus:
    if not head.shredded:
        return "NONE"
    dropped = all(isinstance(one, DroppedKey) for one in resting.values())
    gone = all(holder.fate in {Fate.RENEWED, Fate.DESTROYED} for holder in holders)
    return "SHRED_COMPLETE" if dropped and gone else "SHRED_PENDING"
