"""Releases: what frees a promise. A successor is dead once it is shown that nobody can have it or ever install it."""

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.core.domain.change_request import APPROVED_CODEC, Abandon
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.promise import promisers
from keystead.core.domain.state import Bytes16, Bytes32, DomainState, Member
from keystead.core.domain.succession import Successor, accept, approve
from keystead.core.tokens.envelope import bound
from keystead.errors import PromiseBroken, StateMismatch
from keystead.identifiers import ModuleId
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify


class Abandonment(msgspec.Struct, frozen=True, array_like=True):
    """What a quorum asked to abandon, and the hash of the very request."""

    successor: Bytes32
    lost: tuple[Bytes16, ...]
    request: Bytes32


class Release(msgspec.Struct, frozen=True, array_like=True):
    """A module's word that it has not installed this successor and, of itself, never will promise or install it."""

    domain: Bytes32
    predecessor: Bytes32
    abandonment: Abandonment
    had_promised: bool
    """Whether others may have been shown its promise of the successor."""
    module: Bytes16
    signature: bytes


class Death(msgspec.Struct, frozen=True, array_like=True):
    """What shows that a successor is dead."""

    token: bytes
    """The successor."""
    approved: bytes
    """The request to abandon it."""
    releases: tuple[bytes, ...]
    """Given for that very request."""


CODEC: Final[DocumentCodec[Release]] = DocumentCodec(Release, "keystead release", 1)


def abandonment(state: DomainState, state_hash: bytes, encoded: bytes, now: int | None) -> Abandonment:
    """Return what a quorum asks to abandon; raises StateMismatch for another request, and what ``approve`` raises."""
    approved = APPROVED_CODEC.decode(encoded)
    request = approve(state, state_hash, approved, now)
    if not isinstance(request.change, Abandon):
        raise StateMismatch("the request asks for something else than to abandon a successor")
    return Abandonment(request.change.successor, request.change.lost, sha256(approved.request))


def release(
    domain: bytes, predecessor: bytes, asked: Abandonment, module: ModuleId, key: IdentityKey, *, had_promised: bool
) -> Release:
    """Return the module's signed release; it is durable before it is given away."""
    unsigned = Release(domain, predecessor, asked, had_promised, module, b"")
    return msgspec.structs.replace(unsigned, signature=key.sign(Label.RELEASE, _stated(unsigned)))


def verified_release(state: DomainState, state_hash: bytes, asked: Abandonment, giver: Member, encoded: bytes) -> bool:
    """Return whether the giver had promised what it releases; raises FormatError, SignatureError, StateMismatch."""
    given = CODEC.decode(encoded)
    if (given.domain, given.predecessor, given.abandonment) != (state.domain, state_hash, asked):
        raise StateMismatch("a release of another successor, or for another request")
    verify(giver.identity, Label.RELEASE, _stated(given), given.signature)
    return given.had_promised


def releaser(encoded: bytes) -> ModuleId:
    """Return who a release says it is of, unverified; raises FormatError."""
    return ModuleId(CODEC.decode(encoded).module)


def involved(predecessor: DomainState, successor: Successor) -> dict[ModuleId, Member]:
    """Return everyone who may install the successor: the members before it and after it."""
    return {**predecessor.members_by_id, **successor.state.members_by_id}


def is_dead(predecessor: DomainState, successor: Successor, asked: Abandonment, had: dict[ModuleId, bool]) -> bool:
    """Whether these releases, by who had promised, show that nobody has the successor or can ever install it.

    One of those who must promise, which never did and never will, is enough. Otherwise everyone who may install it must
    have released it, but for those of which the quorum takes that upon itself.
    """
    if any(had.get(module) is False for module in promisers(predecessor, successor)):
        return True
    return involved(predecessor, successor).keys() <= had.keys() | set(map(ModuleId, asked.lost))


def require_dead(state: DomainState, state_hash: bytes, death: Death) -> bytes:
    """Return the hash of the successor that is shown to be dead.

    Raises PromiseBroken if it is not, and what ``succession.accept``, ``abandonment`` and ``verified_release`` raise.
    """
    successor = accept(state, state_hash, death.token, None)
    asked = abandonment(state, state_hash, death.approved, None)
    if asked.successor != successor.hash:
        raise StateMismatch("the request abandons another successor")
    if not is_dead(state, successor, asked, _had_promised(state, state_hash, successor, asked, death.releases)):
        raise PromiseBroken("the abandoned successor may still be installed somewhere")
    return successor.hash


def _had_promised(
    state: DomainState, state_hash: bytes, successor: Successor, asked: Abandonment, releases: Iterable[bytes]
) -> dict[ModuleId, bool]:
    givers = involved(state, successor)
    had = {}
    for encoded in releases:
        giver = givers.get(releaser(encoded))
        if giver is None:
            raise StateMismatch("a release of someone who could not install the successor")
        had[giver.id] = verified_release(state, state_hash, asked, giver, encoded)
    return had


def _stated(one: Release) -> bytes:
    asked = one.abandonment
    lost = bound(*asked.lost)
    return bound(
        one.domain, one.predecessor, asked.successor, lost, asked.request, bytes((one.had_promised,)), one.module
    )
