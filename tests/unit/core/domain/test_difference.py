"""What operators are shown before they sign: all that changes, nothing else, and what cannot be undone."""

import pytest

from keystead.core.domain import change_request
from keystead.core.domain.approval import Gathered, gathered
from keystead.core.domain.change_request import (
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
    ReinstateDomainKey,
    RemoveMember,
    RemoveOperator,
    RetireDomainKey,
)
from keystead.core.domain.difference import SUMMARIES, Difference, described, difference, duration
from keystead.core.domain.quorum import Rules
from keystead.core.domain.state import Operator, Parameters, Permission
from keystead.errors import RemovedOperator, RequestExpired, StateMismatch, UnknownOperator, WrongPredecessor
from keystead.primitives.openssh import OperatorKey
from tests.simulators.parties import LATER, NOW, Parties, Person, k_of, member, person, signed
from tests.simulators.world import SeededRandomness

ADA, BEN, CY = PEOPLE = [person(name) for name in ("ada", "ben", "cy")]
NAMES = ("module-1", "module-2")


@pytest.fixture
def parties() -> Parties:
    """Two modules, three operators of whom two must sign, two domain keys: version 2."""
    parties = Parties(PEOPLE, NAMES, Rules(k_of(2, *PEOPLE)))
    for _ in range(2):
        parties.follow(parties.token(parties.request(AddDomainKey()), ADA, BEN))
    return parties


def shown(parties: Parties, change: DomainChange) -> Difference:
    """Return what an operator is shown of a request."""
    return difference(parties.state, change_request.CODEC.decode(parties.request(change)))


def old_key(parties: Parties) -> bytes:
    """Return the older domain key."""
    return parties.state.domain_keys[0].id


def titles(found: Difference) -> list[str]:
    """Return which parts change."""
    return [section.title for section in found.sections]


def new_operator(*permissions: Permission) -> Operator:
    """Return an operator that is not listed."""
    return Operator.of("dee", OperatorKey.generate(SeededRandomness(3, "dee"), "dee").public, frozenset(permissions))


@pytest.mark.requirement("CHG-06", "DOM-10")
def test_a_new_rule_is_shown_before_and_after(parties: Parties) -> None:
    """The lines that go and the lines that come, in words."""
    found = shown(parties, ChangeRules(Rules(k_of(1, ADA, BEN))))
    (section,) = found.sections
    assert section.title == "rules"
    assert section.removed == ("constitutional: 2 of (ada, ben, cy)",)
    assert section.added == ("constitutional: 1 of (ada, ben)",)
    assert found.warnings == (
        "decides who may decide from now on",
        "weaker: 1 may decide about what the constitution governs where 2 had to",
    )


SHOWN = {
    "a fresh key": (lambda _: AddDomainKey(), ["domain keys"], ""),
    "a retired key": (lambda parties: RetireDomainKey(old_key(parties)), ["domain keys"], ""),
    "a module that comes": (lambda _: AddMember(member("module-3")), ["members", "holders of sealing keys"], "compare"),
    "a module that goes": (
        lambda parties: RemoveMember(parties.state.members[0].id),
        ["members", "holders of sealing keys"],
        "outstanding",
    ),
    "an operator that may govern": (lambda _: AddOperator(new_operator(Permission.GOVERN)), ["operators"], "may sign"),
    "an operator that may vouch": (lambda _: AddOperator(new_operator(Permission.VOUCH)), ["operators"], "vouch"),
    "parameters": (lambda _: ChangeParameters(Parameters(retirement=1_000)), ["parameters"], "less time"),
    "an abandoned token": (lambda _: Abandon(bytes(32), ()), [], "cannot be undone"),
}


@pytest.mark.parametrize(("change", "expected", "warned"), SHOWN.values(), ids=SHOWN)
def test_each_kind_shows_the_parts_that_it_changes(
    parties: Parties, change: object, expected: list[str], warned: str
) -> None:
    """And warns of what is irreversible or weakens."""
    found = shown(parties, change(parties))  # type: ignore[operator]
    assert titles(found) == expected
    assert found.what
    assert any(warned in warning for warning in found.warnings) or not warned


def test_what_modules_would_refuse_is_not_shown_as_a_change(parties: Parties) -> None:
    """A request that makes nothing of this state is told to be that."""
    with pytest.raises(StateMismatch):
        shown(parties, ReinstateDomainKey(old_key(parties)))


def test_every_kind_of_change_has_words() -> None:
    """No kind is signed that nobody can read."""
    assert set(SUMMARIES) == set(KINDS)


def test_two_states_are_equal_if_their_lines_are(parties: Parties) -> None:
    """Every kind of change changes a line."""
    before = described(parties.state)
    parties.follow(parties.token(parties.request(RetireDomainKey(old_key(parties))), ADA, CY))
    assert described(parties.state) != before


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(0, "0 ms"), (1, "1 ms"), (90_000, "90 s"), (3_600_000, "1 h"), (86_400_000, "1 d")]
)
def test_time_spans_are_told_exactly(milliseconds: int, words: str) -> None:
    """In the largest unit that leaves no rest."""
    assert duration(milliseconds) == words


def stands(parties: Parties, change: DomainChange, *signers: Person, now: int = NOW, **changed: object) -> Gathered:
    """Return how far a request is with these signatures."""
    encoded = parties.request(change, **changed)
    approved = ApprovedRequest(encoded, signed(encoded, *signers).signatures)
    request: ChangeRequest = change_request.CODEC.decode(encoded)
    return gathered(parties.state, parties.hash, request, approved, now)


@pytest.mark.requirement("CHG-05")
def test_who_is_missing_is_told_until_there_is_a_quorum(parties: Parties) -> None:
    """One signature of two: the others could add to it; two are enough."""
    one = stands(parties, AddDomainKey(), BEN)
    assert not one.is_quorum
    assert one.signers == {BEN.operator.id}
    assert one.able == {ADA.operator.id, CY.operator.id}
    assert stands(parties, AddDomainKey(), BEN, CY).is_quorum


def test_a_new_quorum_must_sign_beside_the_old_one(parties: Parties) -> None:
    """Who governs afterwards is asked too."""
    change = ChangeRules(Rules(k_of(3, *PEOPLE)))
    assert not stands(parties, change, ADA, BEN).is_quorum
    assert stands(parties, change, ADA, BEN, CY).is_quorum


def test_an_abandonment_needs_the_rule_of_this_state_alone(parties: Parties) -> None:
    """It makes no state of its own."""
    assert stands(parties, Abandon(bytes(32), ()), ADA, BEN).is_quorum
    assert not stands(parties, Abandon(bytes(32), ()), ADA).is_quorum


@pytest.mark.requirement("CHG-05")
def test_what_modules_would_refuse_is_told_at_the_desk(parties: Parties) -> None:
    """Strangers, removed operators, other states and late requests are refused as the modules refuse them."""
    stranger = person("zoe")
    with pytest.raises(UnknownOperator):
        stands(parties, AddDomainKey(), ADA, stranger)
    with pytest.raises(WrongPredecessor):
        stands(parties, AddDomainKey(), ADA, BEN, predecessor=bytes(32))
    with pytest.raises(RequestExpired):
        stands(parties, AddDomainKey(), ADA, BEN, now=LATER + 1)
    parties.follow(parties.token(parties.request(ChangeRules(Rules(k_of(2, ADA, BEN)))), ADA, BEN))
    parties.follow(parties.token(parties.request(RemoveOperator(CY.operator.id)), ADA, BEN))
    with pytest.raises(RemovedOperator):
        stands(parties, AddDomainKey(), ADA, CY)
