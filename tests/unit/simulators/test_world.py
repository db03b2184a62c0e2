"""The simulated world keeps its promises: time, order, stopping, dying, one history for one seed."""

import asyncio
import time

import pytest

from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.errors import OperatorError, PeerUnavailable
from tests.simulators.loop import SimLoop, Stuck, TooLate, simulate
from tests.simulators.network import SimNetwork
from tests.simulators.world import MemoryDisk, PowerCut, SeededRandomness, SimClock, SimProcess


class Recorder(LinkHandler):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.heard: list[bytes | str] = []

    def opened(self, link: Link) -> None:
        """Note the link."""
        self.link = link
        self.heard.append("opened")

    def received(self, message: Buffer) -> None:
        """Note the message."""
        self.heard.append(bytes(message))

    def closed(self) -> None:
        """Note the end."""
        self.heard.append("closed")


class Pair:
    """Two processes and a connection from ``client`` to ``server``."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.network = SimNetwork(loop, 1)
        self.client = SimProcess("client", loop)
        self.server = SimProcess("server", loop)
        self.near = Recorder()
        self.far = Recorder()

    async def connect(self) -> Link:
        """Listen, connect, and wait until both ends are open."""
        await self.server.start(self.network.of(self.server).listen("server", lambda: self.far))
        link: Link = await self.client.start(self.network.of(self.client).connect("server", self.near))
        await asyncio.sleep(1)
        return link


def test_virtual_time_passes_without_waiting() -> None:
    """An hour of sleep takes no hour, and the clock shows it, with the error that the test gives it."""

    async def story() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        clock = SimClock(loop)
        before = clock.now()
        await asyncio.sleep(3000)
        clock.error = -1000
        return clock.now() - before, clock.monotonic()

    begun = time.monotonic()
    assert simulate(story) == (2_999_000, 3000.0)
    assert time.monotonic() - begun < 60


def test_a_simulation_that_waits_for_nothing_is_stuck() -> None:
    """A wait that cannot end is an error at once."""

    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        simulate(story)


def test_a_simulation_ends_at_its_horizon() -> None:
    """A history that goes on for ever is given up."""

    async def story() -> None:
        for _ in range(100):
            await asyncio.sleep(1)

    with pytest.raises(TooLate):
        simulate(story, horizon=10)


def test_the_seed_decides_what_runs_first() -> None:
    """Ready callbacks run in an order that one seed repeats and another changes."""

    async def story() -> list[int]:
        order: list[int] = []

        async def note(number: int) -> None:
            await asyncio.sleep(0)
            order.append(number)

        await asyncio.gather(*[note(number) for number in range(20)])
        return order

    assert simulate(story, 1) == simulate(story, 1)
    assert simulate(story, 1) != simulate(story, 2)


def test_an_executor_runs_on_the_loop() -> None:
    """Work for a thread is done in virtual time, and its error comes back."""

    async def story() -> int:
        loop = asyncio.get_running_loop()
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        return await loop.run_in_executor(None, lambda: 7)

    assert simulate(story) == 7


def test_messages_arrive_in_order_and_the_end_comes_last() -> None:
    """A link delivers all that was sent before it was closed, in order, and then the end, to both ends once."""

    async def story() -> None:
        pair = Pair()
        link = await pair.connect()
        for number in range(50):
            link.send(b"%d" % number)
        link.close()
        link.send(b"too late")
        await asyncio.sleep(1)
        assert pair.far.heard == ["opened", *[b"%d" % number for number in range(50)], "closed"]
        assert pair.near.heard == ["opened", "closed"]

    simulate(story)


def test_a_sent_buffer_may_be_wiped() -> None:
    """The network keeps a copy of its own."""

    async def story() -> None:
        pair = Pair()
        link = await pair.connect()
        message = bytearray(b"secret")
        link.send(message)
        message[:] = bytes(6)
        await asyncio.sleep(1)
        assert pair.far.heard == ["opened", b"secret"]

    simulate(story)


def test_a_paused_process_hears_when_it_continues() -> None:
    """What came while it was stopped waits, its own timers too, and happens in order afterwards."""

    async def story() -> None:
        pair = Pair()
        link = await pair.connect()
        woke: list[float] = []

        async def nap() -> None:
            await asyncio.sleep(1)
            woke.append(asyncio.get_running_loop().time())

        pair.server.start(nap())
        await asyncio.sleep(0.5)
        pair.server.pause()
        link.send(b"one")
        link.send(b"two")
        await asyncio.sleep(5)
        assert pair.far.heard == ["opened"]
        assert not woke
        pair.server.resume()
        await asyncio.sleep(1)
        assert pair.far.heard == ["opened", b"one", b"two"]
        assert woke[0] > 6

    simulate(story)


def test_a_killed_process_says_no_last_word() -> None:
    """Nothing of it runs again, not even a finally; its connections break and its address is free."""

    async def story() -> None:
        pair = Pair()
        await pair.connect()
        spoke: list[str] = []

        async def serve() -> None:
            try:
                await asyncio.sleep(1)
            finally:
                spoke.append("finally")

        pair.server.start(serve())
        await asyncio.sleep(0.5)
        pair.server.kill()
        await asyncio.sleep(5)
        assert pair.near.heard == ["opened", "closed"]
        assert pair.far.heard == ["opened"]
        assert not spoke
        with pytest.raises(PeerUnavailable):
            await pair.network.of(pair.client).connect("server", Recorder())

    simulate(story)


def test_severed_processes_cannot_reach_each_other_until_healed() -> None:
    """Severing breaks what is open and refuses what is new; healing allows it again."""

    async def story() -> None:
        pair = Pair()
        await pair.connect()
        pair.network.sever("client", "server")
        await asyncio.sleep(1)
        assert pair.near.heard == ["opened", "closed"]
        with pytest.raises(PeerUnavailable):
            await pair.network.of(pair.client).connect("server", Recorder())
        pair.network.heal("client", "server")
        await pair.network.of(pair.client).connect("server", Recorder())

    simulate(story)


def test_an_address_is_taken_once() -> None:
    """Two processes cannot listen at one name; a closed listener frees it, and closes its links."""

    async def story() -> None:
        pair = Pair()
        await pair.connect()
        node = pair.network.of(pair.client)
        with pytest.raises(OperatorError):
            await node.listen("server", Recorder)
        other = await node.listen("other", Recorder)
        await other.close()
        await node.listen("other", Recorder)

    simulate(story)


def test_the_dice_of_two_processes_are_independent() -> None:
    """The same seed and name give the same bytes; another name gives others."""
    one, again, other = SeededRandomness(1, "a"), SeededRandomness(1, "a"), SeededRandomness(1, "b")
    buffer = bytearray(16)
    again.fill(buffer)
    assert one.token(16) == bytes(buffer) != other.token(16)


def test_a_cut_write_leaves_the_old_or_the_new_content() -> None:
    """A power cut in a write raises PowerCut and tears nothing; both ends of it come up, as the dice fall."""
    found = set()
    for seed in range(20):
        disk = MemoryDisk(SeededRandomness(seed, "disk"))
        disk.write("state", b"old")
        disk.cut_power_at(1)
        with pytest.raises(PowerCut):
            disk.write("state", b"new")
        found.add(disk.read("state"))
        disk.remove("state")
        assert disk.read("state") is None
    assert found == {b"old", b"new"}


def test_a_cut_removal_leaves_the_file_or_zeros_or_nothing() -> None:
    """As a disk does that overwrites a file before it removes it."""
    found = set()
    for seed in range(30):
        disk = MemoryDisk(SeededRandomness(seed, "disk"))
        disk.write("state", b"old")
        disk.cut_power_at(1)
        with pytest.raises(PowerCut):
            disk.remove("state")
        found.add(disk.read("state"))
    assert found == {b"old", bytes(3), None}
