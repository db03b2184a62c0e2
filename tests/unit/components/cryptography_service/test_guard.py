"""The table of bad HTTP: each case is answered as it says, and the connection ends."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from keystead.components.cryptography_service.guard import BODY_LIMIT, Limits

PATIENT = Limits(first_byte=60, head=60, body=60, idle=60, farewell=0.05)
"""No case but those of time is decided by time."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of bytes and headers received."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = f"{size} {len(scope['headers'])}".encode()
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    await send(head)
    await send({"type": "http.response.body", "body": body})


async def exchange(port: int, sent: bytes) -> bytes:
    """Send the bytes and return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    received = bytearray()
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionResetError:
        pass
    writer.close()
    return bytes(received)


def post(headers: str, body: bytes = b"", *, close: bool = True) -> bytes:
    """A request with these header lines."""
    ending = "Connection: close\r\n" if close else ""
    return f"POST / HTTP/1.1\r\nHost: localhost\r\n{ending}{headers}\r\n".encode() + body


@pytest.fixture(scope="module")
def patient_port(serving: Callable[..., Any]) -> Iterator[int]:
    """The port of one server for all cases that leave it as it was."""
    with asyncio.Runner() as runner:
        server = serving(application, PATIENT)
        port = runner.run(server.__aenter__())
        stopping = threading.Event()

        async def until_told() -> None:
            await asyncio.to_thread(stopping.wait)

        thread = threading.Thread(target=runner.run, args=(until_told(),))
        thread.start()
        yield port
        stopping.set()
        thread.join()
        runner.run(server.__aexit__(None, None, None))


REFUSED: dict[str, tuple[bytes, int]] = {
    "header block of 100 KB": (post(f"X: {'a' * 100_000}\r\n"), 431),
    "header block of 2 MB": (post(f"X: {'a' * 2_000_000}\r\n"), 431),
    "header block of 2 MB that does not end": (b"POST / HTTP/1.1\r\nX: " + b"a" * 2_000_000, 431),
    "request line of 20 KB": (b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    "header block one byte too large": (post(f"X: {'a' * (16 * 1024 - 41)}\r\n"), 431),
    "101 headers": (post("".join(f"X-{number}: a\r\n" for number in range(99))), 431),
    "10,000 headers": (post("".join(f"X-{number}: a\r\n" for number in range(10_000))), 431),
    "content length and transfer encoding": (
        post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        400,
    ),
    "the same content length twice": (post("Content-Length: 1\r\nContent-Length: 1\r\n", b"a"), 400),
    "two different content lengths": (post("Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"), 400),
    "bare line feeds": (b"POST / HTTP/1.1\nHost: localhost\n\n", 400),
    "folded header": (post("X: a\r\n b\r\n"), 400),
    "space before the colon": (post("X : a\r\n"), 400),
    "NUL in a header": (post("X: a\0b\r\n"), 400),
    "NUL in a header's name": (post("X\0: a\r\n"), 400),
    "a chunk without a size": (post("Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n"), 400),
    "a chunk longer than its size": (post("Transfer-Encoding: chunked\r\n", b"1\r\nabc\r\n0\r\n\r\n"), 400),
    "unknown transfer encoding": (post("Transfer-Encoding: xchunked\r\n"), 400),
    "negative content length": (post("Content-Length: -1\r\n"), 400),
    "content length that is no number": (post("Content-Length: ten\r\n"), 400),
    "content length beyond all numbers": (post(f"Content-Length: {'9' * 30}\r\n"), 400),
    "a trailer after the body": (post("Transfer-Encoding: chunked\r\n", b"0\r\nX-Amz-Target: a\r\n\r\n"), 400),
    "an upgrade": (post("Upgrade: websocket\r\n").replace(b"Connection: close", b"Connection: upgrade"), 400),
    "a tunnel": (b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "another version": (b"POST / HTTP/3.7\r\nHost: localhost\r\n\r\n", 400),
    "another method": (b"PAST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a target that is none": (b"POST http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "declared body one byte too large": (post(f"Content-Length: {BODY_LIMIT + 1}\r\n"), 413),
    "declared body too large, and sent": (post(f"Content-Length: {BODY_LIMIT + 1}\r\n", bytes(BODY_LIMIT + 1)), 413),
    "chunked body one byte too large": (
        post("Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (BODY_LIMIT + 1, bytes(BODY_LIMIT + 1))),
        413,
    ),
    "chunked body without end": (post("Transfer-Encoding: chunked\r\n", b"fffffff\r\n" + bytes(4 * BODY_LIMIT)), 413),
}
CODES = {
    400: b"MalformedHttpRequestException",
    408: b"RequestTimeoutException",
    413: b"RequestEntityTooLargeException",
    431: b"MalformedHttpRequestException",
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_acceptable_request_is_refused_and_the_connection_closed(
    patient_port: int, sent: bytes, status: int
) -> None:
    """One answer, with the error that clients know, and nothing after it."""
    answer = asyncio.run(exchange(patient_port, sent))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in head
    assert b"content-type: application/x-amz-json-1.1" in head
    assert b'{"__type":"%b","message":"' % CODES[status] in body
    assert b"HTTP/1.1" not in body


ACCEPTED: dict[str, tuple[bytes, bytes]] = {
    "the largest header block": (post(f"X: {'a' * (16 * 1024 - 42)}\r\n"), b"0 3"),
    "100 headers": (post("".join(f"X-{number}: a\r\n" for number in range(98))), b"0 100"),
    "the longest body": (post(f"Content-Length: {BODY_LIMIT}\r\n", bytes(BODY_LIMIT)), b"%d 3" % BODY_LIMIT),
    "the longest body in chunks": (
        post("Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (BODY_LIMIT, bytes(BODY_LIMIT))),
        b"%d 3" % BODY_LIMIT,
    ),
    "HTTP/1.0": (b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", b"2 1"),
}


@pytest.mark.parametrize(("sent", "body"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_within_the_limits_is_served(patient_port: int, sent: bytes, body: bytes) -> None:
    """Each limit includes its last value."""
    answer = asyncio.run(exchange(patient_port, sent))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n" + body)


def test_a_request_may_come_byte_by_byte(serving: Callable[..., Any]) -> None:
    """The largest header block counts once, in however many pieces it comes, and connections are kept."""
    request = post(f"X: {'a' * 300}\r\nContent-Length: 2\r\n", b"ab", close=False)

    async def script() -> None:
        async with serving(application, replace(PATIENT, head_bytes=len(request))) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                for number in range(len(request)):
                    writer.write(request[number : number + 1])
                    await writer.drain()
                    await asyncio.sleep(0)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                assert await reader.readexactly(3) == b"2 3"
            writer.close()

    asyncio.run(script())


def test_requests_sent_together_are_answered_in_order(serving: Callable[..., Any]) -> None:
    """Pipelining: each request gets its own answer."""
    requests = b"".join(post(f"Content-Length: {size}\r\n", bytes(size), close=size == 3) for size in (1, 2, 3))

    async def script() -> None:
        async with serving(application, PATIENT) as port:
            answer = await exchange(port, requests)
        assert answer.count(b"HTTP/1.1 200 ") == 3
        assert [answer.find(body) > 0 for body in (b"1 2", b"2 2", b"3 3")] == [True] * 3
        assert answer.find(b"1 2") < answer.find(b"2 2") < answer.find(b"3 3")

    asyncio.run(script())


def test_a_refusal_is_never_taken_for_the_answer_to_an_earlier_request(serving: Callable[..., Any]) -> None:
    """Nonsense behind a request that is being served ends the connection without a word."""

    async def never(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def script() -> None:
        async with serving(never, PATIENT) as port:
            assert await exchange(port, post("", close=False) + b"nonsense\r\n\r\n") == b""

    asyncio.run(script())


SLOW: dict[str, tuple[bytes, dict[str, float], int | None]] = {
    "nothing at all": (b"", {"first_byte": 0.05}, None),
    "empty lines only": (b"\r\n\r\n", {"first_byte": 0.05}, None),
    "part of the request line": (b"POST", {"head": 0.05}, 408),
    "part of the header": (b"POST / HTTP/1.1\r\nHost: localhost\r\n", {"head": 0.05}, 408),
    "part of the body": (post("Content-Length: 10\r\n", b"abc", close=False), {"body": 0.05}, 408),
    "part of a chunk": (post("Transfer-Encoding: chunked\r\n", b"5\r\nab", close=False), {"body": 0.05}, 408),
}


@pytest.mark.parametrize(("sent", "limit", "status"), SLOW.values(), ids=SLOW.keys())
def test_who_does_not_go_on_is_not_waited_for(
    serving: Callable[..., Any], sent: bytes, limit: dict[str, Any], status: int | None
) -> None:
    """A request that does not arrive in time is answered with 408; a connection without a request is just closed."""

    async def script() -> None:
        async with serving(application, replace(PATIENT, **limit)) as port:
            answer = await exchange(port, sent)
        if status is None:
            assert answer == b""
        else:
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())
            assert CODES[status] in answer

    asyncio.run(script())


def test_all_connections_together_hold_so_much_and_no_more(serving: Callable[..., Any]) -> None:
    """Who sends more than all may hold is refused; what is answered or lost is held no more."""
    request = post("Content-Length: 60\r\n", bytes(60))

    async def script() -> None:
        async with serving(application, replace(PATIENT, held_bytes=100)) as port:
            for _ in range(3):
                assert (await exchange(port, request)).endswith(b"\r\n\r\n60 3")
            _, unfinished = await asyncio.open_connection("127.0.0.1", port)
            unfinished.write(request[:-1])
            while (answer := await exchange(port, request)).startswith(b"HTTP/1.1 200 "):
                pass
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"ServiceUnavailableException" in answer
            unfinished.close()
            while not (await exchange(port, request)).startswith(b"HTTP/1.1 200 "):
                pass

    asyncio.run(script())


def test_an_idle_connection_is_closed_after_its_answer(serving: Callable[..., Any]) -> None:
    """The limit between requests is its own."""

    async def script() -> None:
        async with serving(application, replace(PATIENT, idle=0.05)) as port:
            answer = await exchange(port, post("Content-Length: 0\r\n", close=False))
        assert answer.endswith(b"\r\n\r\n0 2")

    asyncio.run(script())


def test_time_that_we_take_is_not_the_clients(serving: Callable[..., Any]) -> None:
    """While an answer is awaited no deadline runs, and afterwards the connection serves again."""
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await application(scope, receive, send)

    async def script() -> None:
        limits = Limits(first_byte=0.02, head=0.02, body=0.02, idle=60, farewell=0.05)
        async with serving(slow, limits) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post("Content-Length: 1\r\n", b"a", close=False))
            asyncio.get_running_loop().call_later(0.2, release.set)
            for _ in range(2):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                assert await reader.readexactly(3) == b"1 2"
                writer.write(post("Content-Length: 1\r\n", b"a", close=False))
            writer.close()

    asyncio.run(script())


def test_an_answer_that_nobody_reads_does_not_hold_the_connection(serving: Callable[..., Any]) -> None:
    """A client that asks for much and reads nothing is cut off when it is idle for too long."""
    size = 16 * 1024 * 1024
    cut = asyncio.Event()

    async def large(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        length = (b"content-length", b"%d" % size)
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": bytes(size)})
        assert (await receive())["type"] == "http.disconnect"
        cut.set()

    async def script() -> None:
        async with serving(large, replace(PATIENT, idle=0.05)) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post("", close=False))
            await cut.wait()
            writer.close()

    asyncio.run(script())
