"""What the coordinator decides by version and descent, and what each module is sent (FIG. 19)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.domain import promise
from keystead.core.domain.change_request import AddDomainKey, AddMember
from keystead.core.domain.coordination import Decision, Installation, Position, Progress, decide
from keystead.core.domain.ledger import Entry, Ledger
from keystead.core.domain.quorum import Rules
from keystead.core.protocols.module_session.messages import AdoptGenesis, Ingest, PromiseSuccessor
from keystead.errors import NotPinned, PromiseMissing, WrongVersion
from keystead.identifiers import DomainId, ModuleId
from tests.simulators.parties import Parties, k_of, member, module, person

ADA = person("ada")
MODULES = ["module-1", "module-2"]
EXAMPLE = 192427
"""The version that paragraph 124 takes for an example."""


def hashed(version: int, branch: int = 0) -> bytes:
    """Return the hash of the token of a version, on one branch."""
    return version.to_bytes(31, "big") + bytes([branch])


@pytest.mark.requirement("CHG-17", "CHG-18", "P19-02", "P19-03", "P19-05")
@pytest.mark.parametrize("requested", [EXAMPLE - 1, EXAMPLE, EXAMPLE + 1, EXAMPLE + 2])
def test_the_example_of_paragraph_124(requested: int) -> None:
    """A coordinator that last installed 192427 accepts 192428 or greater and rejects 192427 or lower."""
    installed = Position(EXAMPLE, hashed(EXAMPLE))
    decision = decide(Position(requested, hashed(requested, 1)), hashed(EXAMPLE), installed, None, (installed,))
    assert decision is (Decision.ACCEPTED if requested > EXAMPLE else Decision.NOT_GREATER)


def test_the_very_token_that_is_installed_is_not_installed_again() -> None:
    """Who asks again, because the answer was lost, is told that there is nothing to do."""
    installed = Position(EXAMPLE, hashed(EXAMPLE))
    assert decide(installed, hashed(EXAMPLE - 1), installed, None, (installed,)) is Decision.ALREADY_ACCEPTED


@pytest.mark.requirement("CHG-17", "CHG-18", "CONS-08")
def test_a_module_of_version_192427_makes_a_token_of_192428() -> None:
    """The proposed version is the one after the module's own, and no other may follow."""
    parties = Parties([ADA], MODULES, Rules(k_of(1, ADA)))
    parties.state = msgspec.structs.replace(parties.state, version=EXAMPLE)
    token = parties.token(parties.request(AddDomainKey()), ADA)
    assert parties.judged(token).state.version == EXAMPLE + 1
    parties.state = msgspec.structs.replace(parties.state, version=EXAMPLE + 1)
    with pytest.raises(WrongVersion):
        parties.judged(token)


@pytest.mark.requirement("CHG-19")
def test_a_version_that_is_being_installed_is_given_to_no_other_token() -> None:
    """The same token again is known; another of that version, or of a greater one, has to wait."""
    installed, under_way = Position(EXAMPLE, hashed(EXAMPLE)), Position(EXAMPLE + 1, hashed(EXAMPLE + 1))
    assert decide(under_way, installed.hash, installed, under_way, (installed,)) is Decision.ALREADY_ACCEPTED
    for version in (EXAMPLE + 1, EXAMPLE + 2):
        rival = Position(version, hashed(version, 1))
        assert decide(rival, installed.hash, installed, under_way, (installed,)) is Decision.IN_FLIGHT


@pytest.mark.requirement("P19-06")
def test_a_token_made_from_something_else_is_no_descendant() -> None:
    """A greater version is not enough: the token must name what is installed as its predecessor."""
    installed = Position(EXAMPLE, hashed(EXAMPLE))
    requested = Position(EXAMPLE + 1, hashed(EXAMPLE + 1, 1))
    assert decide(requested, hashed(EXAMPLE, 1), installed, None, (installed,)) is Decision.NO_DESCENDANT


Requests = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 6), st.integers(0, 2), st.booleans()), max_size=40
)


@pytest.mark.requirement("P19-09", "CONS-09", "CONS-10")
@given(Requests)
def test_no_version_is_ever_installed_twice(requests: list[tuple[int, int, int, int, bool]]) -> None:
    """Over any sequence of tokens and completions versions only grow, each from the one installed before it."""
    installed, under_way = Position(0, hashed(0)), None
    sent = {0: hashed(0)}
    for version, branch, predecessor, its_branch, completes in requests:
        requested = Position(version, hashed(version, branch))
        decision = decide(requested, hashed(predecessor, its_branch), installed, under_way, (installed,))
        if decision is Decision.ACCEPTED:
            assert version > max(sent)
            assert hashed(predecessor, its_branch) == installed.hash
            sent[version] = requested.hash
            under_way = requested
        if completes and under_way is not None:
            installed, under_way = under_way, None
        assert sent[installed.version] == installed.hash


@pytest.mark.requirement("P19-09")
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_any_module_has_is_never_installed_over(requested: int, installed: int, reported: int) -> None:
    """A version that is not greater than what some module reports is refused, whatever the coordinator remembers."""
    decision = decide(
        Position(requested, hashed(requested, 1)),
        hashed(installed),
        Position(installed, hashed(installed)),
        None,
        (Position(reported, hashed(reported)),),
    )
    assert (decision is Decision.ACCEPTED) == (requested > max(installed, reported))


def test_a_coordinator_that_forgot_takes_the_token_at_which_a_module_stands() -> None:
    """Restored from an old backup it is handed what it has forgotten; another token of that version is refused."""
    installed, ahead = Position(EXAMPLE, hashed(EXAMPLE)), Position(EXAMPLE + 1, hashed(EXAMPLE + 1))
    assert decide(ahead, installed.hash, installed, None, (installed, ahead)) is Decision.ACCEPTED
    rival = Position(EXAMPLE + 1, hashed(EXAMPLE + 1, 1))
    assert decide(rival, installed.hash, installed, None, (installed, ahead)) is Decision.NOT_GREATER


def at(version: int, token_hash: bytes) -> Position:
    """Return a position."""
    return Position(version, token_hash)


@pytest.fixture
def parties() -> Parties:
    """One who governs, two modules."""
    return Parties([ADA], MODULES, Rules(k_of(1, ADA)))


def promised(parties: Parties, entry: Entry, name: str) -> bytes:
    """Return a module's promise of an entry."""
    identity = module(name)
    word = promise.promise(parties.state.domain, parties.hash, entry.position.hash, identity.id, identity.signing)
    return promise.CODEC.encode(word)


def ledger_of(parties: Parties) -> Ledger:
    """Return the ledger that begins with these parties."""
    return Ledger(parties.genesis, parties.state.domain_id)


def test_a_ledger_begins_at_the_pinned_genesis_alone(parties: Parties) -> None:
    """Another domain's genesis is refused, however well it is signed."""
    with pytest.raises(NotPinned):
        Ledger(parties.genesis, DomainId(bytes(32)))


def test_a_blank_module_is_sent_the_genesis(parties: Parties) -> None:
    """Also if it is no member yet: it follows from there."""
    ledger = ledger_of(parties)
    assert ledger.delivery_to(module("module-1").id, None) == AdoptGenesis(parties.genesis)
    assert ledger.delivery_to(ModuleId(bytes(16)), None) == AdoptGenesis(parties.genesis)


def test_what_each_module_is_sent_from_request_to_installation(parties: Parties) -> None:
    """First asked for its promise, then made to wait for the others, then sent the token with the promises of all."""
    ledger = ledger_of(parties)
    one, other = (module(name).id for name in MODULES)
    origin = at(0, parties.hash)
    assert ledger.delivery_to(one, origin) is None
    entry = ledger.judged(parties.token(parties.request(AddDomainKey()), ADA), None)
    ledger.append(entry)
    token = entry.successor.encoded
    assert ledger.delivery_to(one, origin) == ledger.delivery_to(other, origin) == PromiseSuccessor(token)
    entry.promises[one] = promised(parties, entry, "module-1")
    assert ledger.delivery_to(one, origin) is None
    assert entry.progress() is None
    entry.promises[other] = promised(parties, entry, "module-2")
    assert entry.progress() is Progress.PROMISED_BY_ALL
    assert ledger.delivery_to(one, origin) is None
    entry.stage = Installation.SPREADING
    promises = tuple(entry.promises[key] for key in sorted(entry.promises))
    assert ledger.delivery_to(one, origin) == ledger.delivery_to(other, origin) == Ingest(token, promises)
    assert ledger.delivery_to(one, entry.position) is None
    entry.installed.add(one)
    assert (entry.progress(), ledger.installed[1]) == (None, origin)
    entry.installed.add(other)
    assert entry.progress() is Progress.INSTALLED_BY_ALL
    entry.stage = Installation.INSTALLED
    assert (ledger.in_flight, ledger.installed[1], entry.progress()) == (None, entry.position, None)
    assert ledger.delivery_to(other, origin) == Ingest(token, promises)


def test_who_is_no_member_is_brought_only_what_every_member_has(parties: Parties) -> None:
    """Nobody asks it for a release, so what is still spreading could be given up behind it."""
    ledger = ledger_of(parties)
    entry = ledger.judged(parties.token(parties.request(AddDomainKey()), ADA), None)
    ledger.append(entry)
    entry.promises = {module(name).id: promised(parties, entry, name) for name in MODULES}
    entry.stage = Installation.SPREADING
    outside, origin = module("module-3").id, at(0, parties.hash)
    assert ledger.delivery_to(outside, origin) is None
    assert ledger.delivery_to(module("module-1").id, origin) is not None
    entry.stage = Installation.INSTALLED
    assert ledger.delivery_to(outside, origin) == ledger.delivery_to(module("module-1").id, origin)


def test_a_module_on_another_branch_is_sent_nothing(parties: Parties) -> None:
    """Whoever stands where this chain does not pass is not pushed further."""
    ledger = ledger_of(parties)
    ledger.append(ledger.judged(parties.token(parties.request(AddDomainKey()), ADA), None))
    for position in (at(0, bytes(32)), at(1, bytes(32)), at(7, bytes(32))):
        assert ledger.delivery_to(module("module-1").id, position) is None


def test_a_new_member_is_not_asked_to_promise(parties: Parties) -> None:
    """It waits until the members that remain have promised."""
    ledger = ledger_of(parties)
    entry = ledger.judged(parties.token(parties.request(AddMember(member("module-3"))), ADA), None)
    ledger.append(entry)
    assert ledger.delivery_to(module("module-3").id, at(0, parties.hash)) is None
    assert list(ledger.modules()) == sorted(module(name).id for name in (*MODULES, "module-3"))
    assert entry.added_keys == ()


def test_the_promise_of_another_is_not_kept(parties: Parties) -> None:
    """A module that answers with another's promise is found out."""
    entry = ledger_of(parties).judged(parties.token(parties.request(AddDomainKey()), ADA), None)
    entry.check_promise(module("module-1").id, promised(parties, entry, "module-1"))
    with pytest.raises(PromiseMissing):
        entry.check_promise(module("module-1").id, promised(parties, entry, "module-2"))
