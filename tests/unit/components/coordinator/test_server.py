"""Operators are answered in order; whoever does not speak the protocol is closed."""

import asyncio

import pytest

from keystead.components.coordinator.server import MOST_WAITING
from keystead.core.domain.token_repository import Submission
from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.coordination import ANSWERS, REQUESTS, AwaitInstallation, Install, ReadStatus
from keystead.errors import PeerUnavailable, Refusal, RepositoryUnavailable
from keystead.transport.coordinator_client import DEADLINE, install, status
from tests.simulators.coordination import CoordinationWorld, in_coordination
from tests.simulators.world import SimProcess


class Listening(LinkHandler):
    """One who only listens."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended = False

    def opened(self, link: Link) -> None:
        """Begin."""

    def received(self, message: Buffer) -> None:
        """Keep."""
        self.heard.append(bytes(message))

    def closed(self) -> None:
        """End."""
        self.ended = True


class Scripted(Listening):
    """One who answers everything with the same bytes, or with nothing, or closes."""

    def __init__(self, answer: bytes | None, *, closes: bool = False) -> None:
        super().__init__()
        self.answer = answer
        self.closes = closes

    def opened(self, link: Link) -> None:
        """Take the link."""
        self.link = link

    def received(self, message: Buffer) -> None:
        """Answer."""
        if self.answer is not None:
            self.link.send(self.answer)
        if self.closes:
            self.link.close()


async def connected(world: CoordinationWorld) -> tuple[Link, Listening]:
    """Connect to the coordinator."""
    handler = Listening()
    return await world.network.of(world.operator).connect("coordinator", handler), handler


@pytest.mark.parametrize("message", [b"", b"garbage", REQUESTS.encode(ReadStatus()) + b"\x00"])
def test_what_is_no_request_closes_the_connection(message: bytes) -> None:
    """Nothing is answered, and others are served."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        link, handler = await connected(world)
        link.send(message)
        link.send(message)
        await world.until(lambda: handler.ended)
        assert handler.heard == []
        assert (await world.status()).version == 0

    in_coordination(story)


def test_who_asks_too_much_at_once_is_closed() -> None:
    """Requests wait for their turn up to a limit."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        link, handler = await connected(world)
        for _ in range(MOST_WAITING + 2):
            link.send(REQUESTS.encode(AwaitInstallation(7)))
        await world.until(lambda: handler.ended)

    in_coordination(story)


def test_a_repository_that_cannot_be_reached_is_told() -> None:
    """The request is denied and may be repeated; nothing was changed."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        request = world.request()
        works = world.tokens.record

        async def fails(submission: Submission) -> None:
            raise RepositoryUnavailable("the database failed (SQLITE_FULL)")

        world.tokens.record = fails  # type: ignore[method-assign]
        with pytest.raises(Refusal, match="SQLITE_FULL"):
            await world.install(request)
        world.tokens.record = works  # type: ignore[method-assign]
        assert (await world.install(request)).version == 1

    in_coordination(story)


async def scripted(world: CoordinationWorld, answer: bytes | None, *, closes: bool = False) -> None:
    """Let somebody else sit at the coordinator's address."""
    process = SimProcess("impostor", world.loop)

    async def listen() -> None:
        await world.network.of(process).listen("coordinator", lambda: Scripted(answer, closes=closes))

    await process.start(listen())


REQUEST = Install(b"token", b"o" * 16, b"signature")  # type: ignore[arg-type]
ANSWERS_TO_NOTHING = {
    "no answer": (None, PeerUnavailable),
    "garbage": (b"garbage", Refusal),
    "an answer to another request": (ANSWERS.encode(ANSWERS.decode(bytes.fromhex("930201c420" + "00" * 32))), Refusal),
}


@pytest.mark.parametrize("name", ANSWERS_TO_NOTHING)
def test_a_client_takes_no_answer_but_that_to_its_question(name: str) -> None:
    """Silence, garbage and answers to something else are errors, in time."""
    answer, error = ANSWERS_TO_NOTHING[name]

    async def story(world: CoordinationWorld) -> None:
        await scripted(world, answer)
        begun = world.loop.time()
        for ask in (status, lambda network, address: install(network, address, REQUEST)):
            with pytest.raises(error):
                await ask(world.network.of(world.operator), "coordinator")
        assert world.loop.time() - begun < 2 * DEADLINE + 1

    in_coordination(story)


def test_a_client_hears_that_the_coordinator_is_gone() -> None:
    """A closed connection is an error at once, before and after an answer."""

    async def story(world: CoordinationWorld) -> None:
        network = world.network.of(world.operator)
        with pytest.raises(PeerUnavailable):
            await status(network, "coordinator")
        await scripted(world, None, closes=True)
        with pytest.raises(PeerUnavailable):
            await status(network, "coordinator")

    in_coordination(story)


def test_a_client_waits_for_a_coordinator_that_starts() -> None:
    """A token may be handed in before anybody listens; for ever nobody waits."""

    async def story(world: CoordinationWorld) -> None:
        request = world.request()
        asking = asyncio.ensure_future(world.install(request))
        await asyncio.sleep(1)
        await world.start_coordinator()
        assert (await asking).version == 1
        with pytest.raises(PeerUnavailable):
            await install(world.network.of(world.operator), "nowhere", request)

    in_coordination(story)
