"""The server around the application: how it ends, and TLS."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from keystead.components.cryptography_service.server import make_server
from tests.certificates import for_localhost

REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


async def echo_scheme(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the scheme that the connection had."""
    body = scope["scheme"].encode()
    length = (b"content-length", b"%d" % len(body))
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def test_what_is_in_flight_is_finished_before_the_server_ends() -> None:
    """Once told to stop it accepts no connection, answers what it was asked, and returns."""
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await release.wait()
        await echo_scheme(scope, receive, send)

    async def script() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = make_server(slow, None)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        idle_reader, idle = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await begun.wait()
        server.stop()
        assert await idle_reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        release.set()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
        await running
        idle.close()
        writer.close()

    asyncio.run(script())


def test_a_request_over_tls_is_known_as_secure(tmp_path: Path) -> None:
    """The scheme that policies see is that of the connection."""
    certificate = for_localhost(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    async def script() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        server = make_server(echo_scheme, context)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        trusting = ssl.create_default_context(cafile=certificate[0])
        port = listener.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="localhost")
        writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (await reader.read()).endswith(b"\r\n\r\nhttps")
        writer.close()
        server.stop()
        await running

    asyncio.run(script())
