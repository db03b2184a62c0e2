"""Waits until clients can use keys."""

import asyncio
import ssl
from typing import Final

_PAUSE: Final = 0.02


async def until_healthy(host: str, port: int, *, tls: bool) -> None:
    """Return when ``GET /healthz`` is answered with 200."""
    while not await healthy(host, port, tls=tls):  # noqa: ASYNC110  # another process: there is no event to wait for
        await asyncio.sleep(_PAUSE)


async def healthy(host: str, port: int, *, tls: bool) -> bool:
    """Return whether it is now."""
    context = _unverified() if tls else None
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.startswith(b"HTTP/1.1 200 ")


def _unverified() -> ssl.SSLContext:
    # The certificate names the operator's host, not this loopback connection; nothing secret is said, and what is asked
    # is only whether the process behind our own socket is ready.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
