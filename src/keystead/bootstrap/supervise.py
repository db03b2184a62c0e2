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
from keystead.bootstrap.roles import MODULES, authentication_role, coordinator_role, cryptography_role, module_role
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.bootstrap.supervisor import Supervisor
from keystead.errors import OperatorError, PeerUnavailable, Refusal
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness

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
    started = asyncio.create_task(_started(plan, directory, supervisor))
    try:
        await asyncio.wait((stopped, started), return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            started.result()
            await stopped
    finally:
        started.cancel()
        stopped.cancel()
        await asyncio.gather(started, stopped, return_exceptions=True)
        await supervisor.stop()


async def _started(plan: Plan, directory: DataDirectory, supervisor: Supervisor) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await _start(plan, directory, supervisor)
    except (TimeoutError, PeerUnavailable, Refusal) as error:
        raise OperatorError(
            f"the service did not come up: {str(error) or f'not within {PATIENCE:.0f} seconds'}",
            f"look into {directory.path / LOGS}",
        ) from None


async def _start(plan: Plan, directory: DataDirectory, supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    installation = directory.installation()
    if installation is None:
        installation = await first_start(plan, directory, supervisor, SystemRandomness())
    else:
        _add_domain(installation, supervisor)
    supervisor.add(authentication_role(installation.domain, installation.region))
    supervisor.add(cryptography_role(installation.domain, plan))
    await until_healthy(plan.host, plan.port, tls=plan.tls_cert is not None)
    write_endpoint(directory.path, Endpoint(plan.endpoint, plan.region))
    show(banner(plan, read_credentials(directory.path), loop.time() - begun))


def _add_domain(installation: Installation, supervisor: Supervisor) -> None:
    for name in MODULES:
        supervisor.add(module_role(name))
    supervisor.add(coordinator_role(installation.domain))
