"""The way of the coordinator to the modules, in its own session: one frame at a time to each, answered or given up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from keystead.core.ports import Clock, Network, Randomness
from keystead.core.protocols.module_session.handshake import Session
from keystead.errors import NotAMember, PeerUnavailable
from keystead.identifiers import DomainId
from keystead.transport.module_connection import ModuleConnection
from keystead.transport.module_link import ModuleLink
from keystead.transport.module_links import ModuleLinks
from keystead.transport.session_keeper import DomainView, OperatorIdentity, SessionKeeper

UNANSWERED: Final = 5.0
"""Seconds after which a frame is asked of another module."""
ATTEMPTS: Final = 3
"""How often a frame is asked: one that brings modules down must not bring down many."""


class Carriage:
    """The modules of a domain, for the coordinator. Every field is owned by the event loop that ``run`` runs on."""

    def __init__(
        self,
        network: Network,
        addresses: Sequence[str],
        identity: OperatorIdentity,
        view: DomainView,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Prepare; nothing is connected before ``run``."""
        self._links = ModuleLinks(lambda address: ModuleLink(network, address, randomness, self), addresses)
        self._view = view
        self._keeper = SessionKeeper(identity, view, clock, randomness, self._renew_links)
        self._turn = 0
        self._freed = asyncio.Event()

    @property
    def links(self) -> Sequence[ModuleLink]:
        """The links of the moment."""
        return self._links.now

    @property
    def domain(self) -> DomainId:
        """The domain whose modules are asked."""
        return self._view.domain

    @property
    def current_session(self) -> Session | None:
        """The session of the moment, if there is one."""
        return self._keeper.session

    async def run(self) -> None:
        """Keep the links and the session until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._links.run())
            tasks.create_task(self._keeper.run(self._links))

    def use(self, addresses: Sequence[str]) -> None:
        """Ask the modules at these addresses from now on. One that is left out still answers what it was asked."""
        self._links.use(addresses)

    async def exchange(self, content: bytes) -> bytes:
        """Return the answer of any module to a frame's content; waits until one can be asked.

        Raises what a module refuses the frame with, and PeerUnavailable if it was asked ATTEMPTS times in vain.
        """
        failure: NotAMember | PeerUnavailable = PeerUnavailable("no module was asked")
        for _ in range(ATTEMPTS):
            connection = await self._idle(lambda: self.links)
            try:
                return await _asked(connection, content)
            except (NotAMember, PeerUnavailable) as error:
                failure = error
        raise failure

    async def exchange_with(self, link: ModuleLink, content: bytes) -> bytes:
        """Return the answer of the module of one link, once it is not busy; raises what ``exchange`` raises."""
        if not _is_attached(link.connection):
            raise PeerUnavailable("the module cannot be asked now")
        async with asyncio.timeout(UNANSWERED):
            connection = await self._idle(lambda: (link,))
        return await _asked(connection, content)

    def usable(self) -> None:
        """Use a link that was connected."""
        self._freed.set()

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Hand the answer to who asked."""
        (answer,), connection.under_way = connection.under_way, []
        self._freed.set()
        if not answer.done():
            answer.set_result(bytes(content))

    def lost(self, connection: ModuleConnection) -> None:
        """Tell who asked that there will be no answer."""
        asked, connection.under_way = connection.under_way, []
        for answer in asked:
            if not answer.done():
                answer.set_exception(connection.why_ended)

    def session_refused(self, session: Session) -> None:
        """Negotiate another session, unless this one serves elsewhere and is new."""
        self._keeper.discard(session, in_use=any(_is_attached(link.connection) for link in self._links))

    def _renew_links(self) -> None:
        for link in self._links:
            link.renew()

    async def _idle(self, links_now: Callable[[], Sequence[ModuleLink]]) -> ModuleConnection:
        """Return a connection that can be asked at once; modules take turns."""
        while True:
            links = links_now()
            for _ in links:
                self._turn += 1
                connection = links[self._turn % len(links)].connection
                if connection is not None and connection.idle:
                    return connection
            self._freed.clear()
            await self._freed.wait()


def _is_attached(connection: ModuleConnection | None) -> bool:
    return connection is not None and connection.attached


async def _asked(connection: ModuleConnection, content: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    connection.ask([answer], content, loop.time())
    try:
        async with asyncio.timeout(UNANSWERED):
            return await answer
    except TimeoutError:
        connection.close(PeerUnavailable("the module did not answer in time"))
        raise PeerUnavailable("the module did not answer in time") from None
