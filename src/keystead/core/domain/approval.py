"""How far a request is from its quorum: what operators are told while they gather signatures."""

import msgspec

from keystead.core.domain.change_request import Abandon, ApprovedRequest, ChangeRequest
from keystead.core.domain.difference import foreseen
from keystead.core.domain.quorum import named
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import approve, require_of_successor, verified_signers
from keystead.errors import QuorumNotMet
from keystead.identifiers import OperatorId


class Gathered(msgspec.Struct, frozen=True):
    """Who signed, whether that is enough, and who could still add to it."""

    signers: frozenset[OperatorId]
    is_quorum: bool
    able: frozenset[OperatorId]


def gathered(state: DomainState, token: bytes, request: ChangeRequest, approved: ApprovedRequest, now: int) -> Gathered:
    """Return what the signatures under a request of this state amount to.

    Raises what ``succession.approve`` raises but QuorumNotMet, and what ``difference.foreseen`` raises.
    """
    signers = verified_signers(state, approved)
    after = None if isinstance(request.change, Abandon) else foreseen(state, request)
    rules = [one.rules.for_kind(request.kind) for one in (state, after) if one is not None]
    able = frozenset(OperatorId(one) for rule in rules for one in named(rule)) - signers
    try:
        approve(state, token, approved, now)
        if after is not None:
            require_of_successor(after, request, approved)
    except QuorumNotMet:
        return Gathered(signers, is_quorum=False, able=able)
    return Gathered(signers, is_quorum=True, able=able)
