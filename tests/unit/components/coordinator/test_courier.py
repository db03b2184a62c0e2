"""The courier believes nothing that a module says, and comes again with what the module still needs."""

import asyncio

import msgspec
import pytest

from keystead.components.coordinator.coordinator import Coordinator
from keystead.components.coordinator.courier import CALL_DEADLINE, Courier
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.core.domain.ledger import Ledger
from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.module_session.messages import (
    GREETING_CALL,
    Answer,
    Greeting,
    Ingested,
    Promised,
    Signed,
    decode_call,
    encode_reply,
)
from keystead.errors import FormatError, PromiseMissing
from keystead.identifiers import DomainId
from keystead.transport.module_connection import ModuleConnection
from tests.simulators.coordination import CoordinationWorld, Steps, in_coordination
from tests.simulators.world import SimProcess


class ScriptedModule(LinkHandler):
    """A module that greets and answers as it is told."""

    def __init__(self, greeting: Greeting, answer: Answer | None) -> None:
        self.greeting = greeting
        self.answer = answer
        self.calls: list[object] = []

    def opened(self, link: Link) -> None:
        """Greet."""
        self.link = link
        link.send(encode_reply(GREETING_CALL, self.greeting))

    def received(self, message: Buffer) -> None:
        """Answer."""
        call = decode_call(bytes(message))
        self.calls.append(call.request)
        if self.answer is not None:
            self.link.send(encode_reply(call.number, self.answer))

    def closed(self) -> None:
        """End."""


async def trouble_with(world: CoordinationWorld, answer: Answer | None, seconds: float = 1, **said: object) -> str:
    """Return what status says of module-2 when it greets and answers so, while a token is in flight."""
    world.modules["module-2"].kill()
    true = world.hosts[1].module.greeting()
    impostor = SimProcess("module-2", world.loop)
    scripted = ScriptedModule(msgspec.structs.replace(true, **said), answer)

    async def listen() -> None:
        await world.network.of(impostor).listen("module-2", lambda: scripted)

    await impostor.start(listen())
    await world.start_coordinator()
    asking = asyncio.ensure_future(world.install(world.request()))
    await asyncio.sleep(seconds)
    asking.cancel()
    assert world.versions[0] == 0
    (trouble,) = [one.trouble for one in (await world.status()).modules if one.name == "module-2"]
    return trouble


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (Signed(b"signature"), "something else than it was asked"),
        (Promised(b"no promise"), "not a keystead promise"),
    ],
    ids=["an answer of another kind", "no promise"],
)
def test_a_wrong_answer_is_no_promise(answer: Answer, trouble: str) -> None:
    """What is not this member's promise of this token keeps the token from being installed."""

    async def story(world: CoordinationWorld) -> None:
        assert trouble in await trouble_with(world, answer)

    in_coordination(story)


def test_the_promise_of_another_member_is_not_taken() -> None:
    """A module that answers with what another has signed is found out."""

    async def story(world: CoordinationWorld) -> None:
        world.modules["module-2"].kill()
        promise = world.hosts[0].module.installed.promise(world.request().token, None, world.domain.clock.now())
        assert "promise of another" in await trouble_with(world, Promised(promise))

    in_coordination(story)


def test_a_module_that_claims_a_version_is_not_believed_to_have_the_token() -> None:
    """Ingested with a hash of its own leads nowhere."""

    async def story(world: CoordinationWorld) -> None:
        assert "do not lead" in await trouble_with(world, Ingested(1, bytes(32), b""))

    in_coordination(story)


def test_a_module_of_another_domain_is_left_alone() -> None:
    """It is sent nothing."""

    async def story(world: CoordinationWorld) -> None:
        assert "another domain" in await trouble_with(world, None, domain=DomainId(bytes(32)))

    in_coordination(story)


def test_a_module_that_does_not_answer_is_given_up_and_tried_again() -> None:
    """After the deadline a new connection is made; what hangs there is visible."""

    async def story(world: CoordinationWorld) -> None:
        assert "does not answer" in await trouble_with(world, None, seconds=CALL_DEADLINE + 1)

    in_coordination(story)


def test_a_blank_module_is_sent_the_genesis_and_all_that_followed() -> None:
    """A member that lost everything but its identity follows from the beginning."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request())
        await world.install(world.request())
        world.modules["module-2"].kill()
        host = world.hosts[1]
        safe = wake(FileRootSlot(host.disk, host.randomness), host.disk, host.randomness)
        safe.position = None
        safe.found()
        await world.start_module(1)
        assert world.versions == [2, None]
        await world.until(lambda: world.versions == [2, 2])
        first, second = (host.module.installed.current for host in world.hosts)
        assert first.hash == second.hash
        assert first.keys.keys() == second.keys.keys()

    in_coordination(story)


def test_frames_and_promises_that_nobody_asked_for_are_refused() -> None:
    """A courier sends no frames, and nothing can be promised while nothing is in flight."""

    async def story(world: CoordinationWorld) -> None:
        process = SimProcess("coordinator", world.loop)
        steps = Steps(world, process)
        ledger = Ledger(world.domain.genesis, world.state.domain_id)
        coordinator = Coordinator(ledger, steps, steps, world.published.__setitem__, world.domain.clock, world.report)
        node = world.network.of(process)
        courier = Courier(coordinator, node, "module-1", world.domain.clock, world.domain.randomness, world.report)
        with pytest.raises(FormatError):
            courier.responded(ModuleConnection(courier), bytearray())
        with pytest.raises(PromiseMissing):
            await coordinator.promised(world.hosts[0].module.identity.id, b"promise")

    in_coordination(story)
