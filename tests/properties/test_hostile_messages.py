"""Whatever bytes come over a link between Keystead's own processes: a typed refusal, or the link is closed."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from keystead.components.authentication_service.judge import Judge, Voucher
from keystead.components.authentication_service.server import FrontEndConnection
from keystead.components.coordinator.server import OperatorConnection
from keystead.core.domain.state import Operator, Permission
from keystead.core.ports import Buffer, LinkHandler
from keystead.core.protocols.authentication import (
    Batch,
    Challenge,
    Introduction,
    Request,
    Verdicts,
    decode_at_front_end,
    decode_at_service,
    encode,
)
from keystead.core.protocols.coordination import ANSWERS, REQUESTS
from keystead.core.protocols.proof import Prover
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.errors import FormatError
from keystead.identifiers import OperatorId, Region
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey
from keystead.transport.authentication_link import AuthenticationLink
from keystead.transport.unix import LIMIT, UnixLink
from tests.simulators.loop import simulate
from tests.simulators.network import SimNetwork
from tests.simulators.world import SeededRandomness, SimProcess

T = TypeVar("T")
KEY = OperatorKey.generate(SeededRandomness(1, "front end"), "front end")
FRONT_END = Operator.of("front-end", KEY.public, frozenset({Permission.SERVE}))

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=64) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
packed = st.lists(values, max_size=5).map(msgpack.encode)
kinds = st.tuples(st.integers(0, 5) | st.sampled_from(["y", "n"]), st.lists(values, max_size=4))
messages = st.binary(max_size=200) | packed | kinds.map(lambda kind: msgpack.encode([kind[0], *kind[1]]))
"""Bytes, MessagePack of anything, and MessagePack that begins as a message does."""

signed = st.builds(
    SignedRequest,
    st.sampled_from(["POST", "GET"]) | st.text(max_size=8),
    st.text(max_size=20),
    st.text(max_size=20),
    st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"host", b"x-amz-date", b"x-amz-target"]) | st.binary(max_size=12),
            st.binary(max_size=60)
            | st.sampled_from(
                [
                    b"AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/kms/aws4_request,SignedHeaders=a,Signature=0",
                    b"20260101T000000Z",
                ]
            ),
        ),
        max_size=6,
    ).map(tuple),
    st.binary(max_size=40),
)
requests = st.builds(Request, signed, st.text(max_size=20), st.booleans())


class Ends:
    """The link that a handler is given: what was sent on it, and whether it was closed."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, message: Buffer) -> None:
        """Keep the message."""
        self.sent.append(bytes(message))

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def in_virtual_time(story: Callable[[], Any]) -> None:
    """Run something that needs an event loop."""

    async def told() -> None:
        story()
        await asyncio.sleep(0)

    simulate(told)


def judged_connection(*, introduced: bool) -> tuple[FrontEndConnection, Ends]:
    """Return a connection of the authentication service, with a front end that has introduced itself or not."""
    dice = SeededRandomness(1, "service")
    judge = Judge(SimpleNamespace(find=lambda _: None), frozenset({Region("us-east-1")}), dice)
    vouching = SimpleNamespace(voucher=lambda: Voucher(Prover(bytes(32)), b"token"))
    state: Any = SimpleNamespace(operator=lambda one: FRONT_END if one == FRONT_END.id else None)
    clock: Any = SimpleNamespace(now=lambda: 1_767_225_600_000)
    connection = FrontEndConnection(judge, vouching, lambda: state, clock, dice)
    link = Ends()
    connection.opened(link)
    if introduced:
        challenge = decode_at_front_end(link.sent[0])
        assert isinstance(challenge, Challenge)
        signature = KEY.sign_handshake(Label.AUTHENTICATION_CHALLENGE, challenge.nonce)
        connection.received(encode(Introduction(FRONT_END.id, signature)))
    return connection, link


@pytest.mark.parametrize("decode", [decode_at_service, decode_at_front_end, REQUESTS.decode, ANSWERS.decode])
@given(message=messages)
def test_a_decoder_returns_or_refuses(decode: Callable[[bytes], object], message: bytes) -> None:
    """Any bytes are a message, or no message; nothing else comes out."""
    try:
        decode(message)
    except FormatError:
        return


@given(st.lists(messages, max_size=4), st.booleans())
def test_front_ends_that_send_anything(sent: list[bytes], introduced: bool) -> None:  # noqa: FBT001 -- drawn
    """The authentication service answers, or closes the link."""
    connection, link = judged_connection(introduced=introduced)
    for message in sent:
        connection.received(message)
    assert link.closed or len(link.sent) <= 1 + len(sent)


@given(st.lists(requests, max_size=4))
def test_front_ends_that_ask_anything(asked: list[Request]) -> None:
    """Each request of a batch has its own verdict, whatever it holds."""
    connection, link = judged_connection(introduced=True)
    connection.received(encode(Batch(7, tuple(asked))))
    verdicts = decode_at_front_end(link.sent[-1])
    assert isinstance(verdicts, Verdicts)
    assert len(verdicts.verdicts) == len(asked)
    assert not link.closed


@given(st.binary(max_size=20) | st.just(bytes(FRONT_END.id)), st.binary(max_size=70))
def test_who_introduces_himself_as_anyone(operator: bytes, signature: bytes) -> None:
    """Without the operator's signature over the challenge the link is closed."""
    connection, link = judged_connection(introduced=False)
    connection.received(encode(Introduction(OperatorId(operator), signature)))
    assert link.closed


@given(st.lists(messages, max_size=4))
def test_an_authentication_service_that_sends_anything(sent: list[bytes]) -> None:
    """A front end closes the link to a service that sends what it was not asked, and asks again elsewhere."""

    async def story() -> None:
        loop: Any = asyncio.get_running_loop()
        network = SimNetwork(loop, 1)
        service, front_end = SimProcess("service", loop), SimProcess("front-end", loop)

        class Speaker(LinkHandler):
            def opened(self, link: Any) -> None:
                for message in sent:
                    link.send(message)

            def received(self, message: Buffer) -> None:
                pass

            def closed(self) -> None:
                pass

        await network.of(service).listen("service", Speaker)
        link = AuthenticationLink(network.of(front_end), "service", FRONT_END.id, KEY)
        running = asyncio.create_task(link.run())
        await asyncio.sleep(0.2)
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    simulate(story, horizon=60.0)


@given(st.lists(messages, max_size=20))
def test_operators_who_send_anything(sent: list[bytes]) -> None:
    """The coordinator answers requests, and closes the link at what is none."""

    def story() -> None:
        desk: Any = SimpleNamespace(answer=None)
        connection, link = OperatorConnection(desk), Ends()
        connection.opened(link)
        for message in sent:
            connection.received(message)
        assert link.closed or all(map(is_request, sent))
        connection.closed()

    in_virtual_time(story)


def is_request(message: bytes) -> bool:
    """Whether the bytes are a request to the coordinator."""
    try:
        REQUESTS.decode(message)
    except FormatError:
        return False
    return True


class Heard(LinkHandler):
    """Hears what a link makes of a stream."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def opened(self, link: Any) -> None:
        """Nothing to do."""

    def received(self, message: Buffer) -> None:
        """Keep the message."""
        self.messages.append(bytes(message))

    def closed(self) -> None:
        """Nothing to do."""


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(max_size=8), st.integers(1, 9))
def test_a_stream_in_pieces(sent: list[bytes], rest: bytes, size: int) -> None:
    """However a stream is cut, the same messages are heard; one that announces too much is heard no further."""
    stream = b"".join(len(message).to_bytes(4, "big") + message for message in sent) + rest
    heard = Heard()
    transport = FakeTransport()
    link = UnixLink(heard)
    link.connection_made(transport)
    for place in range(0, len(stream), size):
        if not transport.closing:
            link.data_received(stream[place : place + size])
    assert heard.messages[: len(sent)] == sent[: len(heard.messages)]
    if int.from_bytes(rest[:4], "big") <= LIMIT:
        assert len(heard.messages) >= len(sent)


class FakeTransport(asyncio.Transport):
    """Takes what a link writes, and remembers that it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = False

    def write(self, data: Buffer) -> None:
        """Drop it."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closing

    def close(self) -> None:
        """Remember it."""
        self.closing = True

    def abort(self) -> None:
        """Remember it."""
        self.closing = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""
