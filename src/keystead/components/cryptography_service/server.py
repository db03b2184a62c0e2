"""The HTTP server of the front end: uvicorn behind the guard, with nothing of what this service does not need."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any, Final, TypeAlias

import uvicorn

from keystead.components.cryptography_service.application import Receive, Send
from keystead.components.cryptography_service.guard import Limits, guarded
from keystead.components.cryptography_service.received import Scope

Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application of ASGI 3 for http."""

MOST_CONNECTIONS: Final = 8192
"""Connections beyond which requests are answered with 503."""
DRAIN: Final = 10
"""Seconds that requests in flight have to finish once the server stops."""


class Server(uvicorn.Server):
    """Serves until ``stop``; then accepts nothing more, finishes what is in flight, and returns."""

    def stop(self) -> None:
        """Begin to stop."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process: it calls ``stop``."""
        yield


def make_server(application: Asgi, tls: SSLContext | None, limits: Limits | None = None) -> Server:
    """Return a server of the application, to be run with ``serve(sockets=[...])``."""
    return Server(
        uvicorn.Config(
            application,
            http=guarded(limits or Limits()),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who connects is the source; what a client says of itself is not believed
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=DRAIN,
            ssl_context_factory=None if tls is None else _given(tls),
        )
    )


def _given(tls: SSLContext) -> Callable[..., SSLContext]:
    def factory(*_: Any) -> SSLContext:  # noqa: ANN401 - the server's configuration, which has no say
        return tls

    return factory
