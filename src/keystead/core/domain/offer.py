"""Offers: a member's next sealing key, for one predecessor, so that what follows is sealed to fresh keys alone.

An offer is for one change. Otherwise a rival of a drop, sealed to the same key and never installed, would still have
what was dropped.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState, Member, SlotKind
from keystead.core.tokens.envelope import bound
from keystead.errors import StateMismatch
from keystead.identifiers import ModuleId
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify


class Offer(msgspec.Struct, frozen=True, array_like=True):
    """A member's word that it can open what is sealed to this key, if the token makes this very change."""

    domain: Bytes32
    predecessor: Bytes32
    dropping: Annotated[bytes, Meta(max_length=16)]
    """The domain key that the token drops; empty if it drops none."""
    number: Annotated[int, Meta(ge=1, lt=2**53)]
    """Greater with each offer of the member."""
    member: Bytes16
    sealing: Annotated[bytes, Meta(min_length=1216, max_length=1216)]
    slot: SlotKind
    signature: bytes


CODEC: Final[DocumentCodec[Offer]] = DocumentCodec(Offer, "keystead offer", 1)


def offer(
    domain: bytes,
    predecessor: bytes,
    dropping: bytes,
    number: int,
    sealing: bytes,
    slot: SlotKind,
    member: ModuleId,
    key: IdentityKey,
) -> Offer:
    """Return the member's signed offer; the private half is durable before it is given away."""
    unsigned = Offer(domain, predecessor, dropping, number, member, sealing, slot, b"")
    return msgspec.structs.replace(unsigned, signature=key.sign(Label.OFFER, _stated(unsigned)))


def renewed_member(state: DomainState, predecessor: bytes, dropping: bytes, encoded: bytes) -> Member:
    """Return the member as it will be listed with what it offers.

    Raises FormatError, SignatureError, StateMismatch if the offer is for another change, or no member's.
    """
    given = CODEC.decode(encoded)
    member = state.member(ModuleId(given.member))
    meant = (state.domain, predecessor, dropping)
    if member is None or (given.domain, given.predecessor, given.dropping) != meant:
        raise StateMismatch("an offer for another predecessor or another change, or of someone who is no member")
    verify(member.identity, Label.OFFER, _stated(given), given.signature)
    return msgspec.structs.replace(member, sealing=given.sealing, slot=given.slot)


def _stated(one: Offer) -> bytes:
    number = one.number.to_bytes(8, "big")
    return bound(one.domain, one.predecessor, one.dropping, number, one.member, one.sealing, bytes((one.slot,)))
