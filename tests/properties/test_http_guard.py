"""Whatever comes over a connection: the guard hands over whole requests or refuses, and never raises."""

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.server import ServerState

from keystead.components.cryptography_service.guard import Limits, guarded

LIMITS = Limits(head_bytes=400, headers=8, body_bytes=64, held_bytes=300)
"""Small enough for examples to reach them."""


ENOUGH = 50
"""Turns of the event loop in which all that can be done is done."""


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.ended = False
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep, unless the connection is closed; after the end of what is written nothing may be."""
        assert not self.ended
        if not self.closed:
            self.written += data

    def write_eof(self) -> None:
        """End what is written."""
        self.ended = True

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def close(self) -> None:
        """End."""
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        """Whether it ended."""
        return self.closed

    def pause_reading(self) -> None:
        """What comes was read already."""

    def resume_reading(self) -> None:
        """What comes was read already."""


async def turns(number: int) -> None:
    """Let the event loop turn."""
    for _ in range(number):
        await asyncio.sleep(0)


async def served(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    """Feed the pieces to a connection; return the bodies that the application saw, and all that was written."""
    bodies: list[bytes] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert sum(len(name) + len(value) for name, value in scope["headers"]) <= LIMITS.head_bytes
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    protocol = guarded(LIMITS)
    config = Config(application, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
    state = ServerState()
    connection = protocol(config, state, {})
    transport = FakeTransport()
    connection.connection_made(transport)
    for piece in pieces:
        connection.data_received(piece)
        await turns(1)
        if transport.closed:
            break
    await turns(ENOUGH)
    connection.connection_lost(None)
    await turns(ENOUGH)
    assert not state.tasks
    assert protocol.held.size == 0
    return bodies, bytes(transport.written)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Cut the stream at these places."""
    ends = sorted({min(place, len(stream)) for place in places} | {0, len(stream)})
    return [stream[begin:end] for begin, end in pairwise(ends)]


BODIES = st.binary(max_size=LIMITS.body_bytes)
PLACES = st.lists(st.integers(0, 2000), max_size=12)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


def request(body: bytes, value: str, *, chunked: bool) -> bytes:
    """A request that is well-formed."""
    if chunked:
        framed = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        return f"POST / HTTP/1.1\r\nX: {value}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + framed
    return f"POST / HTTP/1.1\r\nX: {value}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


WELL_FORMED = st.builds(request, BODIES, VALUES, chunked=st.booleans())
FRAGMENTS = st.sampled_from(
    [
        *(b"POST / HTTP/1.1\r\n", b"GET /healthz HTTP/1.0\r\n", b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"0\r\n\r\n"),
        *(
            b"Content-Length: 3\r\n",
            b"Content-Length: 99\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"abc",
            b"3\r\nabc\r\n",
        ),
        *(b"Connection: close\r\n", b"Connection: upgrade\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n"),
        *(b"X-Amz-Target: TrentService.Encrypt\r\n", b"CONNECT a:1 HTTP/1.1\r\n", b"x" * 200, b"A: b\r\n" * 9),
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=600),
    st.lists(st.one_of(FRAGMENTS, WELL_FORMED, st.binary(max_size=4)), max_size=14).map(b"".join),
)


@given(
    st.lists(
        st.builds(
            lambda body, value, chunked: (body, request(body, value, chunked=chunked)), BODIES, VALUES, st.booleans()
        ),
        min_size=1,
        max_size=4,
    ),
    PLACES,
)
def test_well_formed_requests_arrive_whole_however_they_are_cut(
    requests: list[tuple[bytes, bytes]], places: list[int]
) -> None:
    """One request after the other, in any pieces: the application sees the very bodies."""
    bodies, written = asyncio.run(served(cut(b"".join(each for _, each in requests), places)))
    assert bodies == [body for body, _ in requests]
    assert written.count(b"HTTP/1.1 200 OK") == len(requests)


@given(STREAMS, PLACES)
def test_whatever_comes_is_served_or_refused(stream: bytes, places: list[int]) -> None:
    """Nothing is raised; what is written are whole answers, at most one of them a refusal, and that one the last."""
    bodies, written = asyncio.run(served(cut(stream, places)))
    answers = [int(answer[:3]) for answer in written.split(b"HTTP/1.1 ")[1:] if not answer.startswith(b"100 ")]
    good = answers.count(200)
    assert good <= len(bodies)
    assert answers[:good] == [200] * good
    assert len(answers) <= good + 1
    assert set(answers[good:]) <= {400, 413, 431, 503}
    assert all(len(body) <= LIMITS.body_bytes for body in bodies)
