"""How a domain begins: one document that lists everyone by full key; everyone signs, and its hash is the domain's id.

It is the only root of trust: a blank module takes part in no domain but the one that its own configuration pins by this
hash.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.change_request import OperatorSignature
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.holders import holder
from keystead.core.domain.quorum import Rules, check_rules
from keystead.core.domain.state import (
    Bytes16,
    Bytes32,
    DomainState,
    Member,
    Operator,
    Parameters,
    Permission,
    Role,
)
from keystead.errors import FormatError, SignatureError
from keystead.identifiers import DomainId, OperatorId
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey, verify_sshsig
from keystead.primitives.signatures import IdentityKey, verify

NAMESPACE: Final = "keystead.genesis.v1"
DEFAULT_PARAMETERS: Final = Parameters()


class GenesisBody(msgspec.Struct, frozen=True, array_like=True):
    """Who a domain consists of at its beginning."""

    nonce: Bytes32
    created: Annotated[int, Meta(ge=0, lt=2**53)]
    """Milliseconds since the epoch."""
    members: Annotated[tuple[Member, ...], Meta(min_length=1)]
    operators: Annotated[tuple[Operator, ...], Meta(min_length=1)]
    rules: Rules
    parameters: Parameters


class MemberSignature(msgspec.Struct, frozen=True, array_like=True):
    """One member's signature."""

    member: Bytes16
    signature: bytes


class Genesis(msgspec.Struct, frozen=True, array_like=True):
    """The very bytes of the body, and everyone's signature under them."""

    body: bytes
    operators: tuple[OperatorSignature, ...]
    """In the order of the body's operators."""
    members: tuple[MemberSignature, ...]
    """In the order of the body's members."""


BODY_CODEC: Final[DocumentCodec[GenesisBody]] = DocumentCodec(GenesisBody, "keystead genesis body", 1)
CODEC: Final[DocumentCodec[Genesis]] = DocumentCodec(Genesis, "keystead genesis", 1)


def body(
    *,
    nonce: bytes,
    created: int,
    members: Iterable[Member],
    operators: Iterable[Operator],
    rules: Rules,
    parameters: Parameters = DEFAULT_PARAMETERS,
) -> bytes:
    """Return the body to be signed; raises UnsatisfiableRule if the rules cannot be kept by these operators."""
    listed = tuple(sorted(operators, key=lambda operator: operator.id))
    in_order = tuple(sorted(members, key=lambda member: member.id))
    drafted = GenesisBody(nonce, created, in_order, listed, rules, parameters)
    _check(drafted)
    return BODY_CODEC.encode(drafted)


def domain_id(genesis_body: bytes) -> DomainId:
    """Return the id of the domain that begins so."""
    return DomainId(sha256(genesis_body))


def initial_state(genesis_body: bytes) -> DomainState:
    """Return version 0 of the domain: no domain key yet. Raises FormatError, UnsatisfiableRule."""
    decoded = BODY_CODEC.decode(genesis_body)
    _check(decoded)
    return DomainState(
        domain_id(genesis_body),
        0,
        decoded.members,
        decoded.operators,
        decoded.rules,
        domain_keys=(),
        parameters=decoded.parameters,
        holders=tuple(holder(member, 0) for member in decoded.members),
    )


def sign_as_operator(genesis_body: bytes, operator: OperatorId, key: OperatorKey) -> OperatorSignature:
    """Return an operator's signature under the body."""
    return OperatorSignature(operator, key.sign(NAMESPACE, genesis_body))


def sign_as_member(genesis_body: bytes, member: bytes, identity: IdentityKey) -> MemberSignature:
    """Return a member's signature under the body."""
    return MemberSignature(member, identity.sign(Label.GENESIS, genesis_body))


def verify_operators(genesis_body: bytes, signatures: tuple[OperatorSignature, ...]) -> DomainState:
    """Return version 0 if every operator, in order, signed the body; raises SignatureError."""
    state = initial_state(genesis_body)
    if [signature.operator for signature in signatures] != [operator.id for operator in state.operators]:
        raise SignatureError("the genesis is not signed by each of its operators")
    for operator, signature in zip(state.operators, signatures, strict=True):
        verify_sshsig(operator.public, NAMESPACE, genesis_body, signature.signature)
    return state


def verify_genesis(encoded: bytes) -> DomainState:
    """Return version 0 of the domain if everyone signed; raises FormatError, SignatureError, UnsatisfiableRule."""
    genesis = CODEC.decode(encoded)
    state = verify_operators(genesis.body, genesis.operators)
    if [signature.member for signature in genesis.members] != [member.id for member in state.members]:
        raise SignatureError("the genesis is not signed by each of its members")
    for member, signature in zip(state.members, genesis.members, strict=True):
        verify(member.identity, Label.GENESIS, genesis.body, signature.signature)
    return state


def _check(drafted: GenesisBody) -> None:
    member_ids = [member.id for member in drafted.members]
    operator_ids = [operator.id for operator in drafted.operators]
    if member_ids != sorted(set(member_ids)) or operator_ids != sorted(set(operator_ids)):
        raise FormatError("members and operators are listed in order of their ids, each once")
    if len({member.sealing for member in drafted.members}) != len(member_ids):
        raise FormatError("two members have one sealing key")
    if all(member.role is not Role.ACTIVE for member in drafted.members):
        raise FormatError("no member is active")
    governors = {operator.id for operator in drafted.operators if Permission.GOVERN in operator.permissions}
    check_rules(drafted.rules, governors)
