"""Answers operators: installation requests and status, each connection's requests in order."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.components.coordinator.coordinator import Coordinator
from keystead.components.coordinator.courier import Courier
from keystead.components.coordinator.rotation_desk import RotationDesk
from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.coordination import (
    ANSWERS,
    REQUESTS,
    AbandonInstallation,
    Accepted,
    Answer,
    AwaitInstallation,
    Denied,
    Install,
    Installed,
    ModuleStatus,
    Request,
    Status,
)
from keystead.core.protocols.rotation import OrderRotation, ReadRotation, RotationStatus
from keystead.errors import Refusal, RepositoryError, RotationDenied
from keystead.identifiers import ModuleId

MOST_WAITING: Final = 16
"""Requests of one connection that may wait for their turn; who sends more is closed."""


class Desk:
    """What operators may ask, and what they are told."""

    def __init__(
        self, coordinator: Coordinator, couriers: Iterable[Courier], rotations: RotationDesk | None = None
    ) -> None:
        """Take who decides, those who know the modules at any moment, and who answers for rotations, if anyone does."""
        self._rotations = rotations
        self._coordinator = coordinator
        self._couriers = couriers

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request; raises what the coordinator refuses with, and RepositoryError."""
        match request:
            case Install():
                reported = [courier.position for courier in self._couriers if courier.position is not None]
                return Accepted(await self._coordinator.install(request, reported))
            case AbandonInstallation():
                return Accepted(await self._coordinator.abandon(request.approved))
            case AwaitInstallation():
                position = await self._coordinator.until_installed(request.version)
                return Installed(position.version, position.hash)
            case OrderRotation() | ReadRotation():
                return await self._about_rotation(request)
            case _:
                return self.status()

    async def _about_rotation(self, request: OrderRotation | ReadRotation) -> RotationStatus:
        if self._rotations is None:
            raise RotationDenied("this coordinator rotates no domain keys")
        if isinstance(request, OrderRotation):
            return await self._rotations.order(request)
        return await self._rotations.status()

    def status(self) -> Status:
        """Return how the domain is, as far as it is known here."""
        ledger = self._coordinator.ledger
        state, position = ledger.installed
        in_flight = ledger.in_flight
        heard = {
            courier.greeting.module: self._module(ModuleId(courier.greeting.module), courier)
            for courier in self._couriers
            if courier.greeting is not None
        }
        unheard = {member: self._module(member, None) for member in ledger.modules() if member not in heard}
        return Status(
            state.domain_id,
            position.version,
            position.hash,
            None if in_flight is None else in_flight.position.version,
            "" if in_flight is None else in_flight.stage.name.lower(),
            tuple(sorted((heard | unheard).values(), key=lambda one: (one.name, one.module))),
            None if in_flight is None else in_flight.decided,
            None if in_flight is None else in_flight.position.hash,
        )

    def _module(self, module: ModuleId, courier: Courier | None) -> ModuleStatus:
        member = self._coordinator.ledger.newest[0].member(module)
        name = "" if member is None else member.name
        if courier is None or courier.greeting is None:
            found = ModuleStatus(module, name, reachable=False, trouble="the module was never reached")
        else:
            found = ModuleStatus(
                module,
                name,
                reachable=courier.reachable,
                incarnation=courier.greeting.incarnation,
                version=None if courier.position is None else courier.position.version,
                trouble=courier.trouble,
                since=courier.since,
                retry=courier.retry,
            )
        return self._with_part(found)

    def _with_part(self, found: ModuleStatus) -> ModuleStatus:
        """Add what the module has done for what is being installed, and whether that waits for it."""
        entry = self._coordinator.ledger.in_flight
        if entry is None:
            return found
        module = ModuleId(found.module)
        return msgspec.structs.replace(
            found,
            promised=module in entry.promises,
            installed=module in entry.installed,
            waited_for=module in entry.missing,
        )


class OperatorConnection(LinkHandler):
    """One operator's connection. Anything that is no request closes it."""

    def __init__(self, desk: Desk) -> None:
        """Take who answers."""
        self._desk = desk
        self._link: Link | None = None
        self._waiting: asyncio.Queue[Request] = asyncio.Queue(MOST_WAITING)
        self._answering: asyncio.Task[None] | None = None

    def opened(self, link: Link) -> None:
        """Begin to answer."""
        self._link = link
        self._answering = asyncio.get_running_loop().create_task(self._answer_all(link))

    def received(self, message: Buffer) -> None:
        """Take a request."""
        try:
            self._waiting.put_nowait(REQUESTS.decode(message))
        except (Refusal, asyncio.QueueFull):
            if self._link is not None:
                self._link.close()

    def closed(self) -> None:
        """Stop: nobody hears the answers."""
        self._link = None
        if self._answering is not None:
            self._answering.cancel()

    async def _answer_all(self, link: Link) -> None:
        while True:
            request = await self._waiting.get()
            try:
                answer = await self._desk.answer(request)
            except Refusal as refusal:
                answer = Denied(refusal.number, str(refusal))
            except RepositoryError as error:
                answer = Denied(Refusal.number, str(error))
            link.send(ANSWERS.encode(answer))
