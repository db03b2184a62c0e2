"""Links over Unix sockets: whole messages after their length, on asyncio protocols.

A message is preceded by its length, a big-endian u32, and is at most LIMIT bytes; a peer that announces more, or does
not read what it is sent, is closed. Who may connect is decided by the mode of the socket file, and by PeerCredentials
where a component asks for them.
"""

import asyncio
import fcntl
import os
import socket
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from keystead.core.ports import Buffer, Link, LinkHandler, Listener
from keystead.errors import OperatorError, PeerUnavailable

LIMIT: Final = 16 * 1024 * 1024
"""Bytes of the largest message."""
UNREAD_LIMIT: Final = 2 * LIMIT
"""Bytes that may wait for a peer that does not read."""
_SCHEME: Final = "unix:"
_LENGTH: Final = 4
_BACKLOG: Final = 256
_LONGEST_PATH: Final = 107
"""Bytes of ``sun_path``, less the closing zero (unix(7))."""
FAREWELL: Final = 1.0
"""Seconds that a closing link gives its peer to read what was sent."""
_CREDENTIALS: Final = struct.Struct("=iII")


@dataclass(frozen=True, slots=True)
class PeerCredentials:
    """Who the kernel says was at the other end when it connected (unix(7), SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int


class UnixLink(asyncio.Protocol, Link):
    """One end of a Unix stream socket. Owned by the event loop that it was made on."""

    def __init__(self, handler: LinkHandler, ended: Callable[["UnixLink"], None] | None = None) -> None:
        """Take who hears this end, and who else must know when it ends."""
        self._handler = handler
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._unwanted = False

    @property
    def is_open(self) -> bool:
        """Whether the link was opened and has not ended."""
        return self._transport is not None

    @property
    def peer(self) -> PeerCredentials:
        """Who is at the other end; raises PeerUnavailable if the link is not open."""
        if self._transport is None:
            raise PeerUnavailable("the link is not open")
        end: socket.socket = self._transport.get_extra_info("socket")
        return PeerCredentials(
            *_CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        )

    def send(self, message: Buffer) -> None:
        """Queue one message of at most LIMIT bytes; one copy, one write."""
        if self._transport is None or self._transport.is_closing():
            return
        if len(message) > LIMIT:
            raise ValueError("the message is longer than a link carries")
        self._transport.write(b"".join((len(message).to_bytes(_LENGTH, "big"), message)))

    def close(self) -> None:
        """Close when what was queued is written, or after FAREWELL if the peer does not read it."""
        self._unwanted = True
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(FAREWELL, self.abort)
        self._transport.close()

    def abort(self) -> None:
        """Close at once and drop what is queued."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        stream = cast(asyncio.Transport, transport)  # uvloop's is none by type
        stream.set_write_buffer_limits(high=UNREAD_LIMIT)
        self._transport = stream
        self._handler.opened(self)
        if self._unwanted:
            self.close()

    def pause_writing(self) -> None:
        """Give up a peer that does not read."""
        self.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on each whole message; keep the rest."""
        if self._received:
            self._received += data
            if len(self._received) < self._needed(self._received):
                return
            whole, self._received = self._received, bytearray()
            self._take(memoryview(whole))
        else:
            self._take(memoryview(data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio names it
        """End."""
        self._transport = None
        self._received.clear()
        self._handler.closed()
        if self._ended is not None:
            self._ended(self)

    def _take(self, data: memoryview) -> None:
        start = 0
        while self._transport is not None and not self._transport.is_closing():
            rest = data[start:]
            needed = self._needed(rest)
            if needed > LIMIT + _LENGTH:
                self.abort()
                return
            if len(rest) < needed:
                self._received += rest
                return
            self._handler.received(rest[_LENGTH:needed])
            start += needed

    @staticmethod
    def _needed(received: Buffer) -> int:
        """Return how many bytes the first message takes with its length, as far as is known."""
        if len(received) < _LENGTH:
            return _LENGTH
        return _LENGTH + int.from_bytes(received[:_LENGTH], "big")


class UnixListener(Listener):
    """Holds the lock of its address as long as it lives, so that nobody takes the address of a living process."""

    def __init__(self, path: Path, accept: Callable[[], LinkHandler], lock: int) -> None:
        """Take the path, the held lock of it, and what makes handlers."""
        self._path = path
        self._accept = accept
        self._lock = lock
        self._links: set[UnixLink] = set()
        self._server: asyncio.Server | None = None
        self._all_ended = asyncio.Event()

    async def start(self, end: socket.socket) -> None:
        """Accept connections on the bound socket."""
        self._server = await asyncio.get_running_loop().create_unix_server(self._made, sock=end, backlog=_BACKLOG)

    async def close(self) -> None:
        """Stop accepting, close every accepted link, remove the socket file and free the address."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for link in list(self._links):
            link.close()
            if not link.is_open:  # it closes itself as soon as it opens, if the loop still opens it
                self._links.discard(link)
        if self._links:
            await self._all_ended.wait()
        self._path.unlink(missing_ok=True)
        os.close(self._lock)

    def _made(self) -> UnixLink:
        link = UnixLink(self._accept(), self._forget)
        self._links.add(link)
        return link

    def _forget(self, link: UnixLink) -> None:
        self._links.discard(link)
        if self._server is None and not self._links:
            self._all_ended.set()


class UnixNetwork:
    """The network of one host. Addresses are ``unix:PATH``."""

    def __init__(self, *, group_may_connect: bool = False) -> None:
        """Let this user alone connect to the sockets that are made, or also the members of the process's group."""
        self._mode = 0o660 if group_may_connect else 0o600

    async def connect(self, address: str, handler: LinkHandler) -> Link:
        """Connect; raises PeerUnavailable if nobody listens there or this user may not connect."""
        path = _path(address)
        link = UnixLink(handler)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: link, str(path))
        except OSError as error:
            raise PeerUnavailable(f"nobody can be reached at {address}: {error.strerror}") from None
        return link

    async def listen(self, address: str, accept: Callable[[], LinkHandler]) -> UnixListener:
        """Listen; the socket file of a process that died is replaced, that of a living one never.

        Raises OperatorError if the address is in use or cannot be used.
        """
        path = _path(address)
        try:
            lock = _locked(path)
            try:
                end = _bound(path, self._mode)
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise OperatorError(
                f"cannot listen at {address}: {error.strerror}", "choose another folder, or repair its permissions"
            ) from None
        listener = UnixListener(path, accept, lock)
        await listener.start(end)
        return listener


def _path(address: str) -> Path:
    path = address.removeprefix(_SCHEME)
    if path == address or not path:
        raise OperatorError(f"{address} is not an address", "write unix: and the path of a socket")
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise OperatorError(
            f"the path {path} is too long for a socket",
            f"choose a folder whose sockets have paths of at most {_LONGEST_PATH} bytes",
        )
    return Path(path)


def _locked(path: Path) -> int:
    """Return the locked file that stands for the address; the kernel frees it when its process dies."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise OperatorError(
            f"unix:{path} is in use", "stop the process that listens there, or choose another path"
        ) from None
    return lock


def _bound(path: Path, mode: int) -> socket.socket:
    """Return a socket bound to the path. Nobody can connect before it listens, and then the mode is set."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OperatorError(f"{path} is a file, not a socket", "remove it, or choose another path")
        path.unlink()
    except FileNotFoundError:
        pass
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.bind(str(path))
        path.chmod(mode)
    except BaseException:
        end.close()
        raise
    return end
