"""The recipe of the coordinator."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.following import follow_modules
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.logs import logger
from keystead.bootstrap.notification import Notification
from keystead.bootstrap.role_configuration import CoordinatorConfiguration
from keystead.bootstrap.rotation import rotation_parts
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.components.coordinator.coordinator import Coordinator
from keystead.components.coordinator.courier import Courier
from keystead.components.coordinator.couriers import Couriers
from keystead.components.coordinator.server import Desk, OperatorConnection
from keystead.components.coordinator.sweep import Sweep
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.components.token_repository.sqlite import SqliteTokenRepository
from keystead.core.domain.ledger import Ledger
from keystead.errors import OperatorError, Refusal, RepositoryUnavailable
from keystead.identifiers import DomainId
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.domain_directory import GENESIS, publish_token
from keystead.transport.module_link import ModuleLink
from keystead.transport.module_links import ModuleLinks
from keystead.transport.sql import WriterThread, connect_to_read, upgrade
from keystead.transport.unix import UnixNetwork


def serve(config: Path) -> int:
    """Run the coordinator until told to stop; what is in flight goes on at the next start. Raises OperatorError."""
    harden_process(strict=False)
    configuration = load(config, CoordinatorConfiguration)
    _bring_up_to_date(Path(configuration.repository))
    run(_serve(config, configuration))
    return 0


async def _serve(config: Path, configuration: CoordinatorConfiguration) -> None:
    clock, randomness, log = HostClock(), SystemRandomness(), logger("coordinator")
    network = UnixNetwork(group_may_connect=configuration.group_may_connect)
    disk = HostDisk(Path(configuration.domain_directory), public=True)
    writer = WriterThread(Path(configuration.repository))
    coordinator = Coordinator(
        _ledger(configuration, disk),
        SqliteTokenRepository(writer),
        SqliteDomainKeyFence(writer),
        lambda version, token: publish_token(disk, version, token),
        clock,
        log.info,
    )
    try:
        await coordinator.resume()
    except Refusal as refusal:
        raise OperatorError(
            f"the token repository does not continue the genesis: {refusal}", "restore the repository from a backup"
        ) from refusal
    rotation = rotation_parts(configuration, coordinator, writer, network, clock, randomness, log.info)
    async with asyncio.TaskGroup() as tasks:
        couriers = Couriers(
            lambda address: Courier(coordinator, network, address, clock, randomness, log.warning), tasks
        )
        couriers.use(configuration.modules)
        desk = Desk(coordinator, couriers, rotation.desk)
        notification = Notification(configuration, desk.status, clock, randomness, log.warning)
        links = ModuleLinks(lambda address: ModuleLink(network, address, randomness), configuration.modules)
        reader = SqliteKeyReader(connect_to_read(Path(configuration.repository)))
        sweep = Sweep(reader, SqliteKeyWriter(writer), links, log.info)
        listener = await network.listen(configuration.listen, lambda: OperatorConnection(desk))

        def use(modules: Sequence[str]) -> None:
            couriers.use(modules)
            links.use(modules)
            rotation.carriage.use(modules)

        following = follow_modules(
            config,
            CoordinatorConfiguration,
            use,
            lambda what: log.error("configuration_not_followed", reason=what),
        )
        lasting = rotation.start(tasks)
        lasting += map(tasks.create_task, (links.run(), notification.run(), sweep.run(), following))
        await until_told_to_stop()
        await listener.close()
        for task in lasting:
            task.cancel()
        couriers.stop()
    writer.close()


def _bring_up_to_date(repository: Path) -> None:
    """Make the repository if there is none, or give it the schema of this version; front ends wait for it."""
    try:
        upgrade(repository)
    except RepositoryUnavailable as error:
        raise OperatorError(
            f"cannot write the repository {repository}: {error}", "see whether this user may write there"
        ) from None


def _ledger(configuration: CoordinatorConfiguration, disk: HostDisk) -> Ledger:
    genesis = disk.read(GENESIS)
    if genesis is None:
        raise OperatorError(
            f"there is no genesis in {configuration.domain_directory}", "copy it there from another host of the domain"
        )
    try:
        return Ledger(genesis, DomainId(bytes.fromhex(configuration.domain)))
    except (ValueError, Refusal) as error:
        raise OperatorError(
            f"{configuration.domain_directory} does not prove the domain {configuration.domain}: {error}",
            "correct the configuration, or copy the domain directory of the installation here",
        ) from None
