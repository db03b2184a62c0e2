"""Asks the coordinator, over a connection for the occasion."""

import asyncio
from collections import deque
from typing import Final

from keystead.core.ports import Buffer, Link, LinkHandler, Network
from keystead.core.protocols.coordination import (
    ANSWERS,
    REQUESTS,
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
from keystead.errors import FormatError, PeerUnavailable, Refusal

PATIENCE: Final = 30.0
"""Seconds that an asker waits for an installation; the installation itself goes on."""
_PAUSE: Final = 0.02


async def install(network: Network, address: str, submission: Install) -> int:
    """Return the version once the token is installed at every member, waiting for the coordinator to come up.

    Raises what the coordinator refuses with, and PeerUnavailable after PATIENCE. Asking again does no harm.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await _installed(network, address, submission)
                except PeerUnavailable:
                    await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise PeerUnavailable("the coordinator did not answer in time") from None


async def status(network: Network, address: str) -> Status:
    """Return how the domain is; raises PeerUnavailable if the coordinator does not listen or answer."""
    client = _Client()
    await network.connect(address, client)
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await client.ask(ReadStatus())
    except TimeoutError:
        raise PeerUnavailable("the coordinator did not answer in time") from None
    finally:
        client.close()
    if not isinstance(answer, Status):
        raise FormatError("the coordinator answered something else than its status")
    return answer


async def _installed(network: Network, address: str, submission: Install) -> int:
    client = _Client()
    await network.connect(address, client)
    try:
        accepted = await client.ask(submission)
        if not isinstance(accepted, Accepted):
            raise FormatError("the coordinator answered something else than that it accepted the token")
        installed = await client.ask(AwaitInstallation(accepted.version))
    finally:
        client.close()
    if not isinstance(installed, Installed):
        raise FormatError("the coordinator answered something else than what is installed")
    return installed.version


class _Client(LinkHandler):
    """One connection; answers come in the order of requests."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._answers: deque[asyncio.Future[Answer]] = deque()

    async def ask(self, request: Request) -> Answer:
        """Return the answer; raises what the coordinator refuses with, and PeerUnavailable if the connection ends."""
        if self._link is None:
            raise PeerUnavailable("the coordinator closed the connection")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._link.send(REQUESTS.encode(request))
        given = await answer
        if isinstance(given, Denied):
            raise given.error()
        return given

    def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            self._link.close()

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link

    def received(self, message: Buffer) -> None:
        """Hand the answer to the oldest request; what cannot be read ends the connection."""
        try:
            answer = ANSWERS.decode(message)
        except Refusal:
            self.close()
            return
        if self._answers:
            self._answers.popleft().set_result(answer)

    def closed(self) -> None:
        """Tell who still waits."""
        self._link = None
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(PeerUnavailable("the coordinator closed the connection"))
        self._answers.clear()
