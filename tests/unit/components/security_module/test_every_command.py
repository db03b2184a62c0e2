"""Every kind of change at a real module, by every set of five signers, and with every kind of wrong signature."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain, combinations

import msgspec
import pytest

from keystead.core.domain import change_request, domain_token
from keystead.core.domain.change_request import (
    APPROVED_CODEC,
    KINDS,
    Abandon,
    AddDomainKey,
    AddMember,
    AddOperator,
    ApprovedRequest,
    ChangeParameters,
    ChangeRequest,
    ChangeRules,
    DomainChange,
    DropDomainKey,
    RecordDestruction,
    Recover,
    ReinstateDomainKey,
    RemoveMember,
    RemoveOperator,
    RenewHolder,
    RetireDomainKey,
)
from keystead.core.domain.quorum import ROUTINE, KOfOperators, KOfRules, RequestKind, RoutineRule, Rules
from keystead.core.domain.state import Operator, Parameters, Permission
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.messages import Answer, Refused
from keystead.errors import (
    NotPermitted,
    QuorumNotMet,
    Refusal,
    RemovedOperator,
    RequestExpired,
    SignatureError,
    UnknownOperator,
    WrongDomain,
    WrongPredecessor,
)
from keystead.identifiers import DomainKeyId
from keystead.primitives.openssh import OperatorKey
from tests.simulators.modules import ModuleDomain, ModuleHost

OFFICERS = ("officer", "ben", "cleo")
AUDITORS = ("dan", "eve")
SIGNERS = (*OFFICERS, *AUDITORS)
SUBSETS = [frozenset(one) for one in chain.from_iterable(combinations(SIGNERS, size) for size in range(6))]
REMOVED, STRANGER = "removed", "stranger"


class Commanded:
    """Three members, one that left, three domain keys; two of three officers and one of two auditors govern."""

    def __init__(self) -> None:
        self.domain = domain = ModuleDomain(4).with_key()
        for name in (*SIGNERS[1:], REMOVED, STRANGER):
            key = OperatorKey.generate(domain.randomness, name)
            domain.keys[name] = key
            domain.operators[name] = Operator.of(name, key.public, frozenset({Permission.GOVERN}))
        for name in (*SIGNERS[1:], REMOVED):
            domain.change(AddOperator(domain.operators[name]))
        domain.change(RemoveOperator(domain.operators[REMOVED].id))
        self.left = domain.hosts[-1]
        domain.change(AddDomainKey())
        domain.change(AddDomainKey())
        domain.change(RetireDomainKey(self.key(0)))
        self._leave()
        self.newcomer = ModuleHost("newcomer", domain, 11).member
        self.change_rules()
        self.renewal = domain.offers()[0]
        self.offers = domain.offers(self.key(0))
        attested = self.left.ask(messages.AttestDestruction())
        assert isinstance(attested, messages.Attested)
        self.attestation = attested.attestation

    def key(self, number: int) -> DomainKeyId:
        """Return a domain key, the oldest first."""
        return DomainKeyId(self.domain.state.domain_keys[number].id)

    def k_of(self, count: int, names: Iterable[str]) -> KOfOperators:
        """Return a rule."""
        return KOfOperators(count, tuple(sorted(self.domain.operators[name].id for name in names)))

    def rules(self, routine: int) -> Rules:
        """Return the nested rule for the constitution, and a count of officers for each routine kind."""
        constitution = KOfRules(2, (self.k_of(2, OFFICERS), self.k_of(1, AUDITORS)))
        own = tuple(RoutineRule(kind, self.k_of(routine, OFFICERS)) for kind in sorted(ROUTINE))
        return Rules(constitution, own)

    def change_rules(self) -> None:
        """Put the rules in force: who governs afterwards signs beside the one who governs now."""
        host = self.domain.hosts[0]
        proposed = host.ask(messages.Propose(self.domain.approved(ChangeRules(self.rules(1)), "officer", "ben", "dan")))
        assert isinstance(proposed, messages.Proposed)
        self.domain.install(proposed.token)

    def _leave(self) -> None:
        domain = self.domain
        token = domain.propose(RemoveMember(self.left.module.identity.id))
        domain.hosts.remove(self.left)
        promises = domain.promises(token)
        assert isinstance(self.left.ask(messages.Ingest(token, promises)), messages.Ingested)
        domain.install(token)

    def request(self, change: DomainChange, **changed: object) -> bytes:
        """Return a request for a change of what is installed."""
        state = self.domain.state
        fields = {
            "domain": state.domain,
            "predecessor": self.domain.hash,
            "change": change,
            "expires": self.domain.clock.now() + 1,
            "nonce": bytes(16),
        }
        return change_request.CODEC.encode(ChangeRequest(**fields | changed))  # type: ignore[arg-type]

    def answer(self, request: bytes, *signers: str, signed: bytes | None = None) -> Answer:
        """Return the module's answer to a request with these signatures, made under ``signed`` if that is another."""
        operators, keys = self.domain.operators, self.domain.keys
        signatures = [change_request.sign(signed or request, operators[name].id, keys[name]) for name in signers]
        approved = APPROVED_CODEC.encode(ApprovedRequest(request, tuple(signatures)))
        abandons = isinstance(change_request.CODEC.decode(request).change, Abandon)
        ask = messages.ReleaseSuccessor(approved) if abandons else messages.Propose(approved)
        return self.domain.hosts[0].ask(ask)


COMMANDS: dict[RequestKind, Callable[[Commanded], DomainChange]] = {
    RequestKind.ADD_DOMAIN_KEY: lambda _: AddDomainKey(),
    RequestKind.ADD_MEMBER: lambda one: AddMember(one.newcomer),
    RequestKind.REMOVE_MEMBER: lambda one: RemoveMember(one.domain.hosts[1].module.identity.id),
    RequestKind.ADD_OPERATOR: lambda one: AddOperator(one.domain.operators[STRANGER]),
    RequestKind.REMOVE_OPERATOR: lambda one: RemoveOperator(one.domain.operators["carrier"].id),
    RequestKind.CHANGE_RULES: lambda one: ChangeRules(one.rules(2)),
    RequestKind.RETIRE_DOMAIN_KEY: lambda one: RetireDomainKey(one.key(1)),
    RequestKind.DROP_DOMAIN_KEY: lambda one: DropDomainKey(one.key(0), one.offers, ()),
    RequestKind.ABANDON: lambda _: Abandon(domain_token.token_hash(b"a token"), ()),
    RequestKind.RECOVER: lambda one: Recover(one.domain.state.members[:2]),
    RequestKind.REINSTATE_DOMAIN_KEY: lambda one: ReinstateDomainKey(one.key(0)),
    RequestKind.RENEW_HOLDER: lambda one: RenewHolder(one.renewal),
    RequestKind.RECORD_DESTRUCTION: lambda one: RecordDestruction(one.attestation),
    RequestKind.CHANGE_PARAMETERS: lambda _: ChangeParameters(Parameters(1)),
}
SEVERAL = ("officer", "ben", "dan")
"""Enough for every kind."""


@cache
def commanded() -> Commanded:
    """Return the domain, to which no test brings a change."""
    return Commanded()


def suffices(kind: RequestKind, signers: frozenset[str]) -> bool:
    """Whether these may ask for this: counted here anew, beside the code."""
    officers, auditors = len(signers & set(OFFICERS)), len(signers & set(AUDITORS))
    return officers >= 1 if kind in ROUTINE else officers >= 2 and auditors >= 1


def test_every_kind_is_tried() -> None:
    """A kind that is added is added here too."""
    assert set(COMMANDS) == set(RequestKind) == set(KINDS.values())


@pytest.mark.requirement("CHG-01", "CHG-04", "CHG-05", "TOK-08", "TOK-09", "TOK-10", "TOK-11", "TOK-12", "TOK-13")
@pytest.mark.parametrize("kind", RequestKind, ids=lambda kind: kind.name)
def test_a_command_is_followed_by_exactly_the_sets_of_signers_that_suffice(kind: RequestKind) -> None:
    """Of all 32 sets those that satisfy the rule of this kind get what they ask for, the others are refused."""
    domain = commanded()
    request = domain.request(COMMANDS[kind](domain))
    for signers in SUBSETS:
        answer = domain.answer(request, *sorted(signers))
        if suffices(kind, signers):
            assert isinstance(answer, messages.Proposed | messages.Released), (signers, answer)
        else:
            assert isinstance(answer, Refused), signers
            assert answer.number == QuorumNotMet.number, signers


WRONG: dict[str, tuple[type[Refusal], Callable[[Commanded, DomainChange], Answer]]] = {
    "nobody signed": (QuorumNotMet, lambda one, change: one.answer(one.request(change))),
    "one auditor signed five times": (QuorumNotMet, lambda one, change: one.answer(one.request(change), *["dan"] * 5)),
    "a stranger signed too": (UnknownOperator, lambda one, change: one.answer(one.request(change), *SEVERAL, STRANGER)),
    "a removed operator signed too": (
        RemovedOperator,
        lambda one, change: one.answer(one.request(change), *SEVERAL, REMOVED),
    ),
    "a front end signed too": (
        NotPermitted,
        lambda one, change: one.answer(one.request(change), *SEVERAL, "front-end"),
    ),
    "expired": (
        RequestExpired,
        lambda one, change: one.answer(one.request(change, expires=one.domain.clock.now() - 1), *SEVERAL),
    ),
    "for another domain": (
        WrongDomain,
        lambda one, change: one.answer(one.request(change, domain=bytes(32)), *SEVERAL),
    ),
    "for an earlier state": (
        WrongPredecessor,
        lambda one, change: one.answer(one.request(change, predecessor=one.domain.state.domain), *SEVERAL),
    ),
    "signatures of another request": (
        SignatureError,
        lambda one, change: one.answer(one.request(change), *SEVERAL, signed=one.request(change, nonce=b"n" * 16)),
    ),
}


@pytest.mark.requirement("CHG-04", "CHG-05", "TOK-13", "P20-01")
@pytest.mark.parametrize("kind", RequestKind, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_signature_spoils_a_command_with_an_error_of_its_own(kind: RequestKind, name: str) -> None:
    """However many others are good, and whatever was asked for."""
    domain = commanded()
    error, ask = WRONG[name]
    answer = ask(domain, COMMANDS[kind](domain))
    assert isinstance(answer, Refused)
    assert answer.number == error.number, answer


def test_a_signature_that_comes_twice_counts_once_and_harms_nobody() -> None:
    """Beside enough others it changes nothing."""
    domain = commanded()
    request = domain.request(AddOperator(domain.domain.operators[STRANGER]))
    assert isinstance(domain.answer(request, *SEVERAL, "ben"), messages.Proposed)
    short = domain.answer(request, "ben", "ben", "dan")
    assert isinstance(short, Refused)
    assert short.number == QuorumNotMet.number


@pytest.mark.requirement("CHG-17", "CHG-18", "CONS-08")
def test_the_worked_example_of_paragraph_124_at_a_module() -> None:
    """A module that has 192427 makes a token of 192428, which names it, and refuses one of 192427 or lower."""
    domain = ModuleDomain(1).with_key()
    host = domain.hosts[0]
    installed = host.module.installed
    at = msgspec.structs.replace(installed.current, state=msgspec.structs.replace(domain.state, version=192_427))
    earlier = domain.propose(AddDomainKey())
    installed._current = at  # noqa: SLF001 - no domain was changed so often
    token = domain.propose(AddDomainKey())
    body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(token).body)
    assert (body.state.version, body.predecessor) == (192_428, at.hash)
    answer = host.ask(messages.PromiseSuccessor(earlier))
    assert isinstance(answer, Refused)
    assert "version 2 does not follow version 192427" in answer.detail
