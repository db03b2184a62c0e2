"""Whether a domain token may follow another: commands by signers, every way of being wrong, and what changes."""

from collections.abc import Callable, Iterator
from itertools import chain, combinations

import msgspec
import pytest

from keystead.core.domain import domain_token, succession
from keystead.core.domain.change_request import (
    AddDomainKey,
    AddMember,
    AddOperator,
    ApprovedRequest,
    ChangeRules,
    DomainChange,
    RemoveMember,
    RemoveOperator,
)
from keystead.core.domain.domain_token import Body, DomainToken
from keystead.core.domain.quorum import RequestKind, RoutineRule, Rules
from keystead.core.domain.state import DomainKeyEntry, Operator, Permission
from keystead.errors import (
    FormatError,
    NotAMember,
    NotPermitted,
    QuorumNotMet,
    Refusal,
    RemovedOperator,
    RequestExpired,
    SignatureError,
    StateMismatch,
    UnknownOperator,
    UnsatisfiableRule,
    WrongDomain,
    WrongPredecessor,
    WrongVersion,
)
from keystead.primitives.labels import Label
from tests.simulators.parties import LATER, NOW, Parties, k_of, member, module, person, signed

PEOPLE = [person(name) for name in ("ada", "ben", "cleo", "dan", "eve")]
FRONT_END = person("front-end", Permission.SERVE)
STRANGER = person("stranger")
CONSTITUTION = k_of(3, *PEOPLE)
RULES = Rules(CONSTITUTION, (RoutineRule(RequestKind.ADD_DOMAIN_KEY, k_of(2, *PEOPLE)),))
SUBSETS = list(chain.from_iterable(combinations(PEOPLE, size) for size in range(len(PEOPLE) + 1)))

COMMANDS: dict[str, tuple[DomainChange, int]] = {
    "add a domain key": (AddDomainKey(), 2),
    "add a member": (AddMember(member("module-3")), 3),
    "remove a member": (RemoveMember(module("module-2").id), 3),
    "add an operator": (AddOperator(STRANGER.operator), 3),
    "remove an operator": (RemoveOperator(FRONT_END.operator.id), 3),
    "change the rules to those that ask for less": (ChangeRules(Rules(k_of(2, *PEOPLE))), 3),
    "change the rules to those that ask for more": (ChangeRules(Rules(k_of(4, *PEOPLE))), 4),
}


@pytest.fixture
def parties() -> Parties:
    """Five who govern, a front end, two modules; three of five for most, two for a domain key."""
    return Parties([*PEOPLE, FRONT_END], ["module-1", "module-2"], RULES)


@pytest.mark.requirement("CHG-01", "CHG-03", "CHG-04", "CHG-05", "CONS-02", "CONS-03", "TOK-11", "TOK-13")
@pytest.mark.parametrize("name", COMMANDS)
def test_commands_by_sets_of_signers(parties: Parties, name: str) -> None:
    """Of all sets of five signers, exactly those with enough of them make a token, and it may follow."""
    change, needed = COMMANDS[name]
    for signers in SUBSETS:
        request = parties.request(change)
        if len(signers) < needed:
            with pytest.raises(QuorumNotMet):
                parties.token(request, *signers)
        else:
            assert parties.judged(parties.token(request, *signers)).state.version == 1


@pytest.mark.requirement("CHG-05")
def test_a_duplicate_signature_counts_once(parties: Parties) -> None:
    """One who signs thrice is one signer."""
    with pytest.raises(QuorumNotMet):
        parties.token(parties.request(AddDomainKey()), PEOPLE[0], PEOPLE[0], PEOPLE[0])
    parties.token(parties.request(AddDomainKey()), PEOPLE[0], PEOPLE[0], PEOPLE[1])


WRONG_REQUESTS: dict[str, tuple[type[Refusal], Callable[[Parties], ApprovedRequest]]] = {
    "signed by a stranger": (
        UnknownOperator,
        lambda parties: signed(parties.request(AddDomainKey()), *PEOPLE, STRANGER),
    ),
    "signed by an operator that may not govern": (
        NotPermitted,
        lambda parties: signed(parties.request(AddDomainKey()), *PEOPLE, FRONT_END),
    ),
    "expired": (RequestExpired, lambda parties: signed(parties.request(AddDomainKey(), expires=NOW - 1), *PEOPLE)),
    "of another domain": (
        WrongDomain,
        lambda parties: signed(parties.request(AddDomainKey(), domain=bytes(32)), *PEOPLE),
    ),
    "of another predecessor": (
        WrongPredecessor,
        lambda parties: signed(parties.request(AddDomainKey(), predecessor=bytes(32)), *PEOPLE),
    ),
    "with signatures of another request": (
        SignatureError,
        lambda parties: ApprovedRequest(
            parties.request(AddDomainKey()), signed(parties.request(AddDomainKey()), *PEOPLE).signatures
        ),
    ),
    "with another's signature": (
        SignatureError,
        lambda parties: _with_swapped_signers(signed(parties.request(AddDomainKey()), *PEOPLE)),
    ),
    "without signatures": (QuorumNotMet, lambda parties: signed(parties.request(AddDomainKey()))),
    "no request": (FormatError, lambda _: signed(b"no request", *PEOPLE)),
}


def _with_swapped_signers(approved: ApprovedRequest) -> ApprovedRequest:
    first, second, *others = approved.signatures
    swapped = (
        msgspec.structs.replace(first, operator=second.operator),
        msgspec.structs.replace(second, operator=first.operator),
    )
    return msgspec.structs.replace(approved, signatures=(*swapped, *others))


@pytest.mark.requirement("CHG-04")
@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_wrong_requests_are_refused(parties: Parties, name: str) -> None:
    """Each way of being wrong has its own error, and nothing comes of it."""
    error, make = WRONG_REQUESTS[name]
    with pytest.raises(error) as refused:
        succession.approve(parties.state, parties.hash, make(parties), NOW)
    assert type(refused.value) is error


def test_a_request_is_good_until_it_expires(parties: Parties) -> None:
    """At its expiry it is good; a millisecond later it is not, unless all promised in time."""
    request = parties.request(AddDomainKey())
    token = parties.token(request, *PEOPLE)
    parties.judged(token, now=LATER)
    with pytest.raises(RequestExpired):
        parties.judged(token, now=LATER + 1)
    parties.judged(token, now=None)


def test_a_replayed_request_is_refused(parties: Parties) -> None:
    """What was installed once is for another state afterwards, and so is the token made from it."""
    request = parties.request(AddDomainKey())
    token = parties.token(request, *PEOPLE)
    parties.follow(token)
    with pytest.raises(WrongPredecessor):
        parties.token(request, *PEOPLE)
    with pytest.raises(WrongVersion):
        parties.judged(token)


def test_a_removed_operator_is_told_from_a_stranger_and_never_comes_back(parties: Parties) -> None:
    """Its signature has an error of its own, and it cannot be listed again."""
    everyone = PEOPLE[:4]
    parties.follow(parties.token(parties.request(ChangeRules(Rules(k_of(3, *everyone)))), *everyone))
    parties.follow(parties.token(parties.request(RemoveOperator(PEOPLE[4].operator.id)), *everyone))
    with pytest.raises(RemovedOperator):
        parties.token(parties.request(AddDomainKey()), *PEOPLE)
    with pytest.raises(StateMismatch, match="removed for good"):
        parties.token(parties.request(AddOperator(PEOPLE[4].operator)), *everyone)


WRONG_CHANGES: dict[str, tuple[type[Refusal], DomainChange]] = {
    "a member that is one already": (StateMismatch, AddMember(member("module-1"))),
    "removing a module that is no member": (StateMismatch, RemoveMember(module("module-3").id)),
    "an operator that is listed so already": (StateMismatch, AddOperator(PEOPLE[0].operator)),
    "removing an operator that is none": (StateMismatch, RemoveOperator(STRANGER.operator.id)),
    "removing an operator that a rule names": (UnsatisfiableRule, RemoveOperator(PEOPLE[0].operator.id)),
    "taking from an operator the permission that a rule needs": (
        UnsatisfiableRule,
        AddOperator(Operator.of("ada", PEOPLE[0].key.public, frozenset({Permission.SERVE}))),
    ),
    "the rules that are there": (StateMismatch, ChangeRules(RULES)),
    "rules that name a stranger": (UnsatisfiableRule, ChangeRules(Rules(k_of(1, STRANGER)))),
    "a constitution weaker than another rule": (
        UnsatisfiableRule,
        ChangeRules(Rules(k_of(1, *PEOPLE), (RoutineRule(RequestKind.ADD_DOMAIN_KEY, k_of(2, *PEOPLE)),))),
    ),
}


@pytest.mark.parametrize("name", WRONG_CHANGES)
def test_changes_that_cannot_be_made_are_refused(parties: Parties, name: str) -> None:
    """A change of what is not there, of nothing, or to rules that could not be kept is refused though all signed."""
    error, change = WRONG_CHANGES[name]
    with pytest.raises(error):
        parties.token(parties.request(change), *PEOPLE)


def test_the_last_member_cannot_be_removed() -> None:
    """A domain without members could never be changed again."""
    parties = Parties([PEOPLE[0]], ["module-1"], Rules(k_of(1, PEOPLE[0])))
    with pytest.raises(StateMismatch, match="last one"):
        parties.token(parties.request(RemoveMember(module("module-1").id)), PEOPLE[0])


def test_the_quorum_that_comes_signs_beside_the_one_that_goes() -> None:
    """Rules that put somebody else in charge need the signature of who is in charge then."""
    ada, ben = PEOPLE[:2]
    parties = Parties([ada, ben], ["module-1"], Rules(k_of(1, ada)))
    handover = ChangeRules(Rules(k_of(1, ben)))
    with pytest.raises(QuorumNotMet):
        parties.token(parties.request(handover), ada)
    with pytest.raises(QuorumNotMet):
        parties.token(parties.request(handover), ben)
    parties.follow(parties.token(parties.request(handover), ada, ben))
    with pytest.raises(QuorumNotMet):
        parties.token(parties.request(AddDomainKey()), ada)


@pytest.mark.requirement("CONS-07", "CHG-02", "CHG-12")
@pytest.mark.parametrize("issuer", ["module-1", "module-2"])
def test_any_member_makes_tokens(parties: Parties, issuer: str) -> None:
    """The token names its version, who asked, and which module made it."""
    successor = parties.judged(parties.token(parties.request(AddDomainKey()), *PEOPLE[:2], by=issuer))
    assert successor.state.version == parties.state.version + 1
    assert successor.body.issuer == module(issuer).id
    assert [one.operator for one in successor.body.approved.signatures] == [one.operator.id for one in PEOPLE[:2]]


def test_a_module_that_is_no_member_makes_no_token(parties: Parties) -> None:
    """A token by a module outside of the predecessor is refused, though a quorum asked for it."""
    with pytest.raises(NotAMember):
        parties.token(parties.request(AddDomainKey()), *PEOPLE, by="module-3")


@pytest.mark.requirement("CHG-09", "TOK-05", "TOK-06", "TOK-07", "TOK-08", "TOK-12", "CHG-06")
def test_a_token_has_the_complete_state(parties: Parties) -> None:
    """Members, operators with permissions, rules, and every domain key sealed, the kept ones with their commitments."""
    parties.follow(parties.token(parties.request(AddDomainKey()), *PEOPLE))
    kept = parties.state.domain_keys
    successor = parties.judged(parties.token(parties.request(AddDomainKey()), *PEOPLE))
    assert successor.state.members == parties.state.members
    assert successor.state.operators == parties.state.operators
    assert successor.state.rules == RULES
    assert successor.state.domain_keys[:1] == kept
    assert [sealed.id for sealed in successor.body.sealed_keys] == [key.id for key in successor.state.domain_keys]
    assert [package.member for package in successor.body.packages] == [one.id for one in successor.state.members]


def _tampered(parties: Parties, token: bytes, **changed: object) -> bytes:
    """Return the token with another body, signed by the module that made it: a lying member."""
    decoded = domain_token.CODEC.decode(token)
    body = msgspec.structs.replace(domain_token.BODY_CODEC.decode(decoded.body), **changed)
    return _signed_by(parties.modules[0], domain_token.BODY_CODEC.encode(body))


def _signed_by(name: str, body: bytes) -> bytes:
    mac = bytes(32)
    signature = module(name).signing.sign(Label.DOMAIN_TOKEN, domain_token.signed_part(body, mac))
    return domain_token.CODEC.encode(DomainToken(body, mac, signature))


def _lies(parties: Parties, body: Body) -> Iterator[tuple[str, type[Refusal], dict[str, object]]]:
    """Yield what a member that makes tokens could try to slip in."""
    state = body.state
    replace = msgspec.structs.replace
    approved = signed(parties.request(AddDomainKey(), domain=bytes(32)), *PEOPLE)
    kept = DomainKeyEntry(state.domain_keys[0].id, bytes(32), state.domain_keys[0].since)
    yield "another domain", WrongDomain, {"state": replace(state, domain=bytes(32))}
    yield "a later version", WrongVersion, {"state": replace(state, version=state.version + 1)}
    yield "the same version", WrongVersion, {"state": replace(state, version=state.version - 1)}
    yield "another predecessor", WrongPredecessor, {"predecessor": bytes(32)}
    yield "no member made it", NotAMember, {"issuer": bytes(16)}
    yield "another member made it", SignatureError, {"issuer": module("module-2").id}
    yield "a request for another domain", WrongDomain, {"approved": approved}
    yield "an operator more", StateMismatch, {"state": replace(state, operators=(*state.operators, STRANGER.operator))}
    yield "a member less", StateMismatch, {"state": replace(state, members=state.members[:1])}
    yield "other rules", StateMismatch, {"state": replace(state, rules=Rules(k_of(1, *PEOPLE)))}
    yield (
        "another commitment of a kept key",
        StateMismatch,
        {"state": replace(state, domain_keys=(kept, *state.domain_keys[1:]))},
    )
    yield "not the key that was asked for", StateMismatch, {"state": replace(state, domain_keys=state.domain_keys[:-1])}
    yield "a key less", StateMismatch, {"state": replace(state, domain_keys=state.domain_keys[1:])}
    yield "a key more", StateMismatch, {"state": replace(state, domain_keys=(*state.domain_keys, kept))}
    yield "a removed operator more", StateMismatch, {"state": replace(state, former=(bytes(16),))}
    yield "a package less", StateMismatch, {"packages": body.packages[:1]}
    yield "a sealed key less", StateMismatch, {"sealed_keys": body.sealed_keys[:1]}


@pytest.mark.requirement("CHG-11", "CHG-20", "CHG-21", "CONS-04", "TOK-01", "TOK-17", "P20-01")
def test_a_lying_member_slips_nothing_in(parties: Parties) -> None:
    """Whatever differs from what the request makes of the predecessor is refused, each lie for its own reason."""
    parties.follow(parties.token(parties.request(AddDomainKey()), *PEOPLE))
    token = parties.token(parties.request(AddDomainKey()), *PEOPLE)
    body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(token).body)
    for name, error, changed in _lies(parties, body):
        with pytest.raises(Refusal) as refused:
            parties.judged(_tampered(parties, token, **changed))
        assert type(refused.value) is error, name


def test_every_flipped_bit_is_refused(parties: Parties) -> None:
    """No bit of a token can be changed by who carries it: every 97th is tried, and each of the first hundred bytes."""
    token = parties.token(parties.request(AddDomainKey()), *PEOPLE[:2])
    for position in chain(range(100), range(100, len(token), 97)):
        changed = bytearray(token)
        changed[position] ^= 1 << position % 8
        with pytest.raises(Refusal):
            parties.judged(bytes(changed))
