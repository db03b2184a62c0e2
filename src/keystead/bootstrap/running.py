"""How a role's process runs: one event loop, until a signal tells it to stop."""

import asyncio
import gc
import signal
from collections.abc import Coroutine
from typing import Final

import uvloop

_YOUNG: Final = 20_000
"""Objects that are made before the youngest are looked through; the default is 700."""
_MIDDLE: Final = 20
_OLD: Final = 50


def run(main: Coroutine[object, object, None]) -> None:
    """Run the role on uvloop to its end."""
    _spare_the_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def until_told_to_stop() -> None:
    """Return at the first SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def _spare_the_collector() -> None:
    """Leave what was loaded out of every later collection, and collect what requests leave behind less often.

    Requests leave almost no cycles, but many short-lived objects; by default these make the collector walk through
    everything that the process has loaded again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
