"""Random histories of installation: coordinators and modules die, connections break, requests race and repeat.

Whatever happens, no two modules ever stand at one version with different tokens, no version goes back, and once the
faults stop everything that was accepted is installed everywhere.
"""

import asyncio
import random
from contextlib import suppress

import pytest

from keystead.core.domain.coordination import Installation
from keystead.errors import KeysteadError
from tests.simulators.coordination import CoordinationWorld, in_coordination
from tests.simulators.world import SimProcess

HISTORIES = 6
COORDINATORS = ("one", "other")
TROUBLED_SECONDS = 8.0


class Watcher:
    """Looks at every module all the time."""

    def __init__(self, world: CoordinationWorld) -> None:
        self.world = world
        self.tokens: dict[int, bytes] = {}
        self.versions = [0] * len(world.hosts)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.003)

    def look(self) -> None:
        """Hold what each module has against what any module ever had, and against what it had before."""
        for number, host in enumerate(self.world.hosts):
            current = host.module.installed.current
            version = current.state.version
            assert self.tokens.setdefault(version, current.hash) == current.hash
            assert version >= self.versions[number]
            self.versions[number] = version


async def fail(world: CoordinationWorld, dice: random.Random, coordinators: dict[str, SimProcess]) -> None:
    """Let one thing fail, and come back."""
    await asyncio.sleep(dice.uniform(0.001, 0.5))
    match dice.choice(["module", "coordinator", "cut"]):
        case "module":
            number = dice.randrange(len(world.hosts))
            process = world.modules[world.hosts[number].name]
            if process.alive:
                process.kill()
                await asyncio.sleep(dice.uniform(0.001, 1))
                await world.start_module(number)
        case "coordinator":
            name = dice.choice(COORDINATORS)
            coordinators[name].kill()
            await asyncio.sleep(dice.uniform(0.001, 1))
            coordinators[name] = await world.start_coordinator(name)
        case _:
            world.network.cut(dice.choice(COORDINATORS), dice.choice(world.hosts).name)


async def ask(world: CoordinationWorld, dice: random.Random) -> None:
    """Ask a coordinator for the next version, or one of them twice, and do not wait for long."""
    request = world.request()
    for name in dice.sample(COORDINATORS, dice.randint(1, 2)):
        with suppress(KeysteadError, TimeoutError):
            async with asyncio.timeout(dice.uniform(0.01, 1)):
                await world.install(request, name)


@pytest.mark.requirement("CONS-10", "P19-09")
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_no_history_forks_the_domain_or_forgets_what_was_accepted(seed: int) -> None:
    """One history for each seed, with three modules and two coordinators."""

    async def story(world: CoordinationWorld) -> None:
        dice = random.Random(seed)
        coordinators = {name: await world.start_coordinator(name) for name in COORDINATORS}
        watcher = Watcher(world)
        watching = asyncio.ensure_future(watcher.run())
        world.network.cut_chance = 0.02
        while world.loop.time() < TROUBLED_SECONDS:
            await asyncio.gather(fail(world, dice, coordinators), ask(world, dice))
        world.network.cut_chance = 0.0
        accepted = await world.tokens.accepted()
        await world.until(lambda: world.versions == [len(accepted)] * len(world.hosts))
        await world.until(lambda: len(world.published) == len(accepted))
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        kept = await world.tokens.accepted()
        assert [one.stage for one in kept] == [Installation.INSTALLED] * len(accepted)
        assert [world.published[version + 1] for version in range(len(kept))] == [one.token for one in kept]
        assert watcher.tokens.keys() == set(range(len(accepted) + 1))

    in_coordination(story, seed, modules=3)
