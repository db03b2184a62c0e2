"""Difference tokens: they give the very bytes back, and nothing else is believed of them."""

import msgspec
import pytest

from keystead.core.domain.change_request import AddDomainKey, AddMember, DomainChange, RemoveMember, RetireDomainKey
from keystead.core.domain.quorum import Rules
from keystead.core.domain.token_difference import CODEC, carried, rebuilt
from keystead.errors import FormatError, Refusal, SignatureError, StateMismatch, WrongPredecessor
from tests.simulators.parties import Parties, k_of, member, module, person

ADA = person("ada")


@pytest.fixture
def parties() -> Parties:
    """Eight modules, two domain keys."""
    parties = Parties([ADA], [f"module-{number}" for number in range(1, 9)], Rules(k_of(1, ADA)))
    for _ in range(2):
        parties.follow(parties.token(parties.request(AddDomainKey()), ADA))
    return parties


def token_of(parties: Parties, change: DomainChange) -> bytes:
    """Return the token of a change."""
    return parties.token(parties.request(change), ADA)


@pytest.mark.requirement("CHG-10")
@pytest.mark.parametrize("what", ["add a key", "retire a key", "add a member", "remove a member"])
def test_a_difference_token_is_the_full_token_once_rebuilt(parties: Parties, what: str) -> None:
    """It is much shorter than the token; what is rebuilt is the token, byte for byte, and follows."""
    changes: dict[str, DomainChange] = {
        "add a key": AddDomainKey(),
        "retire a key": RetireDomainKey(parties.state.domain_keys[0].id),
        "add a member": AddMember(member("module-9")),
        "remove a member": RemoveMember(module("module-8").id),
    }
    token = token_of(parties, changes[what])
    sent = carried(parties.judged(token))
    assert len(sent) < len(token) * 2 // 3
    assert rebuilt(parties.state, parties.hash, sent) == token
    assert rebuilt(parties.state, parties.hash, token) == token


def test_a_difference_from_another_state_is_refused(parties: Parties) -> None:
    """It names the token that it is the difference from."""
    sent = carried(parties.judged(token_of(parties, AddDomainKey())))
    parties.follow(token_of(parties, AddDomainKey()))
    with pytest.raises(WrongPredecessor):
        rebuilt(parties.state, parties.hash, sent)


def test_a_changed_difference_rebuilds_what_is_refused(parties: Parties) -> None:
    """No byte of it is believed: what comes of it is judged as every token is."""
    sent = carried(parties.judged(token_of(parties, AddDomainKey())))
    given = CODEC.decode(sent)
    for changed in (
        msgspec.structs.replace(given, commitment=bytes(32)),
        msgspec.structs.replace(given, packages=given.packages[::-1]),
        msgspec.structs.replace(given, mac=bytes(32)),
        msgspec.structs.replace(given, issuer=module("module-2").id),
    ):
        with pytest.raises(SignatureError):
            parties.judged(rebuilt(parties.state, parties.hash, CODEC.encode(changed)))
    for position in range(0, len(sent), 61):
        flipped = bytearray(sent)
        flipped[position] ^= 1
        with pytest.raises(Refusal):
            parties.judged(rebuilt(parties.state, parties.hash, bytes(flipped)))


def test_a_difference_that_makes_nothing_is_refused(parties: Parties) -> None:
    """A request that cannot be applied, and what only begins as a difference."""
    sent = carried(parties.judged(token_of(parties, AddMember(member("module-9")))))
    with pytest.raises(StateMismatch):
        rebuilt(msgspec.structs.replace(parties.state, members=(member("module-9"),)), parties.hash, sent)
    for wrong in (sent[:-1], sent + b"\x00"):
        with pytest.raises(FormatError):
            rebuilt(parties.state, parties.hash, wrong)
