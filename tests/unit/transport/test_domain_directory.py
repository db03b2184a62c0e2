"""The public part of a domain in files: believed by succession from the pin, and by nothing else."""

import pytest

from keystead.core.domain.change_request import AddDomainKey
from keystead.errors import NoDomain, NotPinned, Refusal
from keystead.identifiers import DomainId
from keystead.transport.domain_directory import DomainDirectory, publish_genesis, publish_token
from tests.simulators.modules import ModuleDomain
from tests.simulators.world import MemoryDisk, PowerCut, SeededRandomness


def disk_of(domain: ModuleDomain) -> MemoryDisk:
    """Return a disk with the domain's genesis."""
    disk = MemoryDisk(SeededRandomness(1, "public"))
    publish_genesis(disk, domain.genesis)
    return disk


def test_the_state_follows_the_published_tokens() -> None:
    """Version 0 is known from the genesis, each later one once its token is there."""
    domain = ModuleDomain().found()
    disk = disk_of(domain)
    directory = DomainDirectory(disk, domain.state.domain_id)
    assert (directory.state.version, directory.token) == (0, None)
    for version in (1, 2):
        token = domain.propose(AddDomainKey())
        domain.install(token)
        publish_token(disk, version, token)
        directory.refresh()
        assert directory.state == domain.state
        assert directory.token == token
    assert directory.members == {member.id: member.ed25519 for member in domain.state.members}
    assert DomainDirectory(disk, domain.state.domain_id).state == domain.state


def test_a_token_that_is_there_is_not_written_again() -> None:
    """A coordinator publishes every version at its start; one that was changed is put right."""
    disk = MemoryDisk(SeededRandomness(1, "public"))
    publish_token(disk, 1, b"token")
    disk.cut_power_at(1)
    publish_token(disk, 1, b"token")
    with pytest.raises(PowerCut):
        publish_token(disk, 1, b"another")


def test_an_empty_directory_proves_nothing() -> None:
    """Without a genesis there is no domain to know."""
    with pytest.raises(NoDomain):
        DomainDirectory(MemoryDisk(SeededRandomness(1, "public")), DomainId(bytes(32)))


def test_the_genesis_of_another_domain_is_not_believed() -> None:
    """What the configuration does not pin is refused, however well it is signed."""
    domain = ModuleDomain().found()
    with pytest.raises(NotPinned):
        DomainDirectory(disk_of(domain), DomainId(bytes(32)))


def test_a_token_of_another_domain_leaves_the_state_alone() -> None:
    """A token that does not follow is refused; what was known stays."""
    domain, stranger = ModuleDomain(seed=1).found(), ModuleDomain(seed=2).found()
    disk = disk_of(domain)
    directory = DomainDirectory(disk, domain.state.domain_id)
    publish_token(disk, 1, stranger.propose(AddDomainKey()))
    with pytest.raises(Refusal):
        directory.refresh()
    assert directory.state.version == 0
