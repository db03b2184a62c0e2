"""One connection: what happens to it in an order that a fleet seldom meets."""

import asyncio

import pytest

from keystead.core.domain.state import SlotKind
from keystead.core.ports import Buffer, Link
from keystead.core.protocols.module_session.messages import GREETING_CALL, Identify, Identity, encode_reply
from keystead.errors import PeerUnavailable
from keystead.transport.module_connection import ModuleConnection
from tests.simulators.loop import simulate
from tests.simulators.session_modules import SessionDomain
from tests.simulators.world import SeededRandomness
from tests.unit.core.protocols.module_session.peers import SetClock

DOMAIN = SessionDomain(1, SetClock(), SeededRandomness(1, "domain"))


class FakeLink(Link):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, message: Buffer) -> None:
        """Keep it."""
        self.sent.append(bytes(message))

    def close(self) -> None:
        """Note it."""
        self.closed = True


class Ear:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.ends = 0

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Nothing is asked here."""

    def ended(self, connection: ModuleConnection) -> None:
        """Count."""
        self.ends += 1


def greeted() -> tuple[ModuleConnection, FakeLink, Ear]:
    """Return a connection that a module greeted."""
    ear, link = Ear(), FakeLink()
    connection = ModuleConnection(ear)
    connection.opened(link)
    connection.received(encode_reply(GREETING_CALL, DOMAIN.module(0, SeededRandomness(1, "module")).greeting()))
    return connection, link, ear


def test_a_connection_that_was_given_up_is_closed_when_it_opens() -> None:
    """Whoever gave up waiting for the connection leaves none behind."""

    async def story() -> None:
        connection, link = ModuleConnection(Ear()), FakeLink()
        connection.close()
        connection.opened(link)
        assert link.closed

    simulate(story)


def test_the_end_is_told_once() -> None:
    """Closing, and then hearing that the link closed, is one end; nothing is heard after it."""

    async def story() -> None:
        connection, _, ear = greeted()
        assert connection.live
        connection.close()
        connection.closed()
        connection.received(b"\x00anything")
        assert ear.ends == 1
        assert [connection.live, connection.idle, connection.attached] == [False, False, False]

    simulate(story)


def test_nothing_is_asked_on_a_closed_connection() -> None:
    """Calls and attaches fail with PeerUnavailable."""

    async def story() -> None:
        connection, _, _ = greeted()
        connection.close()
        with pytest.raises(PeerUnavailable):
            await connection.call(Identify())

    simulate(story)


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    """A call that was cancelled keeps its place: the next answer goes to the next call."""

    async def story() -> None:
        connection, link, _ = greeted()
        first, second = (asyncio.ensure_future(connection.call(Identify())) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0.1)
        for number, name in ((1, "first"), (2, "second")):
            connection.received(encode_reply(number, Identity(bytes(32), b"", b"", SlotKind.FILE, name)))
        answer = await second
        assert isinstance(answer, Identity)
        assert answer.fingerprint == "second"
        assert not link.closed

    simulate(story)


def test_a_draining_connection_closes_after_its_last_answer() -> None:
    """What is under way is waited for, then the link is closed."""

    async def story() -> None:
        connection, link, _ = greeted()
        call = asyncio.ensure_future(connection.call(Identify()))
        await asyncio.sleep(0.1)
        connection.drain()
        assert not link.closed
        connection.received(encode_reply(1, Identity(bytes(32), b"", b"", SlotKind.FILE, "")))
        assert link.closed
        await call

    simulate(story)


def test_a_greeting_that_comes_too_late_harms_nothing() -> None:
    """Who waited for the greeting gave up; it comes all the same, before the connection is closed."""

    async def story() -> None:
        connection, link = ModuleConnection(Ear()), FakeLink()
        connection.opened(link)
        connection.greeting.cancel()
        connection.received(encode_reply(GREETING_CALL, DOMAIN.module(0, SeededRandomness(1, "module")).greeting()))
        connection.close()
        assert link.closed

    simulate(story)
