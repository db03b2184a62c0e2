"""How the domain of a new installation begins: everyone is listed by full key, everyone signs, everyone is pinned.

The first domain key is then asked for as every later change is: a request that operators sign, a token that any module
makes, an installation by the coordinator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from keystead.core.domain import change_request, genesis
from keystead.core.domain.change_request import AddDomainKey, ApprovedRequest, ChangeRequest
from keystead.core.domain.genesis import Genesis, MemberSignature
from keystead.core.domain.quorum import ROUTINE, KOfOperators, RoutineRule, Rules
from keystead.core.domain.state import Member, Operator, Permission
from keystead.core.ports import Clock, Randomness
from keystead.core.protocols.module_session.messages import (
    AdoptGenesis,
    Answer,
    Identify,
    Identity,
    Ingested,
    Propose,
    Proposed,
    Signed,
    SignGenesis,
)
from keystead.errors import FormatError
from keystead.identifiers import DomainId
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.signatures import IdentityPublic
from keystead.transport.module_link import ModuleLink

APPROVAL_LIFE: Final = 3_600_000
"""Milliseconds for which the request for the first domain key may be acted on."""


@dataclass(frozen=True, slots=True)
class Founder:
    """An operator at the beginning: name, key, and what it may do."""

    name: str
    key: OperatorKey
    permissions: frozenset[Permission]

    def operator(self) -> Operator:
        """Return the operator as the genesis lists it."""
        return Operator.of(self.name, self.key.public, self.permissions)


async def found(
    modules: Mapping[str, ModuleLink],
    founders: tuple[Founder, ...],
    pin: Callable[[DomainId], None],
    clock: Clock,
    randomness: Randomness,
) -> bytes:
    """Return the genesis that every module and founder signed and every module adopted.

    ``modules`` are blank modules by name; ``pin`` writes the domain's id into their configuration before they are asked
    to sign. Every person who may govern must sign what changes the domain; ``_rules`` says what a machine may sign.
    """
    members = [_member(name, await link.control(Identify())) for name, link in modules.items()]
    body = genesis.body(
        nonce=randomness.token(32),
        created=clock.now(),
        members=members,
        operators=[founder.operator() for founder in founders],
        rules=_rules(founders),
    )
    pin(genesis.domain_id(body))
    signed = Genesis(body, _founders_signatures(body, founders), ())
    signatures = [
        MemberSignature(member.id, _signature(await link.control(SignGenesis(genesis.CODEC.encode(signed)))))
        for member, link in zip(members, modules.values(), strict=True)
    ]
    complete = Genesis(body, signed.operators, tuple(sorted(signatures, key=lambda one: one.member)))
    encoded = genesis.CODEC.encode(complete)
    genesis.verify_genesis(encoded)
    for link in modules.values():
        if not isinstance(await link.control(AdoptGenesis(encoded)), Ingested):
            raise FormatError("a module answered something else than that it adopted the genesis")
    return encoded


async def propose_first_key(
    module: ModuleLink, encoded_genesis: bytes, founders: tuple[Founder, ...], clock: Clock, randomness: Randomness
) -> bytes:
    """Return the domain token of version 1, which adds the first domain key; nothing is installed by it."""
    state = genesis.verify_genesis(encoded_genesis)
    request = change_request.CODEC.encode(
        ChangeRequest(state.domain, state.domain, AddDomainKey(), clock.now() + APPROVAL_LIFE, randomness.token(16))
    )
    approved = ApprovedRequest(
        request,
        tuple(
            change_request.sign(request, founder.operator().id, founder.key)
            for founder in founders
            if Permission.GOVERN in founder.permissions
        ),
    )
    answer = await module.control(Propose(change_request.APPROVED_CODEC.encode(approved)))
    if not isinstance(answer, Proposed):
        raise FormatError("the module answered something else than a domain token")
    return answer.token


def _rules(founders: tuple[Founder, ...]) -> Rules:
    """Return the rules: all people for the constitution; any one of them, or a machine that governs, for routine."""
    governors = {one.operator().id: one for one in founders if Permission.GOVERN in one.permissions}
    people = tuple(sorted(id_ for id_, one in governors.items() if one.permissions == {Permission.GOVERN}))
    everyone = KOfOperators(1, tuple(sorted(governors)))
    machines = len(governors) > len(people)
    return Rules(
        KOfOperators(len(people), people),
        tuple(RoutineRule(kind, everyone) for kind in sorted(ROUTINE)) if machines else (),
    )


def _member(name: str, answer: Answer) -> Member:
    if not isinstance(answer, Identity):
        raise FormatError("the module answered something else than its identity")
    return Member.of(name, IdentityPublic(ed25519=answer.ed25519, mldsa65=answer.mldsa65), answer.sealing, answer.slot)


def _signature(answer: Answer) -> bytes:
    if not isinstance(answer, Signed):
        raise FormatError("the module answered something else than its signature")
    return answer.signature


def _founders_signatures(body: bytes, founders: tuple[Founder, ...]) -> tuple[change_request.OperatorSignature, ...]:
    signatures = [genesis.sign_as_operator(body, founder.operator().id, founder.key) for founder in founders]
    return tuple(sorted(signatures, key=lambda one: one.operator))
