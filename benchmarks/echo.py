"""The bare HTTP echo: the front end's own HTTP server, with an application that answers each body with itself."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from keystead.components.cryptography_service.guard import GuardedProtocol

_START = {"type": "http.response.start", "status": 200}


async def echo(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer a request with its body."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", b"%d" % len(body))]
    await send({**_START, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def running(port: int) -> Iterator[None]:
    """Run the echo on the port in a process of its own for the length of the block."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.echo", str(port)]) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    uvicorn.run(
        echo,
        port=int(sys.argv[1]),
        http=GuardedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
    )
