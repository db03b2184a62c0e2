"""The outermost process of ``keystead up``: holds the data directory and the socket, and starts the supervisor again.

It does so little that there is nothing in it to fail. When it ends, in whatever way, the supervisor and every role end
too.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Final

from keystead.bootstrap.supervisor import COMMAND, bound_to_parent

REFUSED: Final = 1
"""Exit status of a supervisor that was refused something; trying again would not help."""
FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 5.0
STEADY: Final = 10.0
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Guardian:
    """Runs one child until it stops in order; starts it again when it dies."""

    def __init__(self, arguments: Sequence[str], inherited: tuple[int, ...], report: Callable[[str], None]) -> None:
        """``arguments`` follow ``python -m keystead``; ``inherited`` are file descriptors that the child gets."""
        self._arguments = arguments
        self._inherited = inherited
        self._report = report
        self._child: subprocess.Popen[bytes] | None = None
        self._signals: list[int] = []

    def run(self) -> int:
        """Return the exit status once the child stopped in order, was refused, or a signal told both to stop."""
        for number in _STOPPING:
            signal.signal(number, self._told_to_stop)
        wait = FIRST_WAIT
        while not self._signals:
            started = time.monotonic()
            self._child = self._start()
            if self._signals:  # while it was being started, when there was nobody to pass it on to
                self._child.terminate()
            status = self._child.wait()
            if self._signals or status in (0, REFUSED):
                return max(status, 0)
            if time.monotonic() - started > STEADY:
                wait = FIRST_WAIT
            self._report(f"the supervisor ended (status {status}) and is started again")
            self._wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        return 0

    def _wait(self, seconds: float) -> None:
        """Return after this time, or as soon as a signal tells to stop."""
        # Blocked, so that none is handled between the look and the wait, which would then last.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            told = signal.sigtimedwait(_STOPPING, 0 if self._signals else seconds)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        if told is not None:
            self._signals.append(told.si_signo)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # our own program and arguments
            [*COMMAND, *self._arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=self._inherited,
            preexec_fn=partial(bound_to_parent, signal.SIGTERM, os.getpid()),  # noqa: PLW1509  # one thread only
            process_group=0,
        )

    def _told_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
