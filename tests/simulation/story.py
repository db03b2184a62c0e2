"""One history of a whole installation: founded, used, its domain key rotated, harmed, mended, and read again."""

import asyncio
from dataclasses import dataclass

from tests.simulation.client import Client
from tests.simulation.domain_change import Operators
from tests.simulation.faults import Faults
from tests.simulation.installation import ACCOUNT, Installation
from tests.simulation.owner import Owner
from tests.simulators.history import History
from tests.simulators.loop import simulate
from tests.simulators.workload import Workload

CLIENTS = 2
RAGE = 3.0
CALM = 3.0
HORIZON = 300.0
"""Virtual seconds in which every story must end."""
SHOWN = ("I1", "I2", "I3", "I4", "I5", "I6", "I8")
"""The invariants that every story shows; I9 wherever a key was closed; I7 has no records to look at yet."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it."""

    history: History
    trace: list[str]
    """Every event of the network, and what every client was told."""


def tell(seed: int) -> Told:
    """Tell the story of a seed."""
    kept: list[Installation] = []  # nothing of the killed processes is finalised while the loop runs
    return simulate(lambda: _story(seed, kept), seed, HORIZON)


async def _story(seed: int, kept: list[Installation]) -> Told:
    at = Installation(seed)
    kept.append(at)
    await at.found()
    workloads = [Workload(f"client {number}", seed) for number in range(CLIENTS)]
    clients = [
        Client(f"client {number}", at.front_door, at.credentials[ACCOUNT], at.clocks["clients"], at.history)
        for number in range(CLIENTS)
    ]
    pairs = list(zip(clients, workloads, strict=True))
    busy = [asyncio.create_task(client.follow(workload.steps())) for client, workload in pairs]
    looking = asyncio.create_task(_look(at))
    owner = Owner(at, Client("owner", at.front_door, at.credentials[ACCOUNT], at.clocks["clients"], at.history))
    changing = asyncio.create_task(_change(at, owner))
    faults = Faults(at, seed)
    await faults.rage(RAGE)
    await faults.end()
    await asyncio.wait([changing], timeout=CALM)  # a clock that was a minute ahead may make it wait for so long
    await _end(busy)
    await changing
    await asyncio.sleep(CALM)
    at.history.closing = at.loop.time()
    for client, workload in pairs:
        await client.follow(workload.read_again())
    await owner.read_again()
    owner.plunder()
    assert owner.kept in [opening.key_id for opening in at.history.openings], "the attacker is no real one"
    await _end([looking])
    faults.stop()
    at.look_at_modules()
    at.look_at_disks()
    at.end()
    calls = [str(call) for call in at.history.calls]
    return Told(at.history, [*at.network.trace, *calls, at.history.trace().hex()])


async def _change(at: Installation, owner: Owner) -> None:
    """Shred a key, and rotate the domain key away from it."""
    await owner.shred()
    trying = asyncio.create_task(owner.go_on())
    await Operators(at).rotate()
    await _end([trying])


async def _look(at: Installation) -> None:
    while True:
        at.look_at_modules()
        await asyncio.sleep(0.05)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
