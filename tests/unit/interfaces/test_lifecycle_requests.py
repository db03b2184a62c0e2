"""Requests about former domain keys, lost members and changes that do not go on are ones that modules act on."""

import msgspec
import pytest

from keystead.core.domain.change_request import Abandon, DropDomainKey
from keystead.core.domain.state import Fate, Member, Role
from keystead.errors import FormatError
from keystead.interfaces.cli.lifecycle_requests import abandoned, dropped, recovered
from tests.simulators.modules import ModuleDomain
from tests.simulators.parties import member


class DomainPeers:
    """The modules of a domain; ``silent`` ones do not answer."""

    def __init__(self, domain: ModuleDomain) -> None:
        self.domain = domain
        self.silent: set[bytes] = set()

    def member(self, address: str, name: str) -> Member:
        """Return a module that is not in the domain."""
        return msgspec.structs.replace(member(address), name=name)

    def offers(self, dropping: bytes) -> dict[bytes, bytes]:
        """Return the offers of those that answer."""
        ids = sorted(one.id for one in self.domain.state.members)
        given = dict(zip(ids, self.domain.offers(dropping), strict=True))
        return {module: offer for module, offer in given.items() if module not in self.silent}

    def offer(self, address: str) -> bytes:
        """Return an offer."""
        return self.offers(b"")[bytes.fromhex(address)]

    def attestation(self, address: str) -> bytes:
        """Return what no module here says."""
        raise FormatError(address)

    def in_flight(self) -> bytes:
        """Return a hash."""
        return bytes(32)


@pytest.fixture
def domain() -> ModuleDomain:
    """Three modules."""
    return ModuleDomain(3).with_key()


def test_a_drop_brings_the_offers_of_all_who_stay(domain: ModuleDomain) -> None:
    """Every member follows it, and its former sealing key is renewed."""
    old = domain.with_retired_key()
    domain.change(dropped(domain.state, DomainPeers(domain), old.hex()[:12], []))
    assert [one.id for one in domain.state.dropped] == [old]
    assert Fate.OUTSTANDING not in {holder.fate for holder in domain.state.holders}


def test_a_member_without_an_offer_must_be_parked_by_name(domain: ModuleDomain) -> None:
    """Nobody leaves a domain because it happened to be silent."""
    old = domain.with_retired_key()
    peers = DomainPeers(domain)
    silent = domain.state.members[1]
    peers.silent.add(silent.id)
    with pytest.raises(FormatError, match=f"--park {silent.name}"):
        dropped(domain.state, peers, old.hex(), [])
    asked = dropped(domain.state, peers, old.hex(), [silent.name])
    assert isinstance(asked, DropDomainKey)
    assert (asked.parked, len(asked.offers)) == ((silent.id,), 2)


def test_one_who_offers_can_be_parked_all_the_same(domain: ModuleDomain) -> None:
    """Its offer is left out."""
    old = domain.with_retired_key()
    asked = dropped(domain.state, DomainPeers(domain), old.hex(), [domain.state.members[0].name])
    assert len(asked.offers) == 2


def test_what_is_abandoned_is_the_token_in_flight_or_the_named_one(domain: ModuleDomain) -> None:
    """Lost members are named, and listed once in order."""
    peers, state = DomainPeers(domain), domain.state
    assert abandoned(state, peers, None, []) == Abandon(bytes(32), ())
    first, second = state.members[:2]
    asked = abandoned(state, peers, "ab" * 32, [second.name, first.name, first.id.hex()])
    assert asked == Abandon(b"\xab" * 32, (first.id, second.id))
    with pytest.raises(FormatError, match="no hash"):
        abandoned(state, peers, "a token", [])
    with pytest.raises(FormatError, match="no module"):
        abandoned(state, peers, None, ["module-9"])


def test_a_recovery_names_the_complete_list(domain: ModuleDomain) -> None:
    """Whoever stays is active, and who comes is asked for its keys; all in order of their ids."""
    peers, state = DomainPeers(domain), domain.state
    kept = msgspec.structs.replace(state.members[0], role=Role.RECOVERY)
    found = recovered(
        msgspec.structs.replace(state, members=(kept, *state.members[1:])), peers, [kept.name], ["fresh=module-7"]
    )
    assert [one.id for one in found.members] == sorted(one.id for one in found.members)
    assert {one.name for one in found.members} == {kept.name, "fresh"}
    assert {one.role for one in found.members} == {Role.ACTIVE}
    with pytest.raises(FormatError, match="NAME=ADDRESS"):
        recovered(state, peers, [kept.name], ["fresh"])
