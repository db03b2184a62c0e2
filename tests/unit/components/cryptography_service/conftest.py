"""A real server on a free loopback port, with fakes behind the application's ports."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from keystead.components.cryptography_service.guard import Limits
from keystead.components.cryptography_service.server import make_server


@asynccontextmanager
async def _serving(application: Any, limits: Limits | None = None) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    server = make_server(application, None, limits)
    # The listener is bound already, so that connections wait until the server is up.
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield port
    finally:
        server.stop()
        await running


@pytest.fixture(scope="session")
def serving() -> Callable[..., Any]:
    """Make servers, to be entered as contexts that give the port."""
    return _serving
