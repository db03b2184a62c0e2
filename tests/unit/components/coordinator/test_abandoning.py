"""A coordinator gives up what a quorum abandons, and only then accepts another token after the same predecessor."""

import asyncio

import pytest

from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.core.domain import domain_token
from keystead.core.domain.change_request import Abandon, AddDomainKey, RemoveMember
from keystead.core.domain.coordination import Decision, Installation
from keystead.core.protocols.coordination import Install, submit
from keystead.errors import InstallationDenied, StateMismatch
from keystead.transport.coordinator_client import abandon
from tests.simulators.coordination import CoordinationWorld, in_coordination
from tests.simulators.modules import ModuleDomain

STEPS = [
    "record ACCEPTED",
    "keep promise",
    "keep abandonment",
    "keep release",
    "keep release",
    "bury",
    "record ACCEPTED",
    "keep promise",
    "keep promise",
    "admit",
    "set stage SPREADING",
    "keep installation",
    "keep installation",
    "set stage INSTALLED",
]


def abandoning(world: CoordinationWorld, request: Install, *lost: bytes) -> bytes:
    """Return the quorum's request to abandon a token of version 1."""
    return world.domain.approved(Abandon(domain_token.token_hash(request.token), tuple(sorted(lost))))


async def ask(world: CoordinationWorld, approved: bytes) -> int:
    """Ask the coordinator to abandon what is in flight."""
    version: int = await world.operator.start(abandon(world.network.of(world.operator), "coordinator", approved))
    return version


async def half_promised(world: CoordinationWorld) -> Install:
    """Return what is in flight with the promise of the first module, while the second is down."""
    world.modules["module-2"].kill()
    request = world.request()
    asking = asyncio.ensure_future(world.install(request))
    await world.until(lambda: world.steps[-1:] == ["keep promise"])
    await asyncio.sleep(1)
    asking.cancel()
    return request


def test_another_token_is_installed_after_one_that_was_abandoned() -> None:
    """Who promised the abandoned one is shown that it is dead; handed in again it is denied."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        first = await half_promised(world)
        second = world.request()
        with pytest.raises(InstallationDenied, match="another token"):
            await world.install(second)
        assert await ask(world, abandoning(world, first)) == 1
        await world.start_module(1)
        await world.until(lambda: "bury" in world.steps)
        with pytest.raises(InstallationDenied, match="abandoned"):
            await world.install(first)
        await world.install(second)
        assert world.versions == [1, 1]
        assert world.published == {1: second.token}
        (buried,) = await world.tokens.abandoned()
        assert buried.token == first.token
        assert world.tokens.submissions[domain_token.token_hash(first.token)].decision is Decision.ABANDONED

    in_coordination(story)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(2, len(STEPS)), ids=[f"{n}: {name}" for n, name in enumerate(STEPS)][2:])
def test_a_coordinator_that_dies_while_it_abandons_goes_on(step: int, moment: str) -> None:
    """Killed before or after each durable step, the next start gives the token up and installs the other."""

    async def story(world: CoordinationWorld) -> None:
        world.fatal = (step, moment)
        coordinator = await world.start_coordinator()
        first = await half_promised(world)
        approved, second = abandoning(world, first), world.request()

        async def operate() -> None:
            await ask(world, approved)
            await world.start_module(1)
            await world.until(lambda: "bury" in world.steps)
            await world.install(second)

        operating = asyncio.ensure_future(operate())
        await world.until(lambda: not coordinator.alive)
        operating.cancel()
        world.fatal = None
        world.modules["module-2"].kill()
        await world.start_module(1)
        await world.start_coordinator()
        if (await world.status()).version == 0:
            if Installation.ACCEPTED in [
                one.stage for one in await world.tokens.accepted() if one.token == first.token
            ]:
                await ask(world, approved)
            while first.token in [one.token for one in await world.tokens.accepted()]:  # noqa: ASYNC110 - as in ``until``
                await asyncio.sleep(0.1)
            await world.install(second)
        assert world.versions == [1, 1]
        assert world.published == {1: second.token}

    in_coordination(story)


def test_what_all_promised_is_not_abandoned_while_members_are_lost() -> None:
    """One of those may have installed it and sealed something under its key: then it is installed everywhere."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        request = world.request()
        asking = asyncio.ensure_future(world.install(request))
        await world.until(lambda: "set stage SPREADING" in world.steps)
        with pytest.raises(InstallationDenied, match="installed"):
            await ask(world, abandoning(world, request, world.hosts[1].module.identity.id))
        await asking
        assert world.versions == [1, 1]

    in_coordination(story)


def test_what_is_found_installed_is_installed_everywhere() -> None:
    """A module that has it is met after others released it: shown its word they follow."""

    async def story(world: CoordinationWorld) -> None:
        request = world.request()
        promises = world.domain.promises(request.token)
        approved = abandoning(world, request)
        coordinator = await world.start_coordinator()
        asking = asyncio.ensure_future(world.install(request))
        await world.until(lambda: "set stage SPREADING" in world.steps)
        coordinator.kill()
        asking.cancel()
        world.modules["module-1"].kill()
        kept = (await world.tokens.accepted())[0]
        assert kept.stage is Installation.SPREADING
        world.hosts[1].start()
        if world.versions[1] == 0:
            world.hosts[0].module.installed.ingest(request.token, promises, b"", world.domain.clock.now())
            await world.start_coordinator()
            await ask(world, approved)
            await world.until(lambda: "keep release" in world.steps)
            await world.start_module(0)
            await world.until(lambda: world.versions == [1, 1])
            await world.until(lambda: world.published == {1: request.token})

    in_coordination(story)


def test_only_what_is_in_flight_is_abandoned() -> None:
    """With nothing in flight, with another token in flight, or with a request for something else, nothing changes."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        other = world.request()
        with pytest.raises(InstallationDenied, match="nothing"):
            await ask(world, abandoning(world, other))
        await half_promised(world)
        with pytest.raises(InstallationDenied, match="another token"):
            await ask(world, abandoning(world, other))
        with pytest.raises(StateMismatch):
            await ask(world, world.domain.approved(AddDomainKey()))
        assert "keep abandonment" not in world.steps

    in_coordination(story)


def test_a_coordinator_that_was_restored_from_an_old_backup_is_told_again() -> None:
    """Handed the token that it forgot, it learns that the members have it, asks for their promises, and goes on."""

    async def story(world: CoordinationWorld) -> None:
        coordinator = await world.start_coordinator()
        first = world.request()
        await world.install(first)
        coordinator.kill()
        world.tokens = MemoryTokenRepository()
        world.keys = MemoryKeyRepository()
        await world.start_coordinator()
        await world.until(lambda: any("do not lead" in str(fields) for _, fields in world.events))
        with pytest.raises(InstallationDenied):
            await world.install(_rival(world))
        await world.install(first)
        await world.install(world.request())
        assert world.versions == [2, 2]

    in_coordination(story)


def _rival(world: CoordinationWorld) -> Install:
    """Return a token of version 1 that nobody has."""
    other = ModuleDomain(1, seed=77).found()
    token = other.propose(AddDomainKey())
    return submit(token, world.domain.operators["officer"].id, world.domain.keys["officer"])


def test_a_backup_from_the_middle_of_an_installation_is_completed() -> None:
    """The member that has the token gives the promise again that the backup lacks, so that the other can follow."""

    async def story(world: CoordinationWorld) -> None:
        request = world.request()
        promises = world.domain.promises(request.token)
        world.hosts[0].module.installed.ingest(request.token, promises, b"", world.domain.clock.now())
        await world.start_coordinator()
        await asyncio.sleep(1)
        await world.install(request)
        assert world.versions == [1, 1]

    in_coordination(story)


def test_a_member_that_is_destroyed_while_a_token_spreads_is_removed_after_it() -> None:
    """Nobody waits for it: the token that removes it is accepted as soon as all whom it keeps have the one before."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        first = world.request()
        asking = asyncio.ensure_future(world.install(first))
        await world.until(lambda: world.steps.count("keep promise") == 3)
        world.modules["module-3"].kill()
        await asyncio.sleep(3)
        asking.cancel()
        assert world.versions == [1, 1, 0]
        await world.install(world.request(RemoveMember(world.hosts[2].module.identity.id, lost=True)))
        assert world.versions == [2, 2, 0]
        assert sorted(world.published) == [1, 2]
        assert (await world.status()).in_flight is None

    in_coordination(story, modules=3)
