"""The authentication service's recipe."""

import asyncio
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.following import follow_modules
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.logs import logger
from keystead.bootstrap.membership import operator_identity, pinned_domain
from keystead.bootstrap.role_configuration import AuthenticationConfiguration
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.components.authentication_service.credentials import SealedCredentials
from keystead.components.authentication_service.judge import Judge
from keystead.components.authentication_service.server import FrontEndConnection
from keystead.components.authentication_service.vouching import SessionVouching
from keystead.identifiers import Region
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.domain_directory import DomainDirectory, follow
from keystead.transport.fleet import Fleet
from keystead.transport.session_keeper import OperatorIdentity
from keystead.transport.unix import UnixNetwork


def serve(config: Path) -> int:
    """Run the authentication service until told to stop."""
    harden_process(strict=False)
    configuration = load(config, AuthenticationConfiguration)
    identity = operator_identity(configuration.operator_key)
    domain = pinned_domain(configuration.domain_directory, configuration.domain)
    run(_serve(config, configuration, identity, domain))
    return 0


async def _serve(
    config: Path, configuration: AuthenticationConfiguration, identity: OperatorIdentity, domain: DomainDirectory
) -> None:
    clock, randomness = HostClock(), SystemRandomness()
    network = UnixNetwork(group_may_connect=configuration.group_may_connect)
    log = logger("authentication")
    fleet = Fleet(network, configuration.modules, identity, domain, clock, randomness)
    credentials = SealedCredentials(HostDisk(Path(configuration.directory)), randomness)
    judge = Judge(credentials, frozenset(map(Region, configuration.regions)), randomness)
    vouching = SessionVouching(fleet)

    def accept() -> FrontEndConnection:
        return FrontEndConnection(judge, vouching, lambda: domain.state, clock, randomness)

    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(fleet.run()),
            tasks.create_task(follow(domain, lambda what: log.error("domain_directory_not_followed", reason=what))),
            tasks.create_task(
                follow_modules(
                    config,
                    AuthenticationConfiguration,
                    fleet.use,
                    lambda what: log.error("configuration_not_followed", reason=what),
                )
            ),
        ]
        listener = await network.listen(configuration.listen, accept)
        await until_told_to_stop()
        await listener.close()
        for task in running:
            task.cancel()
