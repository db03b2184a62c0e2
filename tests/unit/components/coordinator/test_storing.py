"""What is ready together is stored together, and others get their turn at the database."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from keystead.components.coordinator.pace import Pace
from keystead.components.coordinator.storing import Storing
from keystead.core.rotation.repository import MovedKey, Stored
from keystead.errors import RepositoryUnavailable
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.world import SimClock

PAGE: list[Any] = [None] * 5


class Slow:
    """A repository whose transactions take a second."""

    def __init__(self, *, others_write: bool = False) -> None:
        self.others_write = others_write
        self.begun: list[float] = []
        self.sizes: list[int] = []

    async def reseal(self, _rotation: int, moved: Sequence[MovedKey], _now: int) -> Stored:
        """Take a second."""
        self.begun.append(asyncio.get_running_loop().time())
        self.sizes.append(len(moved))
        await asyncio.sleep(1)
        return Stored(len(moved), self.others_write)


async def stored(writer: Slow, pages: int) -> None:
    """Store so many pages, one after the other as fast as they are taken."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    clock = SimClock(loop)
    storing = Storing(writer, clock, Pace(clock), 1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(storing.run())
        for _ in range(pages):
            await storing.put(PAGE)
        await storing.end()


def test_nothing_is_lost_and_little_waits() -> None:
    """Every key is stored, in fewer transactions than pages, of bounded size."""
    writer = Slow()
    simulate(lambda: stored(writer, 200), 1)
    assert sum(writer.sizes) == 200 * len(PAGE)
    assert len(writer.sizes) < 10
    assert max(writer.sizes) <= 65 * len(PAGE)


@pytest.mark.parametrize(("others_write", "between"), [(False, 1.25), (True, 2.0)])
def test_the_database_is_left_to_others(others_write: bool, between: float) -> None:  # noqa: FBT001, a parameter
    """For as long as a transaction took if they write, for a quarter of it if nobody was seen to."""
    writer = Slow(others_write=others_write)
    simulate(lambda: stored(writer, 300), 1)
    gaps = [later - earlier for earlier, later in zip(writer.begun[:-1], writer.begun[1:], strict=True)]
    assert gaps == pytest.approx([between] * len(gaps))
    assert len(gaps) > 2


def test_a_failure_ends_it() -> None:
    """Who puts pages hears of it."""

    class Broken(Slow):
        async def reseal(self, _rotation: int, moved: Sequence[MovedKey], _now: int) -> Stored:
            raise RepositoryUnavailable("the database failed")

    with pytest.raises(ExceptionGroup) as failed:
        simulate(lambda: stored(Broken(), 300), 1)
    assert failed.group_contains(RepositoryUnavailable)
