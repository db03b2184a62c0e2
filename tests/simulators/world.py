"""The ports of a simulated host: its clock, its dice and its disk, and the processes that run on it."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from tests.simulators.loop import Fate, SimLoop, fate

EPOCH = 1_700_000_000_000
"""Milliseconds at which simulations begin."""


class SimClock:
    """Tells virtual time, wrong by ``error`` milliseconds, which a test may change at any moment."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.error = 0

    def now(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return EPOCH + int(self._loop.time() * 1000) + self.error

    def monotonic(self) -> float:
        """Return virtual seconds."""
        return self._loop.time()


class SeededRandomness:
    """Dice that fall as the seed and the name say. Each process has its own, so that none disturbs another's."""

    def __init__(self, seed: int, name: str) -> None:
        self._dice = random.Random(f"{name}/{seed}")

    def token(self, size: int) -> bytes:
        """Return ``size`` bytes."""
        return self._dice.randbytes(size)

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer."""
        buffer[:] = self._dice.randbytes(len(buffer))


class PowerCut(BaseException):
    """The host lost power in the middle of a write."""


class MemoryDisk:
    """A disk that survives its processes. Where a write is cut, the old or the new content is there.

    A file whose removal is cut is there as it was, or overwritten, or gone.
    """

    def __init__(self, randomness: SeededRandomness) -> None:
        self._randomness = randomness
        self._files: dict[str, bytes] = {}
        self._writes_left: int | None = None

    def cut_power_at(self, write: int) -> None:
        """Let the write (or removal) of that number, counted from 1 now, raise PowerCut."""
        self._writes_left = write

    def read(self, name: str) -> bytes | None:
        """Return the content, or None."""
        return self._files.get(name)

    def write(self, name: str, content: bytes) -> None:
        """Replace the content atomically."""
        self._change(lambda: self._files.__setitem__(name, bytes(content)))

    def remove(self, name: str) -> None:
        """Overwrite the file and remove it."""
        self._change(lambda: self._overwrite(name), lambda: self._files.pop(name, None))

    def snapshot(self) -> dict[str, bytes]:
        """Return all that rests here."""
        return dict(self._files)

    def _overwrite(self, name: str) -> None:
        if name in self._files:
            self._files[name] = bytes(len(self._files[name]))

    def _change(self, *steps: Callable[[], object]) -> None:
        if self._writes_left is not None:
            self._writes_left -= 1
            if self._writes_left == 0:
                self._writes_left = None
                for step in steps[: self._randomness.token(1)[0] % (len(steps) + 1)]:
                    step()
                raise PowerCut
        for step in steps:
            step()


class SimProcess:
    """Runs a coroutine as a process would: it can be stopped (SIGSTOP), continued, and killed without a last word."""

    def __init__(self, name: str, loop: SimLoop) -> None:
        self.name = name
        self.fate = Fate()
        self._loop = loop
        self._at_death: list[Callable[[], None]] = []
        self.context = copy_context()
        self.context.run(fate.set, self.fate)

    @property
    def alive(self) -> bool:
        """Whether it was not killed."""
        return self.fate.alive

    def start(self, main: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run the coroutine in this process."""
        return self._loop.create_task(main, context=self.context)

    def pause(self) -> None:
        """Stop it: its timers and messages wait."""
        self.fate.paused = True

    def resume(self) -> None:
        """Continue it: all that waited happens now."""
        self.fate.paused = False
        self._loop.release(self.fate)

    def kill(self) -> None:
        """End it at once: no callback of it ever runs again, not even a ``finally``; its connections break."""
        self._loop.bury(self.fate)
        for died in self._at_death:
            died()

    def when_killed(self, died: Callable[[], None]) -> None:
        """Tell the outside world when it is killed."""
        self._at_death.append(died)
