"""The one judgement on whether a domain token may follow another (paragraphs 124, 125 and 132).

A token is accepted only as the exact next version of the exact predecessor, made from a request that satisfies the rule
that it changes and the rule that it leaves behind, and only if it is, byte for byte, what the request makes of the
predecessor. An issuing module can add nothing; nobody compares versions elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keystead.core.domain import change_request, domain_token
from keystead.core.domain.change_request import (
    AddOperator,
    ApprovedRequest,
    ChangeRequest,
    ChangeRules,
    RemoveOperator,
)
from keystead.core.domain.changes import changed
from keystead.core.domain.domain_token import Body
from keystead.core.domain.quorum import check_rules, require
from keystead.core.domain.state import DomainState, Operator, Permission
from keystead.errors import (
    NotAMember,
    NotPermitted,
    RemovedOperator,
    RequestExpired,
    StateMismatch,
    UnknownOperator,
    WrongDomain,
    WrongPredecessor,
    WrongVersion,
)
from keystead.identifiers import OperatorId
from keystead.primitives.labels import Label
from keystead.primitives.openssh import verify_sshsig
from keystead.primitives.signatures import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A token that was judged to follow its predecessor; only ``accept`` makes it."""

    state: DomainState
    body: Body
    hash: bytes
    encoded: bytes
    request: ChangeRequest


def apply(predecessor: DomainState, request: ChangeRequest, commitments: Mapping[bytes, bytes]) -> DomainState:
    """Return what the request makes of the predecessor.

    ``commitments`` has the commitment of a key that is added, by its id. Raises StateMismatch if the change changes
    nothing or names what is not there, UnsatisfiableRule if the rules could not be kept afterwards.
    """
    proposed = changed(predecessor, request, commitments)
    check_rules(proposed.rules, frozenset(proposed.operators_who(Permission.GOVERN)))
    return proposed


def approve(
    predecessor: DomainState, predecessor_hash: bytes, approved: ApprovedRequest, now: int | None
) -> ChangeRequest:
    """Return the request if it is for this predecessor and its signatures satisfy the rule that it changes.

    ``now`` in milliseconds is compared with the request's expiry; None for a token that all members promised in time.
    Raises FormatError, WrongDomain, WrongPredecessor, RequestExpired, RemovedOperator, UnknownOperator, NotPermitted,
    SignatureError, QuorumNotMet.
    """
    request = change_request.CODEC.decode(approved.request)
    if request.domain != predecessor.domain:
        raise WrongDomain("the request is for another domain")
    if request.predecessor != predecessor_hash:
        raise WrongPredecessor("the request is for another state of the domain")
    if now is not None and now > request.expires:
        raise RequestExpired("the request is past its expiry")
    signers = verified_signers(predecessor, approved)
    require(predecessor.rules.for_kind(request.kind), signers)
    return request


def verified_signers(state: DomainState, approved: ApprovedRequest) -> frozenset[OperatorId]:
    """Return who signed the request, each once.

    Raises RemovedOperator, UnknownOperator, NotPermitted for a signer that may not govern, SignatureError.
    """
    signers: set[OperatorId] = set()
    for signature in approved.signatures:
        operator = _governor(state, OperatorId(signature.operator))
        verify_sshsig(operator.public, change_request.NAMESPACE, approved.request, signature.signature)
        signers.add(operator.id)
    return frozenset(signers)


def _governor(state: DomainState, signer: OperatorId) -> Operator:
    if signer in state.former:
        raise RemovedOperator("the request is signed by an operator that was removed")
    operator = state.operator(signer)
    if operator is None:
        raise UnknownOperator("the request is signed by someone who is no operator of this domain")
    if Permission.GOVERN not in operator.permissions:
        raise NotPermitted("the request is signed by an operator that may not govern")
    return operator


def accept(predecessor: DomainState, predecessor_hash: bytes, encoded: bytes, now: int | None) -> Successor:
    """Return the token as judged to follow the predecessor.

    ``now`` as for ``approve``. Raises FormatError, WrongDomain, WrongVersion, WrongPredecessor, RequestExpired,
    RemovedOperator, UnknownOperator, NotPermitted, SignatureError, QuorumNotMet, NotAMember, StateMismatch,
    UnsatisfiableRule.
    """
    token = domain_token.CODEC.decode(encoded)
    body = domain_token.BODY_CODEC.decode(token.body)
    proposed = body.state
    if proposed.domain != predecessor.domain:
        raise WrongDomain("the token is for another domain")
    if proposed.version != predecessor.version + 1:
        raise WrongVersion(f"version {proposed.version} does not follow version {predecessor.version}")
    if body.predecessor != predecessor_hash:
        raise WrongPredecessor("the token follows another state of the domain")
    issuer = next((member for member in predecessor.members if member.id == body.issuer), None)
    if issuer is None:
        raise NotAMember("the token was made by a module that is no member")
    verify(issuer.identity, Label.DOMAIN_TOKEN, domain_token.signed_part(token.body, token.mac), token.signature)
    request = approve(predecessor, predecessor_hash, body.approved, now)
    _check_state(predecessor, request, body)
    require_of_successor(proposed, request, body.approved)
    return Successor(state=proposed, body=body, hash=domain_token.token_hash(encoded), encoded=encoded, request=request)


def require_of_successor(proposed: DomainState, request: ChangeRequest, approved: ApprovedRequest) -> None:
    """Return if those who govern afterwards signed beside those who governed before; raises QuorumNotMet."""
    signers = {OperatorId(signature.operator) for signature in approved.signatures}
    still = signers & set(proposed.operators_who(Permission.GOVERN))
    if isinstance(request.change, ChangeRules | AddOperator | RemoveOperator):
        require(proposed.rules.for_kind(request.kind), still)


def _check_state(predecessor: DomainState, request: ChangeRequest, body: Body) -> None:
    commitments = {entry.id: entry.commitment for entry in body.state.domain_keys}
    if apply(predecessor, request, commitments) != body.state:
        raise StateMismatch("the proposed state is not what the request makes of its predecessor")
    if [key.id for key in body.sealed_keys] != [entry.id for entry in body.state.domain_keys]:
        raise StateMismatch("the sealed keys are not those of the state")
    if [package.member for package in body.packages] != [member.id for member in body.state.members]:
        raise StateMismatch("the packages are not those of the members")
