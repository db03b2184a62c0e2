"""A network in virtual time: seeded delays, connections that break, and a trace of all that was sent."""

import asyncio
import random
from collections import deque
from collections.abc import Callable

from keystead.core.ports import Buffer, Link, LinkHandler, Listener
from keystead.errors import OperatorError, PeerUnavailable
from tests.simulators.loop import SimLoop
from tests.simulators.world import SimProcess

Describe = Callable[[bytes], str]


def first_byte(message: bytes) -> str:
    """Describe a message by its first byte: the kind, in most of our protocols."""
    return f"kind-{message[0]}" if message else "empty"


class SimNetwork:
    """Joins the processes of one simulation. Whatever it decides, its seed decides."""

    def __init__(self, loop: SimLoop, seed: int, describe: Describe = first_byte) -> None:
        """Take the loop, the seed, and how a message is called in the trace."""
        self.loop = loop
        self.dice = random.Random(f"network/{seed}")
        self.delay = (0.00005, 0.002)
        """Shortest and longest seconds that a message takes."""
        self.cut_chance = 0.0
        """How likely a message is to break its connection instead of arriving."""
        self.trace: list[str] = []
        """A line for each event: virtual time, from, to, kind, length. Never contents: some are random by standard."""
        self.describe = describe
        self.listeners: dict[str, _SimListener] = {}
        self.severed: set[frozenset[str]] = set()
        self.pairs: list[_Pair] = []

    def of(self, process: SimProcess) -> "SimNode":
        """Return the network as this process sees it."""
        return SimNode(self, process)

    def sever(self, one: str, other: str) -> None:
        """Break the connections between two processes, and let no new one be made until ``heal``."""
        self.severed.add(frozenset((one, other)))
        self.cut(one, other)

    def heal(self, one: str, other: str) -> None:
        """Let two processes reach each other again."""
        self.severed.discard(frozenset((one, other)))

    def cut(self, one: str, other: str) -> None:
        """Break the connections between two processes; new ones may be made."""
        for pair in list(self.pairs):
            if {pair.client.process.name, pair.server.process.name} == {one, other}:
                pair.cut()

    def note(self, source: str, target: str, kind: str, length: int) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.loop.time():.9f} {source} {target} {kind} {length}")

    def latency(self) -> float:
        """Return the seconds that the next message takes."""
        return self.dice.uniform(*self.delay)


class SimNode:
    """The port ``core.ports.Network`` of one process."""

    def __init__(self, network: SimNetwork, process: SimProcess) -> None:
        self._network = network
        self._process = process

    async def connect(self, address: str, handler: LinkHandler) -> Link:
        """Connect; as a kernel does, also to a process that is paused."""
        network = self._network
        await asyncio.sleep(network.latency())
        listener = network.listeners.get(address)
        if listener is None or frozenset((self._process.name, listener.process.name)) in network.severed:
            network.note(self._process.name, address, "refused", 0)
            raise PeerUnavailable(f"nobody listens at {address}")
        pair = _Pair(network, _End(network, self._process), _End(network, listener.process))
        network.pairs.append(pair)
        network.note(self._process.name, listener.process.name, "connect", 0)
        pair.server.schedule(lambda: pair.server.begin(listener.accept()))
        pair.client.begin(handler)
        return pair.client

    async def listen(self, address: str, accept: Callable[[], LinkHandler]) -> Listener:
        """Listen at a name."""
        if address in self._network.listeners:
            raise OperatorError(f"{address} is in use", "choose another name")
        listener = _SimListener(self._network, self._process, address, accept)
        self._network.listeners[address] = listener
        self._process.when_killed(listener.vanish)
        return listener


class _SimListener(Listener):
    def __init__(
        self, network: SimNetwork, process: SimProcess, address: str, accept: Callable[[], LinkHandler]
    ) -> None:
        self.process = process
        self.accept = accept
        self._network = network
        self._address = address

    def vanish(self) -> None:
        if self._network.listeners.get(self._address) is self:
            del self._network.listeners[self._address]

    async def close(self) -> None:
        self.vanish()
        for pair in list(self._network.pairs):
            if pair.server.process is self.process:
                pair.server.close()


class _Pair:
    """A connection: two ends, and what is on the way to each."""

    def __init__(self, network: SimNetwork, client: "_End", server: "_End") -> None:
        self.client = client
        self.server = server
        self._network = network
        client.pair = server.pair = self
        for end in (client, server):
            end.process.when_killed(self.cut)

    def other(self, end: "_End") -> "_End":
        return self.server if end is self.client else self.client

    def cut(self) -> None:
        """Break both ways: what is on the way is lost, and both ends hear that it ended."""
        if self in self._network.pairs:
            self._network.pairs.remove(self)
            self._network.note(self.client.process.name, self.server.process.name, "cut", 0)
            for end in (self.client, self.server):
                end.lose()


class _End(Link):
    """One end of a connection. What arrives here waits in order; each delivery takes the oldest."""

    pair: _Pair

    def __init__(self, network: SimNetwork, process: SimProcess) -> None:
        self.process = process
        self._network = network
        self._handler: LinkHandler | None = None
        self._inbox: deque[bytes | None] = deque()
        self._last_arrival = 0.0
        self._open = True
        self._begun = False

    def begin(self, handler: LinkHandler) -> None:
        """Hand this end to who hears it."""
        self._begun = True
        self._handler = handler
        handler.opened(self)

    def send(self, message: Buffer) -> None:
        """Put a copy on the way, unless this end is closed or the dice break the connection."""
        if not self._open or not self.process.alive:
            return
        peer = self.pair.other(self)
        content = bytes(message)
        self._network.note(self.process.name, peer.process.name, self._network.describe(content), len(content))
        if self._network.dice.random() < self._network.cut_chance:
            self.pair.cut()
        else:
            peer.arrive(content)

    def close(self) -> None:
        """Close; what was sent before still arrives."""
        if self._open and self.process.alive:
            self._open = False
            if self.pair in self._network.pairs:
                self._network.pairs.remove(self.pair)
                self.pair.other(self).arrive(None)
            self.schedule(self._end)

    def lose(self) -> None:
        """Forget what is on the way and hear that the connection ended."""
        self._inbox.clear()
        self.arrive(None)

    def arrive(self, message: bytes | None) -> None:
        """Deliver after a while, never before what was sent before; None is the end."""
        self._inbox.append(message)
        self._last_arrival = max(self._last_arrival, self._network.loop.time() + self._network.latency())
        self.schedule(self._deliver, self._last_arrival)

    def schedule(self, call: Callable[[], None], when: float | None = None) -> None:
        """Call in this end's process: later if it is paused, never if it is dead."""
        loop = self._network.loop
        moment = loop.time() + self._network.latency() if when is None else when
        loop.call_at(moment, call, context=self.process.context)

    def _deliver(self) -> None:
        if not self._begun:
            self.schedule(self._deliver)
        elif self._inbox and self._handler is not None:
            message = self._inbox.popleft()
            if message is None:
                self._open = False
                self._end()
            elif self._open:
                self._handler.received(message)

    def _end(self) -> None:
        handler, self._handler = self._handler, None
        self._inbox.clear()
        if handler is not None:
            handler.closed()
