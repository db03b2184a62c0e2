"""How a role's process runs: one event loop, until a signal tells it to stop."""

import asyncio
import signal
from collections.abc import Coroutine

import uvloop


def run(main: Coroutine[object, object, None]) -> None:
    """Run the role on uvloop to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def until_told_to_stop() -> None:
    """Return at the first SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
