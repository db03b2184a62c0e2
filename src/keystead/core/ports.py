"""What the outside world is to the rest of Keystead: clock, randomness, disk and network.

Production hands in the real ones, a simulation hands in its own; nothing else asks the time, rolls dice, or touches a
disk or a socket. Each docstring is the contract of the port.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Return milliseconds since the Unix epoch; may jump when the host's clock is set."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""


class Randomness(Protocol):
    """A cryptographically secure source."""

    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes for something that is not secret (a nonce, an id)."""

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer with random bytes and leave no other copy of them in memory."""


class Disk(Protocol):
    """Small durable files of one process, by name."""

    def read(self, name: str) -> bytes | None:
        """Return the content, or None if there is no such file."""

    def write(self, name: str, content: bytes) -> None:
        """Replace the content atomically; on return it survives a power cut. A failed sync is raised, never retried."""

    def remove(self, name: str) -> None:
        """Overwrite the file where it lies and remove it, if it is there; on return that survives a power cut."""


class Link(Protocol):
    """One end of a connection that carries whole messages, in order, each at most once."""

    def send(self, message: Buffer) -> None:
        """Queue one message; silently dropped if the link is closed. The buffer may be wiped when this returns."""

    def close(self) -> None:
        """Close; the handlers of both ends hear ``closed``."""


class LinkHandler(Protocol):
    """What hears one end of a connection; called on the event loop, must not block."""

    def opened(self, link: Link) -> None:
        """Take the link; called once, first."""

    def received(self, message: Buffer) -> None:
        """Take one whole message; the buffer is only valid during the call."""

    def closed(self) -> None:
        """Learn that no message will come any more; called once, last."""


class Listener(Protocol):
    """A place where connections are accepted."""

    async def close(self) -> None:
        """Stop accepting and close every accepted link."""


class Network(Protocol):
    """Carries links. An address is text: ``unix:PATH`` in production, any name in a simulation."""

    async def connect(self, address: str, handler: LinkHandler) -> Link:
        """Connect; raises PeerUnavailable if nobody listens there."""

    async def listen(self, address: str, accept: Callable[[], LinkHandler]) -> Listener:
        """Listen; ``accept`` makes the handler of each new connection."""
