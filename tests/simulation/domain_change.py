"""What operators do to a domain while everything goes wrong: a rotation from its order to the drop of the old key.

Two of them ask for each change at once, through two modules, with another token: one of the two is installed.
"""

import asyncio
from collections.abc import Awaitable, Callable

from keystead.core.domain import change_request
from keystead.core.domain.change_request import (
    AddDomainKey,
    ApprovedRequest,
    ChangeParameters,
    ChangeRequest,
    DomainChange,
    DropDomainKey,
    RetireDomainKey,
)
from keystead.core.domain.state import DomainState, Parameters
from keystead.core.protocols.module_session.messages import MakeOffer, Offered, Propose, Proposed
from keystead.core.protocols.rotation import Action, RotationStatus, order
from keystead.errors import KeysteadError
from keystead.transport.coordinator_client import order_rotation, rotation
from keystead.transport.module_link import ModuleLink
from tests.simulation.installation import COORDINATOR, GOVERNORS, MODULES, Installation
from tests.simulators.world import SeededRandomness

LIFE = 600_000
PAUSE = 0.2


class Operators:
    """Those who govern, with a link to each module."""

    def __init__(self, at: Installation) -> None:
        self._at = at
        self._links: list[ModuleLink] = []
        self._dice = [SeededRandomness(at.seed, f"rival {number}") for number in range(len(MODULES))]

    async def rotate(self) -> None:
        """Return when every module has a new domain key and none has the old one any more."""
        self._links = [self._at.link(name) for name in MODULES]
        running = [self._at.tools.start(link.run()) for link in self._links]
        await self._changed(ChangeParameters(Parameters(0)), lambda state: state.parameters.retirement == 0)
        await self._ordered(Action.BEGIN, lambda status: status.number > 0)
        old = self._at.view().state.newest
        await self._changed(AddDomainKey(), lambda state: state.newest != old)
        await self._changed(RetireDomainKey(old), lambda state: old in state.retired)
        await self._ordered(Action.WAIVE_BACKUP, lambda status: not status.obstacles)
        await self._changed(None, lambda state: state.domain_key(old) is None, old)
        await self._ordered(None, lambda status: status.stage == "dropped")
        for task in running:
            task.cancel()

    async def _changed(
        self, change: DomainChange | None, done: Callable[[DomainState], bool], dropping: bytes = b""
    ) -> None:
        """Return when a change, or the drop of a domain key, is installed by all."""
        async with asyncio.TaskGroup() as rivals:
            for link, dice in zip(self._links, self._dice, strict=True):
                rivals.create_task(
                    self._until(
                        lambda: done(self._at.view().state),
                        lambda link=link, dice=dice: self._try(link, dice, change, dropping),  # type: ignore[misc]
                    )
                )

    async def _try(
        self, link: ModuleLink, dice: SeededRandomness, change: DomainChange | None, dropping: bytes
    ) -> None:
        answer = await link.control(Propose(approved(self._at, change or await self._drop(dropping), dice)))
        assert isinstance(answer, Proposed)
        self._at.proposed.append(answer.token)
        await self._at.install(answer.token)

    async def _drop(self, domain_key: bytes) -> DropDomainKey:
        offers = []
        for link in self._links:
            answer = await link.control(MakeOffer(domain_key))
            assert isinstance(answer, Offered)
            assert link.greeting is not None
            offers.append((link.greeting.module, answer.offer))
        return DropDomainKey(domain_key, tuple(offer for _, offer in sorted(offers)), ())

    async def _ordered(self, action: Action | None, done: Callable[[RotationStatus], bool]) -> None:
        """Return when the rotation is as it should be by this order, or without one."""
        network, alice = self._at.network.of(self._at.tools), self._at.founders[0]
        found: list[RotationStatus] = []

        async def attempt() -> None:
            found.append(await rotation(network, COORDINATOR))
            if action is not None and not done(found[-1]):
                signed = order(found[-1], action, alice.operator().id, alice.key)
                found.append(await order_rotation(network, COORDINATOR, signed))

        await self._until(lambda: bool(found) and done(found[-1]), attempt)

    async def _until(self, done: Callable[[], bool], attempt: Callable[[], Awaitable[None]]) -> None:
        while not done():
            try:
                await attempt()
            except KeysteadError:
                await asyncio.sleep(PAUSE)
            else:
                await asyncio.sleep(PAUSE / 10)


def approved(at: Installation, change: DomainChange, randomness: SeededRandomness) -> bytes:
    """Return a request for a change of what is published, signed by all who must."""
    view = at.view()
    expires = at.clocks["tools"].now() + LIFE
    request = change_request.CODEC.encode(ChangeRequest(view.domain, view.hash, change, expires, randomness.token(16)))
    signatures = [
        change_request.sign(request, founder.operator().id, founder.key)
        for founder in at.founders
        if founder.name in GOVERNORS
    ]
    return change_request.APPROVED_CODEC.encode(
        ApprovedRequest(request, tuple(sorted(signatures, key=lambda signature: signature.operator)))
    )
