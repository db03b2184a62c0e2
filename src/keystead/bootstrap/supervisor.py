"""Keeps the roles of one host running: starts them as children, starts again what ends, stops all in order.

The children's life is bound to this process (PR_SET_PDEATHSIG): whatever way it ends, none is left behind.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from keystead.core.ports import Randomness

FIRST_WAIT: Final = 0.05
"""Seconds before a role that ended is started again for the first time."""
LONGEST_WAIT: Final = 5.0
STEADY: Final = 10.0
"""Seconds after which a role that runs has its waiting time forgiven."""
GRACE: Final = 5.0
"""Seconds that a role has to stop in order before it is killed."""
COMMAND: Final = (sys.executable, "-m", "keystead")
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One process to keep running."""

    name: str
    arguments: Sequence[str]
    """What follows ``python -m keystead``."""
    log: Path
    """Where its standard error goes, appended."""
    inherited: tuple[int, ...] = ()
    """File descriptors that it inherits."""


@dataclass(slots=True, eq=False)
class _Supervised:
    role: Role
    process: asyncio.subprocess.Process | None = None


def bound_to_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send this process the signal when its parent dies; runs in the child before exec.

    A parent that died before the kernel was asked sends nothing any more: then this process ends by itself.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Supervisor:
    """Runs roles until told to stop. Every field is owned by the event loop that it was made on."""

    def __init__(self, report: Callable[[str], None], randomness: Randomness) -> None:
        """``report`` tells the person at the terminal about a role that ended; waiting times are jittered."""
        self._report = report
        self._randomness = randomness
        self._kept: list[tuple[_Supervised, asyncio.Task[None]]] = []

    def add(self, role: Role) -> None:
        """Start a role and keep it running; it will be stopped before those that were added earlier."""
        supervised = _Supervised(role)
        keeper = asyncio.create_task(self._keep(supervised))
        keeper.add_done_callback(self._look)
        self._kept.append((supervised, keeper))

    async def remove(self, name: str) -> None:
        """Stop a role for good, in order, and wait until it has ended."""
        for kept in [one for one in self._kept if one[0].role.name == name]:
            self._kept.remove(kept)
            supervised, keeper = kept
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await _stop(supervised)

    async def stop(self) -> None:
        """Stop every role, the newest first, and wait until each has ended."""
        for _, keeper in self._kept:
            keeper.cancel()
        await asyncio.gather(*(keeper for _, keeper in self._kept), return_exceptions=True)
        for supervised, _ in reversed(self._kept):
            await _stop(supervised)
        self._kept.clear()

    def _look(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            self._report(f"a role cannot be kept running: {type(error).__name__}: {error}")

    async def _keep(self, supervised: _Supervised) -> None:
        wait = FIRST_WAIT
        role = supervised.role
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            supervised.process = await _start(role)
            status = await supervised.process.wait()
            if loop.time() - started > STEADY:
                wait = FIRST_WAIT
            self._report(f"{role.name} ended ({_ending(status)}) and is started again; its log is {role.log}")
            await asyncio.sleep(wait * (1 + self._randomness.token(1)[0] / 256))
            wait = min(wait * 2, LONGEST_WAIT)


def _ending(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"


async def _start(role: Role) -> asyncio.subprocess.Process:
    with role.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            *role.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=role.inherited,
            # Killed rather than asked to stop: the next supervisor starts the same roles at once, and they must be gone
            # by then. Nothing that was acknowledged is lost by it.
            preexec_fn=partial(bound_to_parent, signal.SIGKILL, os.getpid()),
            # A terminal's Ctrl-C goes to the whole foreground group; the roles are to hear of it from here, in order.
            start_new_session=True,
        )


async def _stop(supervised: _Supervised) -> None:
    process = supervised.process
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
