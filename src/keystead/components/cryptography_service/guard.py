"""Stands before the HTTP server: bounds what a client may send, and how long it may take (spec/http.md).

The server's parser is strict about what is a request; this adds what it leaves open. Whatever is refused is answered
once and the connection closed, so that nothing which follows can be taken for a request.
"""

from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from keystead.core.operations.table import OPERATIONS
from keystead.core.protocols.aws_json.rendering import CONTENT_TYPE, error_body

BODY_LIMIT: Final = max(operation.body_limit for operation in OPERATIONS.values())
"""Bytes of the longest body that any operation accepts; the operation's own limit is applied when it is known."""
_PUNCTUATION: Final = 4
"""Bytes around one header: colon, space, line end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may take, and all of them together. Times are in seconds."""

    head_bytes: int = 16 * 1024
    headers: int = 100
    body_bytes: int = BODY_LIMIT
    held_bytes: int = 64 * 1024 * 1024
    """Bodies of all connections that are not answered yet."""
    first_byte: float = 10.0
    """From the connection to the first byte of its first request."""
    head: float = 10.0
    """From the first byte of a request to the end of its headers."""
    body: float = 10.0
    """From the end of the headers to the end of the body."""
    idle: float = 75.0
    """From an answer to the first byte of the next request; clients close earlier, so that no request meets a close."""
    farewell: float = 2.0
    """From a refusal, or our closing, to the end of the connection whether or not the client has read all."""


class Refused(Enum):
    """Why no more is heard from a client."""

    MALFORMED = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()
    TOO_SLOW = auto()
    TOO_MUCH_HELD = auto()


def _answer(status: int, code: str, message: str) -> bytes:
    body = error_body(code, message)
    head = f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return b"".join((STATUS_LINE[status], head.encode(), body))


_ANSWERS: Final = MappingProxyType(
    {
        Refused.MALFORMED: _answer(400, "MalformedHttpRequestException", "The request is not well-formed HTTP."),
        Refused.HEAD_TOO_LARGE: _answer(431, "MalformedHttpRequestException", "The request's header is too large."),
        Refused.BODY_TOO_LARGE: _answer(413, "RequestEntityTooLargeException", "The request's body is too large."),
        Refused.TOO_SLOW: _answer(408, "RequestTimeoutException", "The request did not arrive in time."),
        Refused.TOO_MUCH_HELD: _answer(503, "ServiceUnavailableException", "The service is too busy."),
    }
)


class _Refusal(Exception):
    """Raised through the parser; ``_refused`` says why."""


class Held:
    """How many bytes of bodies the connections of one server hold together. Owned by its event loop."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        """Begin with none."""
        self.size = 0


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    One timer watches it. What is awaited, and until when, changes with every request and leaves the timer alone: when
    it rings, it looks whether the time has come.
    """

    limits: Limits
    held: Held

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - the server's own
        """Take what the server gives its protocols."""
        super().__init__(*arguments, **named)
        self._deadline: float | None = None
        """When the client must have sent what is awaited; None while it awaits an answer."""
        self._in_request = False
        """Whether the first byte of a request has come and its last has not."""
        self._in_head = True
        """Whether what comes next is not a body."""
        self._head_received = 0
        self._body_received = 0
        self._held_here = 0
        self._declared = 0
        self._unanswered = 0
        """Requests that were handed over and have no whole answer yet."""
        self._refused: Refused | None = None
        self._watch: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as the server has it
        """Await the first byte."""
        super().connection_made(transport)
        now = self.loop.time()
        self._deadline = now + self.limits.first_byte
        self._ring_at(self._next_look(now))

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        super().connection_lost(exc)
        self._let_go()
        if self._watch is not None:
            self._watch.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse what is no request or too much of one."""
        if self._refused is not None:
            return
        request = self.headers
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._reason())
            return
        if self._in_head and self._in_request and self.headers is request:
            # Another piece of an unfinished header, which the parser keeps.
            self._head_received += len(data)
            if self._head_received > self.limits.head_bytes:
                self._refuse(Refused.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Await the rest of the header."""
        super().on_message_begin()
        self._in_request = self._in_head = True
        self._head_received = self._body_received = self._declared = 0
        self._deadline = self.loop.time() + self.limits.head

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, its name in lower case; none after the body, for no signature could cover it."""
        if not self._in_head:
            self._raise(Refused.MALFORMED)
        name = name.lower()
        self.headers.append((name, value))
        if name == b"content-length":
            self._declared = int(value)
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        """Hand the request over, unless it is too large already, and await its body."""
        limits = self.limits
        if self.parser.should_upgrade():
            self._raise(Refused.MALFORMED)
        size = sum(map(len, chain.from_iterable(self.headers))) + len(self.headers) * _PUNCTUATION + len(self.url)
        if size > limits.head_bytes or len(self.headers) > limits.headers:
            self._raise(Refused.HEAD_TOO_LARGE)
        if self._declared > limits.body_bytes:
            self._raise(Refused.BODY_TOO_LARGE)
        super().on_headers_complete()
        self._unanswered += 1
        self._in_head = False
        self._deadline = self.loop.time() + limits.body

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body over."""
        self._body_received += len(body)
        if self._body_received > self.limits.body_bytes:
            self._raise(Refused.BODY_TOO_LARGE)
        self._held_here += len(body)
        self.held.size += len(body)
        if self.held.size > self.limits.held_bytes:
            self._raise(Refused.TOO_MUCH_HELD)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Await nothing until the answer is given."""
        super().on_message_complete()
        self._in_request = False
        self._in_head = True
        self._deadline = None
        if self._unanswered == 0:
            self._rest()

    def on_response_complete(self) -> None:
        """Serve what came meanwhile, or await the next request."""
        self.server_state.total_requests += 1
        self._unanswered -= 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not self._in_request:
            self._rest()

    def _rest(self) -> None:
        """Hold nothing, and await the next request."""
        self._let_go()
        self._deadline = self.loop.time() + self.limits.idle

    def _let_go(self) -> None:
        self.held.size -= self._held_here
        self._held_here = 0

    def _raise(self, why: Refused) -> NoReturn:
        self._refused = why
        raise _Refusal

    def _reason(self) -> Refused:
        """Why the parser ended: because of us, or by itself."""
        return Refused.MALFORMED if self._refused is None else self._refused

    def _refuse(self, why: Refused) -> None:
        """Answer if the client can tell that the answer is to this request; then hear nothing more."""
        self._refused = why
        if self._in_head:
            can_tell = self._unanswered == 0
        else:
            can_tell = self._unanswered == 1 and not self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not can_tell:
            self.transport.abort()
            return
        self.transport.write(_ANSWERS[why])
        # Closing while the client still sends would reset the connection and could destroy the answer on its way.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._ring_at(self.loop.time() + self.limits.farewell)

    def _ring_at(self, moment: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_at(moment, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if self._refused is not None or self.transport.is_closing():
            self.transport.abort()
        elif self._deadline is None or self._deadline > now or self.flow.read_paused:
            self._ring_at(self._next_look(now))
        elif self._in_request:
            self._refuse(Refused.TOO_SLOW)
        else:
            self.transport.close()
            self._ring_at(now + self.limits.farewell)

    def _next_look(self, now: float) -> float:
        """The deadline, but no later than any deadline that may be set from now on."""
        limits = self.limits
        latest = now + min(limits.first_byte, limits.head, limits.body, limits.idle)
        if self._deadline is None or self._deadline <= now:
            return latest
        return min(self._deadline, latest)


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """Return the protocol of one server's connections."""
    return type("Connection", (GuardedProtocol,), {"limits": limits, "held": Held()})
