"""Posts notices to one receiver on the web: JSON over verified HTTPS, tried again a few times, holding nobody up.

The standard library's client does: it is a handful of posts in the life of a domain, and one dependency less beside the
right to carry tokens (``docs/adr``). A receiver's answer is read as a status and nothing else; redirects are
not followed.
"""

import asyncio
import http.client
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from keystead.core.ports import Randomness
from keystead.errors import FormatError, PeerUnavailable
from keystead.transport.backoff import Backoff

MOST_WAITING: Final = 64
"""Notices that wait for a receiver; more are dropped, and that is told."""
ATTEMPTS: Final = 6
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
TIMEOUT: Final = 5.0
"""Seconds in which the receiver must connect, and then answer."""
_WELL: Final = range(200, 300)

Post: TypeAlias = Callable[[SplitResult, bytes], Awaitable[int]]
"""Posts once and returns the status; raises OSError or HTTPException."""
Report: TypeAlias = Callable[..., object]


def webhook_url(text: str) -> SplitResult:
    """Return the URL of a receiver; raises FormatError unless it is HTTPS, or HTTP to this very host."""
    try:
        url = urlsplit(text)
        host = url.hostname
        url.port  # noqa: B018 - reading it judges it
    except ValueError:
        raise FormatError("it is no URL") from None
    if not host or url.username is not None:
        raise FormatError("it names no host, or a user")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise FormatError("it is not https")
    return url


async def post(url: SplitResult, body: bytes) -> int:
    """Post once, in a thread, over a connection whose certificate and name are verified."""
    return await asyncio.to_thread(_post, url, body)


def _post(url: SplitResult, body: bytes) -> int:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, url.port, timeout=TIMEOUT, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, url.port, timeout=TIMEOUT)
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json", "User-Agent": "keystead"})
        return connection.getresponse().status
    finally:
        connection.close()


class Webhook:
    """One receiver. Every field is owned by the event loop."""

    def __init__(self, url: SplitResult, randomness: Randomness, report: Report, post: Post = post) -> None:
        """Prepare; nothing is sent before ``run``. The path of the URL may be a secret: it is never reported."""
        self._url = url
        self._randomness = randomness
        self._report = report
        self._post = post
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)

    def send(self, body: bytes) -> None:
        """Take what is to be posted; returns at once."""
        try:
            self._waiting.put_nowait(body)
        except asyncio.QueueFull:
            self._report("notice_dropped", host=self._url.hostname, why="too many wait for this receiver")

    async def run(self) -> None:
        """Post what was taken, in order, until cancelled."""
        while True:
            await self._deliver(await self._waiting.get())

    async def _deliver(self, body: bytes) -> None:
        backoff = Backoff(self._randomness, FIRST_PAUSE, LONGEST_PAUSE)
        trouble = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(backoff.next())
            try:
                await self._attempt(body)
            except PeerUnavailable as error:
                trouble = str(error)
            else:
                return
        self._report("notice_dropped", host=self._url.hostname, why=trouble)

    async def _attempt(self, body: bytes) -> None:
        try:
            status = await self._post(self._url, body)
        except (OSError, http.client.HTTPException) as error:
            raise PeerUnavailable(f"it cannot be posted: {type(error).__name__}") from None
        if status not in _WELL:
            raise PeerUnavailable(f"the receiver answered with status {status}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
