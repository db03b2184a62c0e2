"""Ports of this host."""

import socket
import time
from typing import Final

_LIMIT: Final = 30.0


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Return when somebody listens on the port; raises TimeoutError after half a minute."""
    end = time.monotonic() + _LIMIT
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nobody listens on port {port}")
