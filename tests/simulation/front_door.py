"""Between the clients and the front end: requests and answers take their time, and break with the front end."""

import asyncio
from typing import Any

from botocore.awsrequest import AWSRequest
from msgspec import json

from keystead.components.cryptography_service.application import Application, Message
from keystead.components.cryptography_service.received import Scope
from tests.simulators.network import SimNetwork
from tests.simulators.world import SimProcess

PATIENCE = 6.0
"""Seconds that a client waits for an answer."""


class NoAnswer(Exception):
    """The connection was refused or broke, or the client has waited long enough."""


class FrontDoor:
    """Hands requests to the application of the front end of the moment, as its HTTP server would."""

    def __init__(self, network: SimNetwork) -> None:
        self._network = network
        self._open: tuple[SimProcess, Application] | None = None

    def opened(self, process: SimProcess, application: Application) -> None:
        """Hand requests to this front end from now on, until it dies."""
        self._open = (process, application)

    async def ask(self, request: AWSRequest) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Return status, headers and content of the answer; raises NoAnswer."""
        await asyncio.sleep(self._network.latency())
        if self._open is None or not self._open[0].alive:
            raise NoAnswer
        process, application = self._open
        exchange = _Exchange(request)
        self._network.note("client", process.name, request.headers["X-Amz-Target"], len(exchange.body))
        process.when_killed(exchange.broke)
        process.start(application(exchange.scope, exchange.receive, exchange.send))
        try:
            async with asyncio.timeout(PATIENCE):
                status, headers, content = await exchange.answer
        except TimeoutError:
            raise NoAnswer from None
        self._network.note(process.name, "client", str(status), len(content))
        await asyncio.sleep(self._network.latency())
        return status, headers, json.decode(content) if content else {}


class _Exchange:
    """One request as ASGI has it, and its answer."""

    def __init__(self, request: AWSRequest) -> None:
        self.body: bytes = request.data or b""
        self.scope = scope_of(request)
        self.answer: asyncio.Future[tuple[int, dict[str, str], bytes]] = asyncio.get_running_loop().create_future()
        self._head: Message = {}

    async def receive(self) -> Message:
        """Hand over the whole body."""
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take the answer's head, then its body."""
        if message["type"] == "http.response.start":
            self._head = message
        elif not self.answer.done():
            headers = {name.decode(): value.decode() for name, value in self._head["headers"]}
            self.answer.set_result((self._head["status"], headers, bytes(message["body"])))

    def broke(self) -> None:
        """Learn that the front end died."""
        if not self.answer.done():
            self.answer.set_exception(NoAnswer())


def scope_of(request: AWSRequest) -> Scope:
    """Return the connection scope that an HTTP server makes of a request."""
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "client": ("192.0.2.1", 40000),
        "headers": [
            (b"host", b"keystead.example"),
            *((name.lower().encode(), str(value).encode()) for name, value in request.headers.items()),
        ],
    }
