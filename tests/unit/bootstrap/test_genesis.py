"""The beginning of an installation: everyone is listed, signs and is pinned, and the first key is asked for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from keystead.bootstrap.genesis import Founder, found, propose_first_key
from keystead.components.security_module.server import ModuleHandler
from keystead.core.domain import genesis
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.domain.quorum import KOfOperators, Rules
from keystead.core.domain.state import Permission
from keystead.core.domain.succession import accept
from keystead.errors import NotPinned
from keystead.identifiers import DomainId
from keystead.primitives.openssh import OperatorKey
from keystead.transport.module_link import ModuleLink
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.modules import ModuleDomain, ModuleHost
from tests.simulators.network import SimNetwork
from tests.simulators.world import SeededRandomness, SimProcess

PERMISSIONS = {
    "ada": frozenset({Permission.GOVERN}),
    "ben": frozenset({Permission.GOVERN}),
    "coordinator": frozenset({Permission.CARRY}),
    "front-end": frozenset({Permission.SERVE}),
}


class Blank:
    """Two blank modules, links to them, and those who found."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.domain = ModuleDomain(2)
        self.network = SimNetwork(loop, 1)
        self.supervisor = SimProcess("supervisor", loop)
        self.dice = SeededRandomness(1, "founders")
        self.founders = tuple(
            Founder(name, OperatorKey.generate(self.dice, name), permissions)
            for name, permissions in PERMISSIONS.items()
        )
        self.links = {
            host.name: ModuleLink(self.network.of(self.supervisor), host.name, self.dice) for host in self.domain.hosts
        }
        self.loop = loop

    async def start(self) -> None:
        """Start modules and links."""
        for host in self.domain.hosts:
            await self._start(host)
        for link in self.links.values():
            self.supervisor.start(link.run())

    async def _start(self, host: ModuleHost) -> None:
        process = SimProcess(host.name, self.loop)

        async def listen() -> None:
            await self.network.of(process).listen(host.name, lambda: ModuleHandler(host.module))

        await process.start(listen())

    def pin(self, domain: DomainId) -> None:
        """Write the domain into every module's configuration."""
        for host in self.domain.hosts:
            host.pinned = domain

    async def found(self, pin: Callable[[DomainId], None]) -> bytes:
        """Found the domain."""
        return await found(self.links, self.founders, pin, self.domain.clock, self.dice)


def at_the_beginning(story: Callable[[Blank], Awaitable[None]]) -> None:
    """Tell a story that begins with blank modules."""

    async def told() -> None:
        blank = Blank()
        await blank.start()
        await story(blank)

    simulate(told, 1)


def test_everyone_is_listed_and_has_signed() -> None:
    """The genesis has each module and founder, the rule that all who govern must sign, and is version 0 everywhere."""

    async def story(blank: Blank) -> None:
        encoded = await blank.found(blank.pin)
        state = genesis.verify_genesis(encoded)
        assert {member.name for member in state.members} == {"module-1", "module-2"}
        assert {one.name: frozenset(one.permissions) for one in state.operators} == PERMISSIONS
        assert state.rules == Rules(KOfOperators(2, tuple(sorted(state.operators_who(Permission.GOVERN)))))
        for host in blank.domain.hosts:
            assert host.module.installed.current.state == state
            assert host.pinned == state.domain

    at_the_beginning(story)


def test_the_first_key_is_asked_for_as_every_later_change() -> None:
    """The token follows the genesis by the one judgement, and nothing is installed by asking for it."""

    async def story(blank: Blank) -> None:
        encoded = await blank.found(blank.pin)
        state = genesis.verify_genesis(encoded)
        clock = blank.domain.clock
        token = await propose_first_key(blank.links["module-2"], encoded, blank.founders, clock, blank.dice)
        successor = accept(state, state.domain, token, clock.now())
        assert successor.request.change == AddDomainKey()
        assert len(successor.state.domain_keys) == 1
        assert [host.module.installed.current.state.version for host in blank.domain.hosts] == [0, 0]

    at_the_beginning(story)


def test_a_module_that_is_not_pinned_signs_nothing() -> None:
    """Whoever can reach a blank module, but not write its configuration, founds nothing with it."""

    async def story(blank: Blank) -> None:
        with pytest.raises(NotPinned):
            await blank.found(lambda domain: None)
        assert all(host.module.installed.blank for host in blank.domain.hosts)

    at_the_beginning(story)
