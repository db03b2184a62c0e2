"""Promises: each remaining member durably promises one successor of a state, so that no two are ever installed."""

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState, promisers
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


def require_promises(
    predecessor: DomainState,
    predecessor_hash: bytes,
    proposed: DomainState,
    successor_hash: bytes,
    encoded: Iterable[bytes],
) -> None:
    """Return if every member that remains has promised this successor.

    Raises FormatError, SignatureError, PromiseMissing.
    """
    missing = set(promisers(predecessor, proposed))
    for document in encoded:
        missing.discard(verified_promiser(predecessor, predecessor_hash, successor_hash, document))
    if missing:
        raise PromiseMissing(f"{len(missing)} of the remaining members have not promised this successor")


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
