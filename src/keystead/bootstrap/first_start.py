"""The first start on an empty data directory: keys, genesis, the first domain key, the root user.

Until it is recorded as complete nobody was given a credential; so an interrupted first start is removed and begun anew.
"""

import asyncio
from pathlib import Path
from typing import Final

from keystead.bootstrap.data_directory import DOMAIN, DataDirectory, Installation
from keystead.bootstrap.endpoint import RootCredentials, write_credentials
from keystead.bootstrap.genesis import Founder, found, propose_first_key
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.plan import Plan
from keystead.bootstrap.roles import (
    AUTHENTICATION,
    COORDINATOR,
    CRYPTOGRAPHY,
    MODULES,
    OPERATOR_KEY,
    address,
    coordinator_role,
    module_role,
    pin_file,
)
from keystead.bootstrap.supervisor import Supervisor
from keystead.components.authentication_service.credentials import SealedCredentials
from keystead.core.domain.state import Permission
from keystead.core.ports import Randomness
from keystead.core.protocols.coordination import submit
from keystead.identifiers import AccountId, DomainId
from keystead.primitives.openssh import OperatorKey
from keystead.transport.coordinator_client import install
from keystead.transport.domain_directory import publish_genesis
from keystead.transport.module_link import ModuleLink
from keystead.transport.unix import UnixNetwork

PERSON: Final = "operator"
"""The operator who is a person: the one who typed the command."""
_PERMISSIONS: Final = {
    PERSON: frozenset({Permission.GOVERN}),
    COORDINATOR: frozenset({Permission.GOVERN, Permission.CARRY}),
    AUTHENTICATION: frozenset({Permission.VOUCH}),
    CRYPTOGRAPHY: frozenset({Permission.SERVE}),
}


async def first_start(
    plan: Plan, directory: DataDirectory, supervisor: Supervisor, randomness: Randomness
) -> Installation:
    """Return what was decided, with modules and coordinator running on a domain of version 1."""
    for name in MODULES:
        supervisor.add(module_role(name, plan))
    founders = tuple(_founder(name, randomness) for name in _PERMISSIONS)
    network, clock = UnixNetwork(), HostClock()
    links = {name: ModuleLink(network, address(name), randomness) for name in MODULES}
    keeping = [asyncio.create_task(link.run()) for link in links.values()]
    try:
        pinned: list[DomainId] = []

        def pin(domain: DomainId) -> None:
            pinned.append(domain)
            for name in MODULES:
                HostDisk(pin_file(name).parent).write(pin_file(name).name, domain.hex().encode())

        genesis = await found(links, founders, pin, clock, randomness)
        publish_genesis(HostDisk(DOMAIN, public=True), genesis)
        domain = pinned[0].hex()
        supervisor.add(coordinator_role(domain, MODULES))
        token = await propose_first_key(links[MODULES[0]], genesis, founders, clock, randomness)
        person = founders[0]
        await install(network, address(COORDINATOR), submit(token, person.operator().id, person.key))
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
    credentials = SealedCredentials(HostDisk(Path(AUTHENTICATION)), randomness)
    write_credentials(directory.path, RootCredentials(*credentials.create_root(AccountId(plan.account_id))))
    installation = Installation(account_id=plan.account_id, region=plan.region, domain=domain)
    directory.complete(installation)
    return installation


def _founder(name: str, randomness: Randomness) -> Founder:
    key = OperatorKey.generate(randomness, f"keystead {name}")
    disk = HostDisk(Path(name))
    disk.write(OPERATOR_KEY, key.dump())
    disk.write(f"{OPERATOR_KEY}.pub", f"{key.public.line(f'keystead {name}')}\n".encode())
    return Founder(name, key, _PERMISSIONS[name])
