"""Difference tokens (paragraph 121): a token without the state, which its request makes of the predecessor.

A form of transport alone: whoever has the predecessor rebuilds the very bytes, and judges those as always.
"""

from typing import Final

import cbor2
import msgspec

from keystead.core.domain import change_request, domain_token
from keystead.core.domain.change_request import ApprovedRequest
from keystead.core.domain.changes import new_key_id
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.domain_token import Body, DomainToken, Package, SealedDomainKey
from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.domain.succession import Successor, apply
from keystead.errors import WrongPredecessor

_PURPOSE: Final = "keystead token difference"


class TokenDifference(msgspec.Struct, frozen=True, array_like=True):
    """What is new in a token beside its predecessor's state."""

    predecessor: Bytes32
    """SHA-256 of the predecessor's token."""
    approved: ApprovedRequest
    issuer: Bytes16
    commitment: bytes
    """Of the domain key that is added; empty if none is."""
    sealed_keys: tuple[SealedDomainKey, ...]
    packages: tuple[Package, ...]
    mac: bytes
    signature: bytes


CODEC: Final[DocumentCodec[TokenDifference]] = DocumentCodec(TokenDifference, _PURPOSE, 1)
_BEGINNING: Final = b"\x8a" + cbor2.dumps(_PURPOSE)


def carried(successor: Successor) -> bytes:
    """Return the difference by which a token is sent to who has its predecessor."""
    body, token = successor.body, domain_token.CODEC.decode(successor.encoded)
    added = next((one.commitment for one in body.state.domain_keys if one.since == body.state.version), b"")
    return CODEC.encode(
        TokenDifference(
            body.predecessor,
            body.approved,
            body.issuer,
            added,
            body.sealed_keys,
            body.packages,
            token.mac,
            token.signature,
        )
    )


def rebuilt(state: DomainState, state_hash: bytes, sent: bytes) -> bytes:
    """Return the token that was sent, whole or as a difference from this state; it is to be judged.

    Raises WrongPredecessor if it is the difference from another state, FormatError, and what ``apply`` raises.
    """
    if not sent.startswith(_BEGINNING):
        return sent
    given = CODEC.decode(sent)
    if given.predecessor != state_hash:
        raise WrongPredecessor("the difference is from another token than the one that is installed")
    request = change_request.CODEC.decode(given.approved.request)
    proposed = apply(state, request, {new_key_id(request): given.commitment})
    body = Body(given.predecessor, given.approved, given.issuer, proposed, given.sealed_keys, given.packages)
    return domain_token.CODEC.encode(DomainToken(domain_token.BODY_CODEC.encode(body), given.mac, given.signature))
