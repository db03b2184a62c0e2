"""Asks the coordinator: for the installation of a token, how the domain is, and for rotations."""

import asyncio
from typing import Final, Self

from keystead.core.ports import Buffer, Link, LinkHandler, Network
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
    ReadStatus,
    Request,
    Status,
)
from keystead.core.protocols.rotation import OrderRotation, ReadRotation, RotationStatus
from keystead.errors import FormatError, PeerUnavailable, Refusal

DEADLINE: Final = 5.0
"""Seconds in which the coordinator must answer what it need not wait for."""
_PAUSE: Final = 0.02


async def install(network: Network, address: str, request: Install) -> Installed:
    """Return when every member has the token, or one after it; who gives up waiting stops nothing.

    Waits some seconds for a coordinator that is only starting. Raises what the coordinator refuses with, and
    PeerUnavailable, after which it may be asked again.
    """
    async with _Conversation() as conversation:
        await conversation.begin_patiently(network, address)
        accepted = await conversation.ask(request, DEADLINE)
        if not isinstance(accepted, Accepted):
            raise FormatError("the coordinator answered something else than it was asked")
        installed = await conversation.ask(AwaitInstallation(accepted.version), None)
        if not isinstance(installed, Installed):
            raise FormatError("the coordinator answered something else than it was asked")
        return installed


async def abandon(network: Network, address: str, approved: bytes) -> int:
    """Return the version that is given up from now on; raises what the coordinator refuses with, PeerUnavailable."""
    async with _Conversation() as conversation:
        await conversation.begin(network, address)
        answer = await conversation.ask(AbandonInstallation(approved), DEADLINE)
        if not isinstance(answer, Accepted):
            raise FormatError("the coordinator answered something else than it was asked")
        return answer.version


async def status(network: Network, address: str) -> Status:
    """Return how the domain is; raises PeerUnavailable."""
    async with _Conversation() as conversation:
        await conversation.begin(network, address)
        answer = await conversation.ask(ReadStatus(), DEADLINE)
        if not isinstance(answer, Status):
            raise FormatError("the coordinator answered something else than it was asked")
        return answer


async def rotation(network: Network, address: str) -> RotationStatus:
    """Return how the last rotation of domain keys is; raises PeerUnavailable, RotationDenied."""
    return await _about_rotation(network, address, ReadRotation())


async def order_rotation(network: Network, address: str, order: OrderRotation) -> RotationStatus:
    """Return how the rotation is once the order is obeyed; raises what the coordinator refuses with, PeerUnavailable.

    An order whose answer was lost may have been obeyed: the status tells.
    """
    return await _about_rotation(network, address, order)


async def _about_rotation(network: Network, address: str, request: OrderRotation | ReadRotation) -> RotationStatus:
    async with _Conversation() as conversation:
        await conversation.begin_patiently(network, address)
        answer = await conversation.ask(request, DEADLINE)
        if not isinstance(answer, RotationStatus):
            raise FormatError("the coordinator answered something else than it was asked")
        return answer


class _Conversation(LinkHandler):
    """One question at a time over one connection."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._link is not None:
            self._link.close()
        self._answer.cancel()

    async def begin(self, network: Network, address: str) -> None:
        """Connect; raises PeerUnavailable."""
        await network.connect(address, self)

    async def begin_patiently(self, network: Network, address: str) -> None:
        """Connect, as soon as somebody listens; raises PeerUnavailable after DEADLINE."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            try:
                return await self.begin(network, address)
            except PeerUnavailable:
                if loop.time() - begun > DEADLINE:
                    raise
            await asyncio.sleep(_PAUSE)

    async def ask(self, request: Request, deadline: float | None) -> Answer:
        """Return the answer; raises what the coordinator refuses with, and PeerUnavailable."""
        if self._link is None:
            raise PeerUnavailable("the coordinator closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._link.send(REQUESTS.encode(request))
        try:
            async with asyncio.timeout(deadline):
                answer = await self._answer
        except TimeoutError:
            raise PeerUnavailable("the coordinator does not answer") from None
        if isinstance(answer, Denied):
            raise answer.error()
        return answer

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link

    def received(self, message: Buffer) -> None:
        """Take the answer."""
        if self._answer.done():
            return
        try:
            self._answer.set_result(ANSWERS.decode(message))
        except Refusal as refusal:
            self._answer.set_exception(refusal)

    def closed(self) -> None:
        """Tell who waits that there will be no answer."""
        self._link = None
        if not self._answer.done():
            self._answer.set_exception(PeerUnavailable("the coordinator closed the connection"))
            self._answer.exception()  # who still waits hears it; if nobody does, that is no error
