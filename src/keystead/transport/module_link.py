"""A lasting link to one module: connects, attaches the current session, and does both again whenever it must."""

import asyncio
from typing import Final, Protocol

from keystead.core.ports import Network, Randomness
from keystead.core.protocols.module_session.fields import NONCE_SIZE
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.module_session.messages import Answer, Greeting, Request
from keystead.errors import NotAMember, PeerUnavailable, Refusal, WrongDomain
from keystead.identifiers import DomainId
from keystead.transport.backoff import Backoff
from keystead.transport.module_connection import ModuleConnection

PATIENCE: Final = 1.0
"""Seconds in which a module must greet and attach."""
STABLE: Final = 1.0
"""Seconds after which a connection counts as a success, so that the next loss is retried soon."""
CALL_DEADLINE: Final = 5.0
"""Seconds in which a call must be answered."""


class LinkOwner(Protocol):
    """Who uses a link for frames; called on the event loop."""

    @property
    def domain(self) -> DomainId:
        """The only domain whose modules are of use."""

    @property
    def current_session(self) -> Session | None:
        """The session that new connections attach; None until there is one."""

    def usable(self) -> None:
        """Learn that the link was connected."""

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Take a response; a Refusal that is raised closes the connection."""

    def lost(self, connection: ModuleConnection) -> None:
        """Take back what was under way."""

    def session_refused(self, session: Session) -> None:
        """Learn that a module does not take this session."""


class ModuleLink:
    """Keeps one connection to one module. Without an owner it serves calls alone, to blank modules too."""

    def __init__(self, network: Network, address: str, randomness: Randomness, owner: LinkOwner | None = None) -> None:
        """Prepare; nothing is connected before ``run``."""
        self.address = address
        self._network = network
        self._randomness = randomness
        self._owner = owner
        self._backoff = Backoff(randomness)
        self._current: ModuleConnection | None = None
        self._wanted = asyncio.Event()
        self._connected = asyncio.Event()

    @property
    def connection(self) -> ModuleConnection | None:
        """The connection of the moment."""
        return self._current

    @property
    def greeting(self) -> Greeting | None:
        """What the module greeted with on the connection of the moment."""
        return None if self._current is None else self._current.greeting.result()

    async def run(self) -> None:
        """Keep the link connected until cancelled."""
        loop = asyncio.get_running_loop()
        self._wanted.set()
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                begun = loop.time()
                if await self._renewed():
                    await self._wanted.wait()
                    if self._current is not None or loop.time() - begun >= STABLE:
                        self._backoff.reset()
                        continue
                self._wanted.set()
                await asyncio.sleep(self._backoff.next())
        finally:
            if self._current is not None:
                self._current.close()

    def renew(self) -> None:
        """Make a new connection for the new session; the old one is used until then, and drained after."""
        self._wanted.set()

    def leave(self) -> None:
        """Let the connection go when what is under way has returned; ``run`` is to be cancelled at once."""
        old, self._current = self._current, None
        self._connected.clear()
        if old is not None:
            old.drain()

    async def control(self, request: Request) -> Answer:
        """Return the module's answer, waiting for a connection if there is none.

        Raises what the module refuses with, or PeerUnavailable if it does not answer within CALL_DEADLINE. An answer
        that was lost is not asked for again: the module may have done what it was asked.
        """
        try:
            async with asyncio.timeout(CALL_DEADLINE):
                while self._current is None:
                    await self._connected.wait()
                return await self._current.call(request)
        except TimeoutError:
            raise PeerUnavailable(f"the module at {self.address} does not answer") from None

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Hand a response to the owner."""
        if self._owner is not None:
            self._owner.responded(connection, content)

    def ended(self, connection: ModuleConnection) -> None:
        """Hand back what was under way, and connect again."""
        if connection is self._current:
            self._current = None
            self._connected.clear()
            self._wanted.set()
        if self._owner is not None:
            self._owner.lost(connection)

    async def _renewed(self) -> bool:
        """Return whether a new connection could be made, and took the place of the old one."""
        fresh = ModuleConnection(self)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._network.connect(self.address, fresh)
                await self._prepared(fresh)
        except (PeerUnavailable, Refusal, TimeoutError):
            fresh.close()
            return False
        except BaseException:
            fresh.close()
            raise
        if not fresh.live:
            return False
        old, self._current = self._current, fresh
        self._connected.set()
        if old is not None:
            old.drain()
        if self._owner is not None:
            self._owner.usable()
        return True

    async def _prepared(self, connection: ModuleConnection) -> None:
        greeting = await connection.greeting
        if self._owner is None:
            return
        if greeting.domain != self._owner.domain:
            raise WrongDomain("the module is blank, or serves another domain")
        session = self._owner.current_session
        if session is None:
            return
        try:
            await connection.attach(session, self._randomness.token(NONCE_SIZE))
        except NotAMember:
            raise  # no session would do
        except Refusal:
            self._owner.session_refused(session)
            raise
