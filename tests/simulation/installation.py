"""A whole installation in one process, in virtual time: two modules, coordinator, authentication, front end, clients.

The parts are the real ones, put together as the recipes in ``keystead.bootstrap`` do; only the ports are simulated. The
databases and disks outlive the processes that use them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from keystead.bootstrap.genesis import Founder, found, propose_first_key
from keystead.components.authentication_service.credentials import SealedCredentials
from keystead.components.authentication_service.judge import Judge
from keystead.components.authentication_service.server import FrontEndConnection
from keystead.components.authentication_service.vouching import SessionVouching
from keystead.components.coordinator.coordinator import Coordinator
from keystead.components.coordinator.courier import Courier
from keystead.components.coordinator.server import Desk, OperatorConnection
from keystead.components.cryptography_service.admitted import Admission
from keystead.components.cryptography_service.application import Application
from keystead.components.cryptography_service.executed import Execution
from keystead.components.cryptography_service.health import HealthCheck
from keystead.components.cryptography_service.located import Records
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.components.cryptography_service.request_ids import RequestIds
from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.key_repository.memory_rotations import MemoryRotationRepository
from keystead.components.security_module.journal import Journal
from keystead.components.security_module.module import SecurityModule
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.components.security_module.server import ModuleHandler
from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.core.domain import change_request, domain_token
from keystead.core.domain.ledger import Ledger
from keystead.core.domain.state import Permission
from keystead.core.operations.quotas import QUOTAS
from keystead.core.protocols.coordination import submit
from keystead.core.records import KeyChange
from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.identifiers import AccountId, DomainId, Region
from keystead.primitives.openssh import OperatorKey, verify_sshsig
from keystead.transport.authentication_link import AuthenticationLink
from keystead.transport.coordinator_client import install
from keystead.transport.domain_directory import DomainDirectory, follow, publish_genesis, publish_token
from keystead.transport.fleet import Fleet
from keystead.transport.module_link import ModuleLink
from keystead.transport.session_keeper import OperatorIdentity
from tests.simulation.front_door import FrontDoor
from tests.simulation.rotating import World, rotate
from tests.simulation.slow_repository import SlowRepository
from tests.simulation.slow_tokens import SlowTokens
from tests.simulators.history import Exposure, History, Installed, Sealing
from tests.simulators.loop import SimLoop
from tests.simulators.network import SimNetwork
from tests.simulators.world import MemoryDisk, PowerCut, SeededRandomness, SimClock, SimProcess

MODULES = ("module-1", "module-2")
COORDINATOR, AUTHENTICATION, CRYPTOGRAPHY = "coordinator", "authentication", "cryptography"
OTHER_FRONT_END = "cryptography-2"
"""An operator that may serve, and that no process plays unless a test does."""
ROLES = (*MODULES, COORDINATOR, AUTHENTICATION, CRYPTOGRAPHY)
PERMISSIONS = {
    "alice": frozenset({Permission.GOVERN}),
    "bob": frozenset({Permission.GOVERN}),
    COORDINATOR: frozenset({Permission.CARRY}),
    AUTHENTICATION: frozenset({Permission.VOUCH}),
    CRYPTOGRAPHY: frozenset({Permission.SERVE}),
    OTHER_FRONT_END: frozenset({Permission.SERVE}),
}
GOVERNORS = frozenset({"alice", "bob"})
ACCOUNT, OTHER_ACCOUNT = AccountId("000000000000"), AccountId("111111111111")
REGION, OTHER_REGION = Region("us-east-1"), Region("eu-west-1")


class WatchedRandomness(SeededRandomness):
    """Remembers the secrets that it made, so that they can be looked for where they must not be."""

    def __init__(self, seed: int, name: str, secrets: dict[str, bytes]) -> None:
        super().__init__(seed, name)
        self._name = name
        self._secrets = secrets

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer, and remember what is long enough to be recognised."""
        super().fill(buffer)
        if len(buffer) >= 32:
            self._secrets[f"secret {len(self._secrets)} of {self._name}"] = bytes(buffer)


class PoweredDisk:
    """A disk as its host sees it: who writes when the power is cut does nothing any more."""

    def __init__(self, disk: MemoryDisk, process: SimProcess) -> None:
        self._disk = disk
        self._process = process

    def read(self, name: str) -> bytes | None:
        """Return the content, or None."""
        return self._disk.read(name)

    def write(self, name: str, content: bytes) -> None:
        """Replace the content, or die."""
        with self._power():
            self._disk.write(name, content)

    def remove(self, name: str) -> None:
        """Remove the file, or die."""
        with self._power():
            self._disk.remove(name)

    @contextmanager
    def _power(self) -> Iterator[None]:
        try:
            yield
        except PowerCut:
            self._process.kill()
            raise


class _Lines:
    """Takes a module's log as something that anybody might read."""

    def __init__(self, history: History, name: str) -> None:
        self._history = history
        self._name = name

    def write(self, line: bytes) -> None:
        """Take a line."""
        self._history.exposures.append(Exposure(f"log of {self._name}", line))


@dataclass(slots=True)
class Role:
    """A role and the process that plays it now."""

    start: Callable[[SimProcess, SimClock, SeededRandomness], Awaitable[None]]
    process: SimProcess
    starts: int = 0


class Installation:
    """Everything of one organisation."""

    def __init__(self, seed: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        loop.set_exception_handler(_told_of)
        self.loop = loop
        self.seed = seed
        self.history = History()
        self.network = SimNetwork(loop, seed, self._seen)
        self.front_door = FrontDoor(self.network)
        self.founders = tuple(
            Founder(name, OperatorKey.generate(SeededRandomness(seed, name), name), permissions)
            for name, permissions in PERMISSIONS.items()
        )
        self.disks = {name: MemoryDisk(SeededRandomness(seed, f"disk of {name}")) for name in (*ROLES, "domain")}
        self.rotations = MemoryRotationRepository()
        self.keys = MemoryKeyRepository(self.rotations)
        self._world = World(
            keys=self.keys,
            rotations=self.rotations,
            latency=self.network.latency,
            seen=self._written,
            modules=MODULES,
        )
        self.tokens = MemoryTokenRepository()
        self.clocks = {name: SimClock(loop) for name in (*ROLES, "tools", "clients")}
        self.modules: dict[str, SecurityModule] = {}
        self.pin: DomainId | None = None
        self.proposed: list[bytes] = []
        """Every token that operators had made."""
        self.written: list[KeyChange] = []
        """Everything that was ever written to the key repository."""
        self.images: list[dict[str, bytes]] = []
        """Modules' disks as they once were."""
        self._seen_at: dict[str, bytes] = {}
        self.tools = SimProcess("tools", loop)
        self.roles: dict[str, Role] = {}
        self.credentials: dict[AccountId, tuple[str, str]] = {}

    async def found(self) -> None:
        """Bring it to where ``keystead up`` brings an empty directory."""
        for name in MODULES:
            await self.play(name, self._module)
        links = {name: self.link(name) for name in MODULES}
        running = [self.tools.start(link.run()) for link in links.values()]
        randomness = SeededRandomness(self.seed, "tools")
        clock = self.clocks["tools"]
        encoded = await found(links, self.founders, self._pinned, clock, randomness)
        publish_genesis(self.disks["domain"], encoded)
        self.look_at_modules()
        await self.play(COORDINATOR, self._coordinator)
        token = await propose_first_key(links[MODULES[0]], encoded, self.founders, clock, randomness)
        await self.install(token)
        for task in running:
            task.cancel()
        store = SealedCredentials(self.disks[AUTHENTICATION], SeededRandomness(self.seed, "credentials"))
        self.credentials = {account: store.create_root(account) for account in (ACCOUNT, OTHER_ACCOUNT)}
        await self.play(AUTHENTICATION, self._authentication)
        await self.play(CRYPTOGRAPHY, self._cryptography)

    async def play(self, name: str, start: Callable[[SimProcess, SimClock, SeededRandomness], Awaitable[None]]) -> None:
        """Let a process play a role for the first time."""
        self.roles[name] = Role(start, SimProcess(name, self.loop))
        await self.start(name)

    async def start(self, name: str) -> None:
        """Start a role in a new process, as the supervisor does."""
        role = self.roles[name]
        role.starts += 1
        role.process = SimProcess(name, self.loop)
        randomness = WatchedRandomness(self.seed, f"{name}/{role.starts}", self.history.secrets)
        if name not in MODULES:
            randomness = SeededRandomness(self.seed, f"{name}/{role.starts}")  # type: ignore[assignment]
        starting = role.process.start(_awaited(role.start(role.process, self.clocks[name], randomness)))
        while role.process.alive and not starting.done():
            await asyncio.wait([starting], timeout=0.02)
        if role.process.alive:
            starting.result()

    def end(self) -> None:
        """Kill every process."""
        for process in (self.tools, *(role.process for role in self.roles.values())):
            process.kill()

    def link(self, module: str) -> ModuleLink:
        """Return a link of the operators' tools to a module."""
        return ModuleLink(self.network.of(self.tools), module, SeededRandomness(self.seed, f"link to {module}"))

    def look_at_disks(self) -> None:
        """Record all that rests on disks, but for the root slots: they are the modules' own."""
        self.history.expose(
            Exposure(f"disk of {disk}: {name}", content)
            for disk, files in self.disks.items()
            for name, content in files.snapshot().items()
            if not name.startswith("root-slot")
        )

    def look_at_modules(self) -> None:
        """Record what is installed where, if it is not what was seen there before."""
        tokens = {submission.position.hash: submission for submission in self.tokens.submissions.values()}
        for name, module in self.modules.items():
            image = self.disks[name].snapshot()
            if image not in self.images:
                self.images.append(image)
            if module.installed.blank or self._seen_at.get(name) == module.installed.current.hash:
                continue
            current = module.installed.current
            self._seen_at[name] = current.hash
            submission = tokens.get(current.hash)
            self.history.installed.append(
                Installed(
                    module=name,
                    at=self.loop.time(),
                    version=current.state.version,
                    token=current.hash,
                    predecessor=b"" if submission is None else submission.predecessor,
                    signers=GOVERNORS if submission is None else self._signers(submission.token),
                    governors=GOVERNORS,
                    needed=len(GOVERNORS),
                )
            )

    def _signers(self, token: bytes) -> frozenset[str]:
        """Return who signed the request that a token was made from; raises SignatureError."""
        body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(token).body)
        found = set()
        for founder in self.founders:
            for signature in body.approved.signatures:
                if signature.operator == founder.operator().id:
                    verify_sshsig(
                        founder.key.public, change_request.NAMESPACE, body.approved.request, signature.signature
                    )
                    found.add(founder.name)
        return frozenset(found)

    def _written(self, change: KeyChange) -> None:
        """Record what is written to the key repository."""
        self.written.append(change)
        sealed = [change.head, *(token.token for token in change.tokens)]
        self.history.expose(Exposure("key repository", content) for content in sealed)
        for content, kind in zip(
            sealed, [SealedClass.KEY_HEAD, *[SealedClass.KEY_TOKEN] * len(change.tokens)], strict=True
        ):
            envelope = Envelope.decode(content, kind)
            self.history.sealings.append(Sealing(envelope.domain_key, envelope.nonce, content))

    def _pinned(self, domain: DomainId) -> None:
        self.pin = domain

    def _seen(self, message: bytes) -> str:
        self.history.exposures.append(Exposure("network", message))
        return f"kind-{message[0]}" if message else "empty"

    def founder(self, name: str) -> Founder:
        """Return a founder by name."""
        return next(founder for founder in self.founders if founder.name == name)

    def fleet(
        self, name: str, process: SimProcess, view: DomainDirectory, clock: SimClock, randomness: SeededRandomness
    ) -> Fleet:
        """Return a fleet of the modules for an operator."""
        return Fleet(self.network.of(process), MODULES, self._identity(name), view, clock, randomness)

    def _identity(self, name: str) -> OperatorIdentity:
        founder = self.founder(name)
        return OperatorIdentity(operator=founder.operator().id, key=founder.key)

    async def _module(self, process: SimProcess, clock: SimClock, randomness: SeededRandomness) -> None:
        disk = PoweredDisk(self.disks[process.name], process)
        safe = wake(FileRootSlot(disk, randomness), disk, randomness)
        journal = Journal(_Lines(self.history, process.name), clock)
        module = SecurityModule(safe, lambda: self.pin, clock, randomness, journal, process.kill)
        module.resume()
        self.modules[process.name] = module
        await self.network.of(process).listen(process.name, lambda: ModuleHandler(module))

    def published_version(self) -> int:
        """Return the version that every role can read of."""
        return self.view().state.version

    async def _coordinator(self, process: SimProcess, clock: SimClock, randomness: SeededRandomness) -> None:
        view = self.view()
        ledger = Ledger(view.genesis, view.domain)
        publish = partial(publish_token, PoweredDisk(self.disks["domain"], process))
        tokens = SlowTokens(self.tokens, self.network.latency)
        coordinator = Coordinator(ledger, tokens, self.keys, publish, clock, self._reported)
        network = self.network.of(process)
        couriers = [Courier(coordinator, network, name, clock, randomness, self._reported) for name in MODULES]
        await coordinator.resume()
        for courier in couriers:
            process.start(courier.run())
        rotating = rotate(
            process,
            coordinator,
            self._world,
            network,
            self._identity(COORDINATOR),
            clock,
            randomness,
            self._reported,
        )
        desk = Desk(coordinator, couriers, rotating)
        await network.listen(COORDINATOR, lambda: OperatorConnection(desk))

    def _reported(self, event: str, **_fields: object) -> None:
        self.network.note(COORDINATOR, "log", event, 0)

    async def install(self, token: bytes) -> None:
        """Bring a token to the coordinator as alice, and return when it is installed."""
        alice = self.founders[0]
        submission = submit(token, alice.operator().id, alice.key)
        await install(self.network.of(self.tools), COORDINATOR, submission)

    async def _authentication(self, process: SimProcess, clock: SimClock, randomness: SeededRandomness) -> None:
        view = self.view()
        fleet = self.fleet(AUTHENTICATION, process, view, clock, randomness)
        credentials = SealedCredentials(self.disks[AUTHENTICATION], randomness)
        judge = Judge(credentials, frozenset({REGION, OTHER_REGION}), randomness)
        vouching = SessionVouching(fleet)
        process.start(fleet.run())
        process.start(follow(view, lambda _: None))
        await self.network.of(process).listen(
            AUTHENTICATION, lambda: FrontEndConnection(judge, vouching, lambda: view.state, clock, randomness)
        )

    async def _cryptography(self, process: SimProcess, clock: SimClock, randomness: SeededRandomness) -> None:
        view = self.view()
        fleet = self.fleet(CRYPTOGRAPHY, process, view, clock, randomness)
        founder = self.founder(CRYPTOGRAPHY)
        network = self.network.of(process)
        authentication = AuthenticationLink(network, AUTHENTICATION, founder.operator().id, founder.key)
        repository = SlowRepository(self.keys, self.network.latency, self._written)
        cache = RecordsCache(repository, clock)
        execution = Execution(Records(repository, cache), cache, fleet, repository, randomness)
        health = HealthCheck(lambda: fleet.live, authentication, repository)
        admission = Admission(clock, dict.fromkeys(QUOTAS, inf))
        application = Application(authentication, admission, execution, health, RequestIds(randomness), self._failed)
        process.start(fleet.run())
        process.start(follow(view, lambda _: None))
        process.start(authentication.run())
        self.front_door.opened(process, application)

    def _failed(self, _request_id: str, kind: str) -> None:
        self.network.note(CRYPTOGRAPHY, "log", kind, 0)

    def view(self) -> DomainDirectory:
        """Return what the published files prove of the domain."""
        assert self.pin is not None
        return DomainDirectory(self.disks["domain"], self.pin)


def _told_of(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error, unless it is that of a host without power."""
    if not isinstance(context.get("exception"), PowerCut):
        loop.default_exception_handler(context)


async def _awaited(started: Awaitable[None]) -> None:
    await started
