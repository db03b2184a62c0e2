"""Who races, lies, sleeps or comes back too late neither forks a domain nor stops it.

Two coordinators of one database, and one that was restored from an old backup, are in
``tests/unit/components/coordinator``.
"""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from keystead.components.security_module.ingestion import open_domain_keys
from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.core.domain import domain_token, genesis, succession
from keystead.core.domain.change_request import Abandon, AddDomainKey, DropDomainKey, RemoveMember, RetireDomainKey
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor
from keystead.core.protocols.coordination import Install
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.messages import Answer, Request
from keystead.errors import InstallationDenied, Refusal
from keystead.transport.coordinator_client import abandon
from tests.simulators.coordination import CoordinationWorld, in_coordination
from tests.simulators.modules import ModuleDomain, ModuleHost

ONE, OTHER = "one", "other"
REPLAYS = 8


async def attempt(world: CoordinationWorld, request: Install, at: str) -> None:
    """Ask a coordinator for a token, and wait for a while."""
    with suppress(InstallationDenied, TimeoutError):
        async with asyncio.timeout(4):
            await world.install(request, at)


def token_hash(request: Install) -> bytes:
    """Return the hash of the token that is to be installed."""
    return domain_token.token_hash(request.token)


async def give_up(world: CoordinationWorld, request: Install, at: str) -> None:
    """Have a quorum give a token of version 1 up, which is in flight at a coordinator, and wait until it is buried."""
    state = genesis.verify_genesis(world.domain.genesis)
    world.domain.founded = state, state.domain
    approved = world.domain.approved(Abandon(token_hash(request), ()))
    await world.operator.start(abandon(world.network.of(world.operator), at, approved))
    while (await world.status(at)).in_flight is not None:  # noqa: ASYNC110 - as in ``until``
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("seed", range(8))
def test_two_coordinators_that_know_nothing_of_each_other_fork_nothing(seed: int) -> None:
    """Each has a database of its own and brings another token of version 1 to all members: at most one is installed.

    If each was promised by some, neither is; then one is given up where it is known, and the other is handed in there.
    """

    async def story(world: CoordinationWorld) -> None:
        rivals = {ONE: world.request(), OTHER: world.request()}
        for name in rivals:
            world.tokens = MemoryTokenRepository()
            await world.start_coordinator(name)
        await asyncio.gather(*(attempt(world, request, name) for name, request in rivals.items()))
        hashes = {host.module.installed.current.hash for host in world.hosts}
        assert len(hashes) == 1
        if world.versions == [0, 0, 0]:
            await give_up(world, rivals[OTHER], OTHER)
            await world.install(rivals[ONE], OTHER)
            assert {host.module.installed.current.hash for host in world.hosts} == {token_hash(rivals[ONE])}
        assert world.versions == [1, 1, 1]

    in_coordination(story, seed, modules=3)


def test_the_seeds_above_end_in_both_ways() -> None:
    """Some split the promises, in others one token wins."""
    ends = set()

    async def story(world: CoordinationWorld) -> None:
        rivals = {ONE: world.request(), OTHER: world.request()}
        for name in rivals:
            world.tokens = MemoryTokenRepository()
            await world.start_coordinator(name)
        await asyncio.gather(*(attempt(world, request, name) for name, request in rivals.items()))
        ends.add(tuple(world.versions))

    for seed in range(8):
        in_coordination(story, seed, modules=3)
    assert ends == {(0, 0, 0), (1, 1, 1)}


class RecordingHost(ModuleHost):
    """A module, and every call that was ever made to it."""

    heard: list[Request]

    def ask(self, request: Request) -> Answer:
        """Remember the call, and make it twice, as a network that repeats itself does: both are answered alike."""
        self.__dict__.setdefault("heard", []).append(request)
        first, second = super().ask(request), super().ask(request)
        if isinstance(request, messages.PromiseSuccessor | messages.MakeOffer):
            assert second == first
        return first


def told() -> ModuleDomain:
    """Return a domain that went through additions, a retirement and a drop with fresh offers."""
    domain = ModuleDomain(3, host=RecordingHost).with_key()
    old = domain.with_retired_key()
    domain.change(DropDomainKey(old, domain.offers(old), ()))
    domain.change(AddDomainKey())
    return domain


@pytest.mark.parametrize("seed", range(REPLAYS))
def test_what_is_delivered_twice_and_too_late_changes_nothing(seed: int) -> None:
    """All that was ever brought to any module is brought to every module again, in any order, with restarts between."""
    domain, dice = told(), Random(seed)
    hosts = [host for host in domain.hosts if isinstance(host, RecordingHost)]
    late = [request for host in hosts for request in host.heard]
    stands = [host.module.installed.current.hash for host in hosts]
    for request in dice.sample(late, len(late)):
        for host in dice.sample(hosts, len(hosts)):
            ModuleHost.ask(host, request)
            if not dice.randrange(8):
                host.start()
            assert [one.module.installed.current.hash for one in hosts] == stands
    keys = {entry.id for entry in domain.state.domain_keys}
    assert all(host.module.installed.current.keys.keys() == keys for host in hosts)
    domain.change(AddDomainKey())
    assert {host.module.installed.current.state.version for host in hosts} == {domain.state.version}


def test_a_recovery_member_that_sleeps_through_three_versions_follows_each() -> None:
    """Nobody waits for it; when it is back it is brought one version after the other, and has what the others have."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request())
        await world.until(lambda: world.versions == [1, 1, 1])
        old = world.state.newest
        world.modules["module-3"].kill()
        for change in (AddDomainKey(), RetireDomainKey(old), AddDomainKey()):
            await world.install(world.request(change))
        assert world.versions == [4, 4, 1]
        await world.start_module(2)
        await world.until(lambda: world.versions == [4, 4, 4])
        awake, asleep = world.hosts[0].module.installed.current, world.hosts[2].module.installed.current
        assert asleep.hash == awake.hash
        assert {key: bytes(secret.view) for key, secret in asleep.keys.items()} == {
            key: bytes(secret.view) for key, secret in awake.keys.items()
        }

    in_coordination(story, modules=3, recovery=frozenset({"module-3"}))


def test_a_member_that_was_removed_while_it_slept_learns_that_it_is_out() -> None:
    """Three versions later it is back, twice, the second time with its disk of then: it gets no key that came after it.

    It makes no token, grants no session and promises nothing; the domain does not hear it.
    """

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request())
        await world.until(lambda: world.versions == [1, 1, 1])
        host = world.hosts[2]
        world.modules[host.name].kill()
        disk = host.disk.snapshot()
        for change in (RemoveMember(host.module.identity.id), AddDomainKey(), AddDomainKey()):
            await world.install(world.request(change))
        for _ in range(2):
            await world.start_module(2)
            await world.until(lambda: world.versions == [4, 4, 4])
            assert not host.module.installed.current.keys
            assert refused(host, messages.Propose(world.domain.approved(AddDomainKey())))
            assert not opened(world, host)
            rival = world.request()
            assert refused(host, messages.PromiseSuccessor(rival.token))
            with pytest.raises(AssertionError):
                world.domain.session("front-end", 2)
            world.modules[host.name].kill()
            for name, content in disk.items():
                host.disk.write(name, content)
        assert (await world.install(world.request())).version == 5

    in_coordination(story, modules=3)


def refused(host: ModuleHost, request: Request) -> bool:
    """Whether a module refuses a call."""
    return isinstance(host.ask(request), messages.Refused)


def opened(world: CoordinationWorld, host: ModuleHost) -> list[int]:
    """Return the versions after the one that removed a module whose tokens it opens, with all that it has."""
    state: DomainState = genesis.verify_genesis(world.domain.genesis)
    previous, found = state.domain, []
    for version, token in sorted(world.published.items()):
        successor: Successor = succession.accept(state, previous, token, None)
        state, previous = successor.state, successor.hash
        with suppress(Refusal):
            open_domain_keys(successor, host.module.identity.id, host.module.identity.sealing)
            found.append(version)
    return [version for version in found if version > 1]
