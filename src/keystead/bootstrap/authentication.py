"""The authentication service's recipe."""

import asyncio
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.role_configuration import AuthenticationConfiguration
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.components.authentication_service.credentials import SealedCredentials
from keystead.components.authentication_service.judge import Judge
from keystead.components.authentication_service.server import FrontEndConnection
from keystead.components.authentication_service.vouching import SessionVouching
from keystead.core.domain.state import operator_id
from keystead.identifiers import DomainId, Region
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.fleet import Fleet
from keystead.transport.session_keeper import OperatorIdentity
from keystead.transport.unix import UnixNetwork


def serve(config: Path) -> int:
    """Run the authentication service until told to stop."""
    configuration = load(config, AuthenticationConfiguration)
    run(_serve(configuration, OperatorKey.load(Path(configuration.operator_key).read_bytes())))
    return 0


async def _serve(configuration: AuthenticationConfiguration, key: OperatorKey) -> None:
    clock, randomness, network = HostClock(), SystemRandomness(), UnixNetwork()
    domain = DomainDirectory(
        HostDisk(Path(configuration.domain_directory)), DomainId(bytes.fromhex(configuration.domain))
    )
    identity = OperatorIdentity(operator=operator_id(key.public), key=key)
    fleet = Fleet(network, configuration.modules, identity, domain, clock, randomness)
    credentials = SealedCredentials(HostDisk(Path(configuration.directory)), randomness)
    judge = Judge(credentials, frozenset(map(Region, configuration.regions)), randomness)
    vouching = SessionVouching(fleet)

    def accept() -> FrontEndConnection:
        return FrontEndConnection(judge, vouching, lambda: domain.state, clock, randomness)

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(fleet.run())
        listener = await network.listen(configuration.listen, accept)
        await until_told_to_stop()
        await listener.close()
        running.cancel()
