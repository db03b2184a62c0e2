"""Statements that a module has a token: who has it never releases it, so it can not be dead."""

from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.release import involved
from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.domain.succession import Successor
from keystead.core.tokens.envelope import bound
from keystead.errors import Abandoned
from keystead.identifiers import ModuleId
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify


class Followed(msgspec.Struct, frozen=True, array_like=True):
    """A module's word that this token is what it has installed."""

    domain: Bytes32
    token: Bytes32
    member: Bytes16
    signature: bytes


CODEC: Final[DocumentCodec[Followed]] = DocumentCodec(Followed, "keystead followed token", 1)


def followed(domain: bytes, token: bytes, member: ModuleId, key: IdentityKey) -> Followed:
    """Return the module's signed statement."""
    return Followed(domain, token, member, key.sign(Label.FOLLOWED, bound(domain, token, member)))


def require_followed(predecessor: DomainState, successor: Successor, lost: AbstractSet[bytes], encoded: bytes) -> None:
    """Return if somebody who may install this token, and whom nobody declared lost, says that it has it.

    Raises Abandoned if it is another's or another token's statement, FormatError, SignatureError.
    """
    given = CODEC.decode(encoded)
    member = involved(predecessor, successor).get(ModuleId(given.member))
    meant = (predecessor.domain, successor.hash)
    if member is None or member.id in lost or (given.domain, given.token) != meant:
        raise Abandoned("nobody who may install the token says that it has it")
    verify(member.identity, Label.FOLLOWED, bound(*meant, member.id), given.signature)
