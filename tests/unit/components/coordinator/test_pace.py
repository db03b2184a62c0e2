"""What a rotation does in a second is counted, and kept below a limit."""

import asyncio

import pytest

from keystead.components.coordinator.pace import Pace
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.world import SimClock


def clocked() -> Pace:
    """A pace in virtual time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return Pace(SimClock(loop))


@pytest.mark.parametrize("limit", [10, 100, 640])
def test_no_more_than_the_limit_is_begun_in_a_second(limit: int) -> None:
    """Ten seconds of pages of 64 keys, asked for by four workers: never faster than allowed, and hardly slower."""

    async def story() -> int:
        pace = clocked()
        pace.limit = limit
        begun = 0

        async def work() -> None:
            nonlocal begun
            while True:
                await pace.admit(64)
                begun += 64

        workers = [asyncio.create_task(work()) for _ in range(4)]
        await asyncio.sleep(10)
        for worker in workers:
            worker.cancel()
        return begun

    begun = simulate(story, 1)
    assert 10 * limit <= begun + 64
    assert begun <= 10 * limit + 64


def test_without_a_limit_nobody_waits() -> None:
    """Every page is begun at once."""

    async def story() -> float:
        pace = clocked()
        for _ in range(1000):
            await pace.admit(64)
        return asyncio.get_running_loop().time()

    assert simulate(story, 1) == pytest.approx(0)


def test_the_rate_is_that_of_the_last_second() -> None:
    """What was done earlier is forgotten; what is left goes down with each key, and never below nothing."""

    async def story() -> tuple[list[int], int]:
        pace = clocked()
        pace.left = 150
        rates = []
        for _ in range(4):
            pace.done(50)
            rates.append(pace.rate)
            await asyncio.sleep(0.6)
        await asyncio.sleep(2)
        return [*rates, pace.rate], pace.left

    assert simulate(story, 1) == ([50, 100, 100, 100, 0], 0)
