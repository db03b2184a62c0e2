"""Unix links: framing, limits, who may listen where, and an orderly end; on asyncio's loop and on uvloop."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.errors import OperatorError, PeerUnavailable
from keystead.transport.unix import LIMIT, PeerCredentials, UnixLink, UnixNetwork

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine on either loop."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main)

    return run


class Recorder(LinkHandler):
    """Queues what it hears."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended = asyncio.Event()

    def opened(self, link: Link) -> None:
        """Keep the link."""
        self.link = link

    def received(self, message: Buffer) -> None:
        """Keep the message."""
        self.heard.put_nowait(bytes(message))

    def closed(self) -> None:
        """Note the end."""
        self.ended.set()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Return a free address."""
    return f"unix:{tmp_path}/a.sock"


async def raw(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect without framing."""
    return await asyncio.open_unix_connection(address.removeprefix("unix:"))


async def reach(far: Recorder, address: str) -> None:
    """Connect and see that a message gets there."""
    link = await UnixNetwork().connect(address, Recorder())
    link.send(b"reached")
    assert await far.heard.get() == b"reached"


def test_messages_arrive_whole_and_in_order(run: Run, address: str) -> None:
    """Small, empty and largest messages pass both ways, whole, in order."""

    async def main() -> None:
        far, near = Recorder(), Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        link = await UnixNetwork().connect(address, near)
        messages = [b"", b"one", bytes(range(256)) * 1000, bytes(LIMIT), b"last"]
        for message in messages:
            link.send(message)
        assert [await far.heard.get() for _ in messages] == messages
        assert far.link is not None
        far.link.send(bytearray(b"back"))
        assert await near.heard.get() == b"back"
        link.close()
        await far.ended.wait()
        await near.ended.wait()
        await listener.close()

    run(main())


def test_a_message_may_come_byte_by_byte(run: Run, address: str) -> None:
    """However the stream is cut, the messages are the same."""

    async def main() -> None:
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        _, writer = await raw(address)
        for byte in b"\x00\x00\x00\x03abc\x00\x00\x00\x00\x00\x00\x00\x01d":
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        assert [await far.heard.get() for _ in range(3)] == [b"abc", b"", b"d"]
        writer.close()
        await listener.close()

    run(main())


def test_a_message_above_the_limit_closes_the_link(run: Run, address: str) -> None:
    """Who announces more than LIMIT is closed before any of it is kept."""

    async def main() -> None:
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        reader, writer = await raw(address)
        writer.write((LIMIT + 1).to_bytes(4, "big"))
        await far.ended.wait()
        assert far.heard.empty()
        assert await reader.read() == b""
        writer.close()
        await listener.close()

    run(main())


def test_a_message_above_the_limit_is_not_sent(run: Run, address: str) -> None:
    """A mistake of the sender is raised at the sender."""

    async def main() -> None:
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        link = await UnixNetwork().connect(address, Recorder())
        with pytest.raises(ValueError, match="longer"):
            link.send(bytes(LIMIT + 1))
        link.send(b"short")
        assert await far.heard.get() == b"short"
        await listener.close()

    run(main())


def test_who_does_not_read_is_closed(run: Run, address: str) -> None:
    """What waits for a peer is bounded."""

    async def main() -> None:
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        _, writer = await raw(address)
        writer.write(b"\x00\x00\x00\x01x")
        await far.heard.get()
        assert far.link is not None
        for _ in range(4):
            far.link.send(bytes(LIMIT))
        await far.ended.wait()
        writer.close()
        await listener.close()

    run(main())


def test_sending_on_a_closed_link_is_silent(run: Run, address: str) -> None:
    """As the port promises: dropped, not raised."""

    async def main() -> None:
        far, near = Recorder(), Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        link = await UnixNetwork().connect(address, near)
        link.close()
        link.send(b"dropped")
        await near.ended.wait()
        link.send(b"dropped")
        link.close()
        await far.ended.wait()
        assert far.heard.empty()
        await listener.close()

    run(main())


def test_closing_the_listener_closes_its_links_and_frees_the_address(run: Run, address: str, tmp_path: Path) -> None:
    """Peers hear the end, the socket file is gone, and the address can be used again."""

    async def main() -> None:
        far, near = Recorder(), Recorder()
        first = await UnixNetwork().listen(address, lambda: far)
        link = await UnixNetwork().connect(address, near)
        link.send(b"here")
        await far.heard.get()
        await first.close()
        await first.close()
        await near.ended.wait()
        assert not (tmp_path / "a.sock").exists()
        second = await UnixNetwork().listen(address, Recorder)
        await second.close()

    run(main())


def test_nobody_listening_is_an_unavailable_peer(run: Run, address: str, tmp_path: Path) -> None:
    """Neither a missing socket nor one that its process left behind can be connected."""

    async def main() -> None:
        with pytest.raises(PeerUnavailable):
            await UnixNetwork().connect(address, Recorder())
        leave_behind(tmp_path / "a.sock")
        with pytest.raises(PeerUnavailable):
            await UnixNetwork().connect(address, Recorder())

    run(main())


def leave_behind(path: Path) -> None:
    """Leave a socket file as a killed process does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.bind(str(path))


def test_the_socket_of_a_dead_process_is_replaced(run: Run, address: str, tmp_path: Path) -> None:
    """A stale file does not keep a service from starting."""

    async def main() -> None:
        leave_behind(tmp_path / "a.sock")
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        await reach(far, address)
        await listener.close()

    run(main())


def test_the_address_of_a_living_process_is_refused(run: Run, address: str) -> None:
    """Two cannot listen at one address; the second is told what to do, and the first goes on."""

    async def main() -> None:
        far = Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        with pytest.raises(OperatorError, match="in use"):
            await UnixNetwork().listen(address, Recorder)
        await reach(far, address)
        await listener.close()

    run(main())


def test_a_file_that_is_no_socket_is_not_replaced(run: Run, address: str, tmp_path: Path) -> None:
    """Nobody's data is deleted."""

    async def main() -> None:
        (tmp_path / "a.sock").write_text("precious")
        with pytest.raises(OperatorError, match="not a socket"):
            await UnixNetwork().listen(address, Recorder)
        assert (tmp_path / "a.sock").read_text() == "precious"

    run(main())


@pytest.mark.parametrize(("group", "mode"), [(False, 0o600), (True, 0o660)])
def test_a_socket_is_for_its_user_or_for_its_group_too(
    run: Run,
    address: str,
    tmp_path: Path,
    group: bool,  # noqa: FBT001 -- a case of two
    mode: int,
) -> None:
    """Whatever the umask is."""

    async def main() -> None:
        before = os.umask(0)
        try:
            listener = await UnixNetwork(group_may_connect=group).listen(address, Recorder)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a.sock").stat().st_mode) == mode
        await listener.close()

    run(main())


def test_the_peer_is_known(run: Run, address: str) -> None:
    """The kernel's word on who connected is at hand while the link is open."""

    async def main() -> None:
        far, near = Recorder(), Recorder()
        listener = await UnixNetwork().listen(address, lambda: far)
        link = await UnixNetwork().connect(address, near)
        link.send(b"x")
        await far.heard.get()
        assert isinstance(far.link, UnixLink)
        assert far.link.peer == PeerCredentials(os.getpid(), os.getuid(), os.getgid())
        link.close()
        await far.ended.wait()
        with pytest.raises(PeerUnavailable):
            _ = far.link.peer
        await listener.close()

    run(main())


@pytest.mark.parametrize("address", ["a.sock", "unix:", "tcp:host:1", "unix:/" + "x" * 107])
def test_what_is_no_address_is_told_apart(address: str) -> None:
    """A wrong or too long address is an error of configuration."""
    with pytest.raises(OperatorError):
        asyncio.run(_listen(address))


async def _listen(address: str) -> None:
    await UnixNetwork().listen(address, Recorder)


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """What the system says is passed on with what to do."""
    with pytest.raises(OperatorError, match="No such file"):
        asyncio.run(_listen(f"unix:{tmp_path}/missing/a.sock"))
