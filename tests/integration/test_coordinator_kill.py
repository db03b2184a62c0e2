"""Kill -9 of the real coordinator, or of a real module, at random moments of installation: each version gets in."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from keystead.bootstrap.configuration import dump
from keystead.bootstrap.genesis import Founder, found
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.role_configuration import CoordinatorConfiguration, ModuleConfiguration
from keystead.core.domain import change_request
from keystead.core.domain.change_request import AddDomainKey, ApprovedRequest, ChangeRequest
from keystead.core.domain.domain_token import token_hash
from keystead.core.domain.state import Permission
from keystead.core.protocols.coordination import Install, submit
from keystead.core.protocols.module_session.messages import Propose, Proposed
from keystead.errors import PeerUnavailable
from keystead.identifiers import DomainId
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.coordinator_client import install, status
from keystead.transport.domain_directory import DomainDirectory, publish_genesis
from keystead.transport.module_link import ModuleLink
from keystead.transport.sql import connect_to_read, upgrade
from keystead.transport.unix import UnixNetwork

ROUNDS = 12
MODULES = ("module-1", "module-2")
COORDINATOR = "coordinator"
PATIENCE = 30


def address(name: str) -> str:
    """Return a role's address, relative to the folder that everyone works in."""
    return f"unix:{name}.sock"


class Host:
    """The processes of one host, in the current folder."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.dice = Random(1)
        self.randomness = SystemRandomness()
        self.founder = Founder("ada", OperatorKey.generate(self.randomness, "ada"), frozenset({Permission.GOVERN}))
        self.carrier = Founder("carrier", OperatorKey.generate(self.randomness, "c"), frozenset({Permission.CARRY}))

    def start(self, name: str) -> None:
        """Start, or start again."""
        kind = COORDINATOR if name == COORDINATOR else "module"
        arguments = [sys.executable, "-m", "keystead", "serve", kind, "--config", f"{name}.toml"]
        with Path(f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(arguments, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End it without a last word."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def pin(self, domain: DomainId) -> None:
        """Write the domain into everyone's configuration."""
        for name in MODULES:
            Path(f"{name}.pin").write_text(domain.hex())
        configuration = CoordinatorConfiguration(
            listen=address(COORDINATOR),
            operator_key="carrier",
            domain_directory="domain",
            domain=domain.hex(),
            modules=[address(name) for name in MODULES],
            repository="repository.sqlite",
        )
        Path(f"{COORDINATOR}.toml").write_text(dump(configuration))
        Path("carrier").write_bytes(self.carrier.key.dump())

    def configure_module(self, name: str) -> None:
        """Write a module's configuration."""
        configuration = ModuleConfiguration(name=name, directory=name, listen=address(name), pin=f"{name}.pin")
        Path(f"{name}.toml").write_text(dump(configuration))

    async def begin(self) -> None:
        """Found the domain and start everyone."""
        for name in MODULES:
            self.configure_module(name)
            self.start(name)
        links = {name: ModuleLink(UnixNetwork(), address(name), self.randomness) for name in MODULES}
        running = [asyncio.create_task(link.run()) for link in links.values()]
        genesis = await found(links, (self.founder, self.carrier), self.pin, HostClock(), self.randomness)
        for task in running:
            task.cancel()
        publish_genesis(HostDisk(Path("domain")), genesis)
        upgrade(Path("repository.sqlite"))
        self.start(COORDINATOR)

    async def request(self) -> Install:
        """Return a signed request to install one more domain key."""
        domain = DomainDirectory(HostDisk(Path("domain")), self.domain)
        newest = self.domain if domain.token is None else token_hash(domain.token)
        expires = HostClock().now() + 600_000
        request = change_request.CODEC.encode(
            ChangeRequest(self.domain, newest, AddDomainKey(), expires, self.randomness.token(16))
        )
        ada = self.founder.operator().id
        approved = ApprovedRequest(request, (change_request.sign(request, ada, self.founder.key),))
        link = ModuleLink(UnixNetwork(), address(MODULES[0]), self.randomness)
        running = asyncio.create_task(link.run())
        try:
            answer = await link.control(Propose(change_request.APPROVED_CODEC.encode(approved)))
        finally:
            running.cancel()
        assert isinstance(answer, Proposed)
        return submit(answer.token, ada, self.founder.key)

    @property
    def domain(self) -> DomainId:
        """The domain's id."""
        return DomainId(bytes.fromhex(Path(f"{MODULES[0]}.pin").read_text()))

    async def installed(self) -> int:
        """Return the version that every member has."""
        while True:
            with suppress(PeerUnavailable):
                return (await status(UnixNetwork(), address(COORDINATOR))).version
            await asyncio.sleep(0.02)

    async def round(self) -> None:
        """Ask for one version, kill somebody meanwhile, and see the version installed by all."""
        before = await self.installed()
        request = await self.request()
        asking = asyncio.create_task(install(UnixNetwork(), address(COORDINATOR), request))
        await asyncio.sleep(self.dice.uniform(0, 0.08))
        victim = self.dice.choice((COORDINATOR, *MODULES))
        self.kill(victim)
        self.start(victim)
        with suppress(PeerUnavailable):
            await asking
        await install(UnixNetwork(), address(COORDINATOR), request)
        assert await self.installed() == before + 1


@contextmanager
def host() -> Iterator[Host]:
    """Everyone is gone when the test is."""
    made = Host()
    try:
        yield made
    finally:
        for name in made.processes:
            made.kill(name)


@pytest.mark.slow
def test_every_version_gets_in_whoever_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Round after round one process dies in the middle; the domain goes on by exactly one version each time."""
    monkeypatch.chdir(tmp_path)

    async def story(made: Host) -> None:
        await made.begin()
        for _ in range(ROUNDS):
            async with asyncio.timeout(PATIENCE):
                await made.round()

    with host() as made:
        asyncio.run(story(made))
    domain = DomainDirectory(HostDisk(Path("domain")), made.domain)
    assert (domain.state.version, len(domain.state.domain_keys)) == (ROUNDS, ROUNDS)
    rows = connect_to_read(Path("repository.sqlite")).execute("SELECT id FROM domain_keys WHERE writable = 1")
    assert {row[0] for row in rows} == {key.id for key in domain.state.domain_keys}
