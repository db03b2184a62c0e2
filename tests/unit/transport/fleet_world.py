"""A front end's fleet and its modules in a simulated world."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from keystead.core.protocols.module_session.work import Item
from keystead.transport.fleet import Fleet
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.network import SimNetwork
from tests.simulators.session_modules import Execute, SessionDomain, SessionModule, echo
from tests.simulators.world import SeededRandomness, SimClock, SimProcess

T = TypeVar("T")


def item(text: str) -> Item:
    """Return an item with this body; the modules of this world look at nothing else."""
    return Item(proof=b"proof", voucher=0, body=text.encode(), keys=())


class FleetWorld:
    """Modules ``module-1`` ... in processes of their own, and the fleet of a front end."""

    def __init__(self, seed: int, modules: int = 2) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.loop = loop
        self.seed = seed
        self.clock = SimClock(loop)
        self.network = SimNetwork(loop, seed)
        self.domain = SessionDomain(modules, self.clock, SeededRandomness(seed, "domain"))
        self.front_end = SimProcess("front-end", loop)
        self.processes: dict[int, SimProcess] = {}
        self.modules: dict[int, SessionModule] = {}
        self._starts = 0
        self.fleet = Fleet(
            self.network.of(self.front_end),
            [f"module-{number + 1}" for number in range(modules)],
            self.domain.identity,
            self.domain.view,
            self.clock,
            SeededRandomness(seed, "front end"),
        )

    async def start_module(self, number: int, execute: Execute = echo) -> SessionModule:
        """Start (or start again) a module in a new process."""
        self._starts += 1
        name = f"module-{number + 1}"
        process = SimProcess(name, self.loop)
        module = self.domain.module(number, SeededRandomness(self.seed, f"{name}/{self._starts}"), execute)
        await process.start(module.listen(self.network.of(process), name))
        self.processes[number], self.modules[number] = process, module
        return module


def in_world(story: Callable[[FleetWorld], Awaitable[T]], seed: int = 1, modules: int = 2) -> T:
    """Tell a story in a world where all modules run and the fleet is attached to each."""

    async def told() -> T:
        world = FleetWorld(seed, modules)
        for number in range(modules):
            await world.start_module(number)
        running = world.front_end.start(world.fleet.run())
        await world.fleet.ready()
        await asyncio.sleep(1)
        try:
            return await story(world)
        finally:
            running.cancel()
            await asyncio.wait([running])

    return simulate(told, seed)
