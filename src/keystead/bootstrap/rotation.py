"""The part of the coordinator's recipe that rotates domain keys."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from keystead.bootstrap.membership import operator_identity
from keystead.bootstrap.role_configuration import CoordinatorConfiguration
from keystead.components.coordinator.coordinator import Coordinator, Report
from keystead.components.coordinator.ledger_view import LedgerView
from keystead.components.coordinator.machine_operator import MachineOperator
from keystead.components.coordinator.pace import Pace
from keystead.components.coordinator.resealing import Resealing
from keystead.components.coordinator.rotation_desk import RotationDesk
from keystead.components.coordinator.rotator import Repositories, Rotator, Terms
from keystead.components.key_repository.sqlite_resealing import SqliteResealWriter, SqliteRestingReader
from keystead.components.key_repository.sqlite_rotations import SqliteRotationRepository
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence
from keystead.core.ports import Clock, Network, Randomness
from keystead.core.rotation.rotation import Limits
from keystead.transport.carriage import Carriage
from keystead.transport.sql import WriterThread, connect_to_read


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationParts:
    """What runs beside the coordinator, and who answers for it."""

    desk: RotationDesk
    carriage: Carriage
    rotator: Rotator

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Run all of it in the group."""
        return [tasks.create_task(one) for one in (self.carriage.run(), self.rotator.run(), self.desk.count())]


def rotation_parts(
    configuration: CoordinatorConfiguration,
    coordinator: Coordinator,
    writer: WriterThread,
    network: Network,
    clock: Clock,
    randomness: Randomness,
    report: Report,
) -> RotationParts:
    """Return what rotates the domain keys of the coordinator's domain; the coordinator asks it for objections."""
    identity = operator_identity(configuration.operator_key)
    carriage = Carriage(network, configuration.modules, identity, LedgerView(coordinator.ledger), clock, randomness)
    rotations = SqliteRotationRepository(writer)
    reader = SqliteRestingReader(connect_to_read(Path(configuration.repository)))
    resealing = Resealing(reader, SqliteResealWriter(writer), carriage, clock, Pace(clock))
    rotator = Rotator(
        coordinator,
        Repositories(rotations=rotations, resting=reader, fence=SqliteDomainKeyFence(writer)),
        resealing,
        MachineOperator(identity, coordinator, carriage, clock, randomness),
        clock,
        report,
        Terms(
            limits=Limits(configuration.rotation_age * 1000, configuration.rotation_operations),
            settle=configuration.rotation_settle * 1000,
        ),
    )
    coordinator.objections = rotator.object_to
    desk = RotationDesk(coordinator.ledger, rotator, resealing, rotations, carriage)
    return RotationParts(desk=desk, carriage=carriage, rotator=rotator)
