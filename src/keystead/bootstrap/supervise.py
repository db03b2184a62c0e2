"""The supervisor's recipe: the first start if there was none, then every role, until told to stop."""

import asyncio
import os
from pathlib import Path
from typing import Final

from keystead.bootstrap.banner import banner
from keystead.bootstrap.data_directory import LOGS, RUN, DataDirectory, Installation
from keystead.bootstrap.endpoint import Endpoint, read_credentials, write_endpoint
from keystead.bootstrap.first_start import first_start
from keystead.bootstrap.health import until_healthy
from keystead.bootstrap.plan import Plan
from keystead.bootstrap.reporting import show, tell
from keystead.bootstrap.roles import authentication_role, coordinator_role, cryptography_role, module_role
from keystead.bootstrap.roster import read_roster
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.bootstrap.supervisor import Supervisor
from keystead.errors import OperatorError, PeerUnavailable, Refusal
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness

LOOK: Final = 0.5
"""Seconds between two looks at which modules there are to be."""
LETTING_GO: Final = 3.0
"""Seconds that processes have to let go of a module before it is stopped; they look once a second."""
PATIENCE: Final = 60.0
"""Seconds in which the service must come up."""


def supervise(argument: str) -> int:
    """Run the plan in the argument until told to stop; raises OperatorError if it cannot be begun."""
    harden_process(strict=False)
    plan = Plan.read(argument)
    os.chdir(plan.data)
    os.umask(0o077)
    directory = DataDirectory(Path(plan.data))
    if directory.installation() is None:
        directory.begin()
    for made in (RUN, LOGS):
        made.mkdir(exist_ok=True)
    run(_supervise(plan, directory))
    return 0


async def _supervise(plan: Plan, directory: DataDirectory) -> None:
    supervisor = Supervisor(tell, SystemRandomness())
    stopped = asyncio.create_task(until_told_to_stop())
    keeping = asyncio.create_task(_keep(plan, directory, supervisor))
    try:
        await asyncio.wait((stopped, keeping), return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            keeping.result()
    finally:
        keeping.cancel()
        stopped.cancel()
        await asyncio.gather(keeping, stopped, return_exceptions=True)
        await supervisor.stop()


async def _keep(plan: Plan, directory: DataDirectory, supervisor: Supervisor) -> None:
    """Start everything, then let modules come and go, until cancelled."""
    running = read_roster(directory.path)
    await _started(plan, directory, supervisor, running)
    trouble = ""
    while True:
        await asyncio.sleep(LOOK)
        try:
            names, found = read_roster(directory.path), ""
        except OperatorError as error:
            names, found = running, error.problem
        if found not in ("", trouble):
            tell(f"modules neither come nor go: {found}")
        trouble = found
        if names != running:
            await _follow(plan, directory, supervisor, names, running)
            running = names


async def _follow(
    plan: Plan, directory: DataDirectory, supervisor: Supervisor, names: tuple[str, ...], running: tuple[str, ...]
) -> None:
    """Start the modules that came; stop those that went once everybody had time to let go of them."""
    for name in names:
        if name not in running:
            supervisor.add(module_role(name, plan))
    installation = directory.installation()
    if installation is not None:
        # The roles run and read their configuration again; that it is written is all that is wanted here.
        coordinator_role(installation.domain, names)
        authentication_role(installation.domain, installation.region, names)
        cryptography_role(installation.domain, plan, names)
    if gone := set(running) - set(names):
        await asyncio.sleep(LETTING_GO)
        for name in sorted(gone):
            await supervisor.remove(name)


async def _started(plan: Plan, directory: DataDirectory, supervisor: Supervisor, modules: tuple[str, ...]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await _start(plan, directory, supervisor, modules)
    except (TimeoutError, PeerUnavailable, Refusal) as error:
        raise OperatorError(
            f"the service did not come up: {str(error) or f'not within {PATIENCE:.0f} seconds'}",
            f"look into {directory.path / LOGS}",
        ) from None


async def _start(plan: Plan, directory: DataDirectory, supervisor: Supervisor, modules: tuple[str, ...]) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    installation = directory.installation()
    if first := installation is None:
        installation = await first_start(plan, directory, supervisor, SystemRandomness())
    if not first:
        _add_domain(plan, installation, supervisor, modules)
    supervisor.add(authentication_role(installation.domain, installation.region, modules))
    supervisor.add(cryptography_role(installation.domain, plan, modules))
    await until_healthy(plan.host, plan.port, tls=plan.tls_cert is not None)
    write_endpoint(directory.path, Endpoint(plan.endpoint, plan.region))
    show(banner(plan, read_credentials(directory.path), loop.time() - begun))


def _add_domain(plan: Plan, installation: Installation, supervisor: Supervisor, modules: tuple[str, ...]) -> None:
    for name in modules:
        supervisor.add(module_role(name, plan))
    supervisor.add(coordinator_role(installation.domain, modules))
