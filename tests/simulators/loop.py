"""An event loop in virtual time: it never waits, and it shuffles what is ready as its seed says."""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stuck(RuntimeError):
    """Nothing is ready and nothing is scheduled: the simulation waits for something that cannot come."""


class TooLate(RuntimeError):
    """Virtual time passed the horizon."""


class Fate:
    """Whether what was started in a simulated process still runs; the loop looks here before every callback."""

    def __init__(self) -> None:
        self.alive = True
        self.paused = False
        self.held: list[asyncio.Handle] = []
        self.tasks: list[asyncio.Task[Any]] = []


fate: ContextVar[Fate | None] = ContextVar("fate", default=None)
"""The process that the running callback belongs to; None outside of any."""


class _NoSelector:
    """Instead of waiting for I/O, lets virtual time pass."""

    def __init__(self, loop: "SimLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        """Return no events, at the time at which the loop has something to do."""
        self._loop.pass_time(timeout)
        return []


class _SimFuture(asyncio.Future[Any]):
    """A future with a number for its hash, so that sets of futures have the same order in every run."""

    def __init__(self, number: int, loop: "SimLoop") -> None:
        super().__init__(loop=loop)
        self._number = number

    def __hash__(self) -> int:
        return self._number


class _SimTask(asyncio.Task[Any]):
    """Likewise."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, Any], **options: Any) -> None:
        self._number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class SimLoop(asyncio.BaseEventLoop):
    """Runs callbacks in an order, and at times, that only its seed decides. There is no real I/O and no thread."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, seed: int = 0, horizon: float = 3600.0) -> None:
        """Take the seed, and the virtual second after which the simulation is given up."""
        super().__init__()
        self.dice = random.Random(f"loop/{seed}")
        self.horizon = horizon
        self.dead: set[asyncio.Task[Any]] = set()
        """Tasks of killed processes: they never run again, and are kept so that they are not finalised meanwhile."""
        self._now = 0.0
        self._numbered = 0
        self._selector = _NoSelector(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(_born)  # type: ignore[arg-type]

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return _SimFuture(self.next_number(), self)

    def next_number(self) -> int:
        """Return the number of the next future or task."""
        self._numbered += 1
        return self._numbered

    def time(self) -> float:
        """Return virtual seconds since the simulation began."""
        return self._now

    def pass_time(self, timeout: float | None) -> None:
        """Move to the next scheduled moment, if nothing is ready before it."""
        if timeout is None:
            raise Stuck("nothing is ready and nothing is scheduled")
        if timeout > 0 and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        if self._now > self.horizon:
            raise TooLate(f"{self.horizon} virtual seconds have passed")

    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Run the function on the loop, a little later, as if a thread had."""
        done: asyncio.Future[T] = self.create_future()

        def run() -> None:
            if done.cancelled():
                return
            try:
                done.set_result(func(*args))
            except BaseException as error:  # noqa: BLE001 -- as an executor does
                done.set_exception(error)

        self.call_later(self.dice.uniform(0.00001, 0.001), run)
        return done

    def bury(self, process: Fate) -> None:
        """Never run anything of a process again."""
        process.alive = False
        process.held.clear()
        self.dead.update(process.tasks)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Report an error, unless the simulation is over: what is finalised then belonged to killed processes."""
        if not self.is_closed():
            super().call_exception_handler(context)

    def release(self, process: Fate) -> None:
        """Let the held callbacks of a process run."""
        self._ready.extend(process.held)
        process.held.clear()

    def _process_events(self, event_list: list[object]) -> None:
        """Make due timers ready, hold or drop what belongs to a paused or dead process, and shuffle the rest."""
        while self._scheduled and self._scheduled[0].when() <= self._now:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001 -- as the base does
            self._ready.append(timer)
        runnable = [handle for handle in self._ready if _may_run(handle)]
        self.dice.shuffle(runnable)
        self._ready.clear()
        self._ready.extend(runnable)

    def _write_to_self(self) -> None:
        """Wake up: the loop never sleeps."""


def simulate(main: Callable[[], Coroutine[Any, Any, T]], seed: int = 0, horizon: float = 3600.0) -> T:
    """Run a coroutine to its end in virtual time and return its result; what it left running is ended."""
    loop = SimLoop(seed, horizon)
    try:
        return loop.run_until_complete(main())
    finally:
        _end(loop)
        loop.close()


def _end(loop: SimLoop) -> None:
    """Cancel what lives, and take the dead apart without letting them say anything that is heard."""
    loop.horizon = float("inf")

    async def cancel_the_living() -> None:
        living = asyncio.all_tasks() - loop.dead - {asyncio.current_task()}
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)

    with suppress(Stuck):
        loop.run_until_complete(cancel_the_living())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 -- it is no mistake here
        with suppress(Exception):
            task.get_coro().close()


def _may_run(handle: asyncio.Handle) -> bool:
    process = handle._context.get(fate)  # type: ignore[attr-defined]  # noqa: SLF001 -- the only place that says whose it is
    if process is None:
        return True
    if process.alive and process.paused:
        process.held.append(handle)
    return bool(process.alive and not process.paused)


def _born(loop: SimLoop, coroutine: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
    """Make a task and let its process keep it, so that a dead process's tasks are never collected and finalised."""
    task = _SimTask(loop.next_number(), coroutine, loop=loop, **options)
    context = options.get("context")
    process = fate.get() if context is None else context.get(fate)
    if process is not None:
        process.tasks.append(task)
        task.add_done_callback(process.tasks.remove)
    return task
