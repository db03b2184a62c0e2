"""Promises: each remaining member durably promises one successor of a state, so that no two are ever installed."""

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.core.domain.change_request import Recover, RemoveMember
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.domain.succession import Successor
from keystead.core.tokens.envelope import bound
from keystead.errors import PromiseMissing
from keystead.identifiers import ModuleId
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """One member's word that it will install this successor of this predecessor and no other."""

    domain: Bytes32
    predecessor: Bytes32
    successor: Bytes32
    member: Bytes16
    signature: bytes


CODEC: Final[DocumentCodec[Promise]] = DocumentCodec(Promise, "keystead promise", 1)


def promise(domain: bytes, predecessor: bytes, successor: bytes, member: ModuleId, identity: IdentityKey) -> Promise:
    """Return the member's signed promise; to be made durable before it is given away."""
    stated = _stated(domain, predecessor, successor, member)
    return Promise(domain, predecessor, successor, member, identity.sign(Label.PROMISE, stated))


def promisers(predecessor: DomainState, successor: Successor) -> frozenset[ModuleId]:
    """Return who must promise the successor: those who stay active, if they are most of those who are.

    Otherwise everyone who is, but for those whom the request itself declares lost. So any two successors of one state
    share somebody who must promise both, and only a quorum's own word can part them.
    """
    remaining = successor.state.active & predecessor.members_by_id.keys()
    if 2 * len(remaining) > len(predecessor.active):
        return remaining
    return (predecessor.active | remaining) - _lost(predecessor, successor)


def _lost(predecessor: DomainState, successor: Successor) -> frozenset[ModuleId]:
    change = successor.request.change
    if isinstance(change, Recover) or (isinstance(change, RemoveMember) and change.lost):
        return frozenset(predecessor.members_by_id.keys() - successor.state.members_by_id.keys())
    return frozenset()


def require_promises(
    predecessor: DomainState, predecessor_hash: bytes, successor: Successor, encoded: Iterable[bytes]
) -> None:
    """Return if everyone who must has promised this successor.

    Raises FormatError, SignatureError, PromiseMissing.
    """
    missing = set(promisers(predecessor, successor))
    for document in encoded:
        missing.discard(verified_promiser(predecessor, predecessor_hash, successor.hash, document))
    if missing:
        raise PromiseMissing(f"{len(missing)} of those who must have not promised this successor")


def verified_promiser(
    predecessor: DomainState, predecessor_hash: bytes, successor_hash: bytes, encoded: bytes
) -> ModuleId:
    """Return the member of the predecessor that promised this successor.

    Raises FormatError, SignatureError, PromiseMissing if it is another successor's, or no member's.
    """
    given = CODEC.decode(encoded)
    member = predecessor.member(ModuleId(given.member))
    meant = (predecessor.domain, predecessor_hash, successor_hash)
    if member is None or (given.domain, given.predecessor, given.successor) != meant:
        raise PromiseMissing("a promise of another successor, or of someone who is no member")
    verify(member.identity, Label.PROMISE, _stated(*meant, member.id), given.signature)
    return member.id


def _stated(domain: bytes, predecessor: bytes, successor: bytes, member: bytes) -> bytes:
    return bound(domain, predecessor, successor, member)
