"""The bare HTTP echo: the front end's own HTTP server, with an application that answers each body with itself."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psutil

from benchmarks.ports import wait_for
from keystead.bootstrap.running import run
from keystead.components.cryptography_service.application import Application, Receive, Send
from keystead.components.cryptography_service.received import Scope
from keystead.components.cryptography_service.server import make_server


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with its body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def running(port: int) -> Iterator[psutil.Process]:
    """Run the echo on the port in a process of its own, which is given, for the length of the block."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.echo", str(port)]) as process:
        try:
            wait_for(port)
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def main(port: int) -> None:
    """Serve on the port of this host."""
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        run(make_server(cast("Application", echo), None).serve(sockets=[listener]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
