"""What rotates domain keys beside a simulated coordinator, put together as ``keystead.bootstrap.rotation`` does."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keystead.components.coordinator.coordinator import Coordinator, Report
from keystead.components.coordinator.ledger_view import LedgerView
from keystead.components.coordinator.machine_operator import MachineOperator
from keystead.components.coordinator.pace import Pace
from keystead.components.coordinator.resealing import Resealing
from keystead.components.coordinator.rotation_desk import RotationDesk
from keystead.components.coordinator.rotator import Repositories, Rotator, Terms
from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.key_repository.memory_rotations import MemoryRotationRepository
from keystead.core.ports import Network
from keystead.core.records import KeyChange
from keystead.core.rotation.repository import MovedKey, ResealWriter, Stored
from keystead.core.rotation.rotation import Limits
from keystead.transport.carriage import Carriage
from keystead.transport.session_keeper import OperatorIdentity
from tests.simulators.world import SeededRandomness, SimClock, SimProcess

SETTLE = 1000
"""Milliseconds in which sessions under an old domain key are replaced."""


class Slow:
    """Any repository, as one process sees it: each answer takes time, so that who asked may die meanwhile."""

    def __init__(self, repository: object, latency: Callable[[], float]) -> None:
        """Take the repository, and what says how long each way takes."""
        self._repository = repository
        self._latency = latency

    def __getattr__(self, name: str) -> Any:
        """Return a method of the repository that takes its time."""
        method = getattr(self._repository, name)

        async def slowly(*arguments: Any) -> Any:
            await asyncio.sleep(self._latency())
            try:
                return await method(*arguments)
            finally:
                await asyncio.sleep(self._latency())

        return slowly


class SeenResealing(ResealWriter):
    """Shows what is written."""

    def __init__(self, writer: ResealWriter, seen: Callable[[KeyChange], None]) -> None:
        """Take who writes, and who is shown it."""
        self._writer = writer
        self._seen = seen

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> Stored:
        """Show the changes, and write them."""
        for one in moved:
            if one.change is not None:
                self._seen(one.change)
        return await self._writer.reseal(rotation, moved, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a coordinator's process meets."""

    keys: MemoryKeyRepository
    rotations: MemoryRotationRepository
    latency: Callable[[], float]
    seen: Callable[[KeyChange], None]
    """Is shown what is written to the key repository."""
    modules: Sequence[str]


def rotate(
    process: SimProcess,
    coordinator: Coordinator,
    world: World,
    network: Network,
    identity: OperatorIdentity,
    clock: SimClock,
    randomness: SeededRandomness,
    report: Report,
) -> RotationDesk:
    """Start what rotates beside a coordinator, in its process; return who answers for it."""
    carriage = Carriage(network, world.modules, identity, LedgerView(coordinator.ledger), clock, randomness)
    slow_keys: Any = Slow(world.keys, world.latency)
    slow_rotations: Any = Slow(world.rotations, world.latency)
    resealing = Resealing(slow_keys, SeenResealing(slow_keys, world.seen), carriage, clock, Pace(clock))
    rotator = Rotator(
        coordinator,
        Repositories(rotations=slow_rotations, resting=slow_keys, fence=slow_keys),
        resealing,
        MachineOperator(identity, coordinator, carriage, clock, randomness),
        clock,
        report,
        Terms(limits=Limits(), settle=SETTLE),
    )
    coordinator.objections = rotator.object_to
    desk = RotationDesk(coordinator.ledger, rotator, resealing, slow_rotations, carriage)
    for part in (carriage.run(), rotator.run(), desk.count()):
        process.start(part)
    return desk
