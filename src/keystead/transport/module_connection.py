"""One connection to a module: calls that are answered in order, and one frame at a time."""

import asyncio
from collections import deque
from typing import Any, Protocol

from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.module_session.messages import Answer, Greeting, Refused, Request
from keystead.core.protocols.module_session.operator_connection import (
    Answered,
    FrameRefused,
    Greeted,
    OperatorConnection,
    State,
)
from keystead.errors import PeerUnavailable, Refusal
from keystead.primitives.secret import wipe


class Ear(Protocol):
    """Who is told what happens on a connection; called on the event loop."""

    def responded(self, connection: "ModuleConnection", content: bytearray) -> None:
        """Take the response to the frame under way; wiped afterwards. Raising a Refusal closes the connection."""

    def ended(self, connection: "ModuleConnection") -> None:
        """Learn, once, that the connection is of no use any more; ``under_way`` was not answered."""


class ModuleConnection(LinkHandler):
    """Joins the protocol's state machine to a link. Every field is owned by the event loop it was made on."""

    def __init__(self, ear: Ear) -> None:
        """Take who is told."""
        self.under_way: list[Any] = []
        """What the ear asked with the frame under way; whatever it puts there, empty is idle."""
        self.sent_at = 0.0
        """Loop time at which the frame under way left."""
        self.greeting: asyncio.Future[Greeting] = asyncio.get_running_loop().create_future()
        self.why_ended: Refusal | PeerUnavailable = PeerUnavailable("the module closed the connection")
        self._ear = ear
        self._protocol = OperatorConnection()
        self._answers: deque[asyncio.Future[Answer]] = deque()
        self._link: Link | None = None
        self._draining = False

    @property
    def live(self) -> bool:
        """Whether calls may be made."""
        return self._link is not None and self._protocol.state not in {State.CONNECTING, State.CLOSED}

    @property
    def attached(self) -> bool:
        """Whether frames may be sent, now or when the one under way has returned."""
        return self._protocol.state is State.ATTACHED

    @property
    def idle(self) -> bool:
        """Whether a frame may leave now."""
        return not (self.under_way or self._draining) and self._protocol.state is State.ATTACHED

    async def call(self, request: Request) -> Answer:
        """Return the module's answer; raises what it refuses with, and PeerUnavailable if the connection ends."""
        if self._link is None:
            raise PeerUnavailable("the connection to the module is closed")
        return await self._answer_to(self._protocol.call(request))

    async def attach(self, session: Session, client_nonce: bytes) -> None:
        """Use the session on this connection; raises what the module refuses with, and PeerUnavailable."""
        if self._link is None:
            raise PeerUnavailable("the connection to the module is closed")
        await self._answer_to(self._protocol.attach(session, client_nonce))

    def ask(self, batch: list[Any], content: Buffer, now: float) -> None:
        """Send the frame that carries this batch; only when idle."""
        self.under_way = batch
        self.sent_at = now
        try:
            frame = self._protocol.seal(content)
        except Refusal as refusal:
            self.close(refusal)
            return
        if self._link is not None:
            self._link.send(frame)

    def drain(self) -> None:
        """Take no further frame, and close when what is under way has returned."""
        self._draining = True
        self._close_if_drained()

    def close(self, why: Refusal | PeerUnavailable | None = None) -> None:
        """End now; what is under way goes back to the ear."""
        link, self._link = self._link, None
        if self._protocol.state is State.CLOSED:
            return
        self._protocol.end()
        if why is not None:
            self.why_ended = why
        _break(self.greeting, self.why_ended)
        for answer in self._answers:
            _break(answer, self.why_ended)
        self._answers.clear()
        if link is not None:
            link.close()
        self._ear.ended(self)

    def opened(self, link: Link) -> None:
        """Take the link."""
        if self._protocol.state is State.CLOSED:
            link.close()
        else:
            self._link = link

    def received(self, message: Buffer) -> None:
        """Do what the message says; close if it is not what the protocol has here."""
        if self._link is None:
            return
        try:
            self._hear(message)
        except Refusal as refusal:
            self.close(refusal)

    def closed(self) -> None:
        """End."""
        self.close()

    def _hear(self, message: Buffer) -> None:
        heard = self._protocol.receive(message)
        if isinstance(heard, Greeted):
            if not self.greeting.done():  # who waited for it may have given up
                self.greeting.set_result(heard.greeting)
        elif isinstance(heard, Answered):
            self._answered(heard.answer)
        elif isinstance(heard, FrameRefused):
            raise heard.refusal.error()
        else:
            try:
                self._ear.responded(self, heard.content)
            finally:
                wipe(heard.content)
        self._close_if_drained()

    def _answered(self, answer: Answer) -> None:
        waiting = self._answers.popleft()
        if waiting.done():
            return
        if isinstance(answer, Refused):
            waiting.set_exception(answer.error())
        else:
            waiting.set_result(answer)

    async def _answer_to(self, message: bytes) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        if self._link is not None:
            self._link.send(message)
        return await answer

    def _close_if_drained(self) -> None:
        if self._draining and not self.under_way and not self._answers:
            self.close()


def _break(waiting: asyncio.Future[Any], why: Exception) -> None:
    if not waiting.done():
        waiting.set_exception(why)
        waiting.exception()  # who still waits hears it; if nobody does, that is no error
