"""Coordinators, and the real security modules that they bring tokens to, in a simulated world.

What a coordinator does durably is one numbered step; ``kill_at`` ends its process just before or just after one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from keystead.components.coordinator.coordinator import Coordinator
from keystead.components.coordinator.courier import Courier
from keystead.components.coordinator.server import Desk, OperatorConnection
from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.security_module.server import ModuleHandler
from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.core.domain.change_request import AddDomainKey, DomainChange
from keystead.core.domain.coordination import Installation
from keystead.core.domain.ledger import Ledger
from keystead.core.domain.state import DomainState
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.core.protocols.coordination import Install, Installed, Status, submit
from keystead.core.records import DomainKeyFence
from keystead.identifiers import DomainKeyId, ModuleId
from keystead.transport.coordinator_client import install, status
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.modules import ModuleDomain
from tests.simulators.network import SimNetwork
from tests.simulators.world import SeededRandomness, SimProcess

T = TypeVar("T")


class Steps(TokenRepository, DomainKeyFence):
    """The repositories as one coordinator's process sees them: each change takes time, and may be its last."""

    def __init__(self, world: "CoordinationWorld", process: SimProcess) -> None:
        self._world = world
        self._tokens = world.tokens
        self._process = process

    async def record(self, submission: Submission) -> None:
        """Keep a submission."""
        await self._step(f"record {submission.decision.name}", lambda: self._tokens.record(submission))

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a promise."""
        await self._step("keep promise", lambda: self._tokens.keep_promise(token, member, promise))

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep an installation."""
        await self._step("keep installation", lambda: self._tokens.keep_installation(token, member, now))

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep a stage."""
        await self._step(f"set stage {stage.name}", lambda: self._tokens.set_stage(token, stage))

    async def keep_abandonment(self, token: bytes, approved: bytes) -> None:
        """Keep a request to abandon."""
        await self._step("keep abandonment", lambda: self._tokens.keep_abandonment(token, approved))

    async def keep_release(self, token: bytes, member: ModuleId, release: bytes) -> None:
        """Keep a release."""
        await self._step("keep release", lambda: self._tokens.keep_release(token, member, release))

    async def bury(self, token: bytes) -> None:
        """Give a token up."""
        await self._step("bury", lambda: self._tokens.bury(token))

    async def abandoned(self) -> list[AcceptedToken]:
        """Return what was given up."""
        return await self._tokens.abandoned()

    async def admit(self, domain_key: DomainKeyId, now: int) -> None:
        """Take records under a key."""
        self._world.admitted[domain_key] = [host.module.installed.current.state.version for host in self._world.hosts]
        await self._step("admit", lambda: self._world.keys.admit(domain_key, now))

    async def fence(self, domain_key: DomainKeyId) -> None:
        """Take no records under a key."""
        await self._step("fence", lambda: self._world.keys.fence(domain_key))

    async def accepted(self) -> list[AcceptedToken]:
        """Return what was accepted."""
        return await self._tokens.accepted()

    async def _step(self, name: str, change: Callable[[], Awaitable[None]]) -> None:
        world = self._world
        world.steps.append(name)
        fatal = world.fatal if len(world.steps) - 1 == (world.fatal or (-1, ""))[0] else None
        await asyncio.sleep(0.001)
        if fatal is not None and fatal[1] == "before":
            await self._die()
        await change()
        if fatal is not None:
            await self._die()

    async def _die(self) -> None:
        self._process.kill()
        await asyncio.Event().wait()


class CoordinationWorld:
    """A founded domain of version 0, its modules in processes of their own, and nobody who coordinates yet."""

    def __init__(self, seed: int, modules: int = 2, recovery: frozenset[str] = frozenset()) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.loop = loop
        self.seed = seed
        self.network = SimNetwork(loop, seed)
        self.domain = ModuleDomain(modules, seed)
        self.domain.recovery |= recovery
        self.domain.found()
        self.hosts = self.domain.hosts
        self.tokens = MemoryTokenRepository()
        """Of the coordinators that are started from now on."""
        self.keys = MemoryKeyRepository()
        self.published: dict[int, bytes] = {}
        self.admitted: dict[DomainKeyId, list[int]] = {}
        """For each key that was admitted, the versions at which the modules stood then."""
        self.events: list[tuple[str, dict[str, object]]] = []
        self.steps: list[str] = []
        self.fatal: tuple[int, str] | None = None
        """Number of the step at which the coordinator that takes it dies, and whether before or after."""
        self.operator = SimProcess("operator", loop)
        self.modules: dict[str, SimProcess] = {}
        self.desk: Desk
        """Of the coordinator that was started last."""
        self._starts = 0

    async def start_module(self, number: int) -> SimProcess:
        """Start (or start again) a module on what rests on its disk."""
        host = self.hosts[number]
        process = self.modules[host.name] = SimProcess(host.name, self.loop)
        host.start()

        async def listen() -> None:
            await self.network.of(process).listen(host.name, lambda: ModuleHandler(host.module))

        await process.start(listen())
        return process

    async def start_coordinator(self, name: str = "coordinator") -> SimProcess:
        """Start (or start again) a coordinator on what the repositories hold."""
        self._starts += 1
        process = SimProcess(name, self.loop)
        await process.start(self._coordinate(process, name))
        return process

    async def _coordinate(self, process: SimProcess, name: str) -> None:
        steps = Steps(self, process)
        ledger = Ledger(self.domain.genesis, self.domain.state.domain_id)
        coordinator = Coordinator(ledger, steps, steps, self.published.__setitem__, self.domain.clock, self.report)
        await coordinator.resume()
        node = self.network.of(process)
        randomness = SeededRandomness(self.seed, f"{name}/{self._starts}")
        clock = self.domain.clock
        couriers = [Courier(coordinator, node, host.name, clock, randomness, self.report) for host in self.hosts]
        for courier in couriers:
            process.start(courier.run())
        desk = self.desk = Desk(coordinator, couriers)
        await node.listen(name, lambda: OperatorConnection(desk))

    def report(self, event: str, **fields: object) -> None:
        """Take an event for the log."""
        self.events.append((event, fields))

    def request(self, change: DomainChange | None = None, by: str = "officer") -> Install:
        """Return a signed request to install the first module's token for a change: a domain key, if none is named."""
        current = self.hosts[0].module.installed.current
        self.domain.founded = current.state, current.hash
        token = self.domain.propose(change or AddDomainKey())
        return submit(token, self.domain.operators[by].id, self.domain.keys[by])

    async def install(self, request: Install, at: str = "coordinator") -> Installed:
        """Return when the token is installed everywhere."""
        answer: Installed = await self.operator.start(install(self.network.of(self.operator), at, request))
        return answer

    async def status(self, at: str = "coordinator") -> Status:
        """Return what a coordinator tells."""
        answer: Status = await self.operator.start(status(self.network.of(self.operator), at))
        return answer

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds, in virtual time."""
        while not condition():  # noqa: ASYNC110 - what is waited for is not made to be waited for
            await asyncio.sleep(0.01)

    @property
    def state(self) -> DomainState:
        """What is installed at the first module."""
        return self.hosts[0].module.installed.current.state

    @property
    def versions(self) -> list[int | None]:
        """Where each module stands; None if it is blank."""
        installed = [host.module.installed for host in self.hosts]
        return [None if one.blank else one.current.state.version for one in installed]


def in_coordination(
    story: Callable[[CoordinationWorld], Awaitable[T]],
    seed: int = 1,
    modules: int = 2,
    recovery: frozenset[str] = frozenset(),
) -> T:
    """Tell a story in a world where all modules run."""

    async def told() -> T:
        world = CoordinationWorld(seed, modules, recovery)
        for number in range(modules):
            await world.start_module(number)
        return await story(world)

    return simulate(told, seed)
