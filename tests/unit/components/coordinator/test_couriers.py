"""Couriers come and go with the addresses that are used, and those that go leave nothing behind."""

import asyncio

from keystead.components.coordinator.couriers import Couriers
from tests.simulators.loop import simulate


class Attending:
    """A courier that says only whether it runs."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.runs = False

    async def run(self) -> None:
        """Attend until cancelled."""
        self.runs = True
        try:
            await asyncio.Event().wait()
        finally:
            self.runs = False


def test_each_address_in_use_has_one_courier_that_runs() -> None:
    """One that stays is the same as before; one that goes has ended; all end with the coordinator."""

    async def story() -> None:
        made: list[Attending] = []

        def make(address: str) -> Attending:
            made.append(Attending(address))
            return made[-1]

        async with asyncio.TaskGroup() as tasks:
            couriers = Couriers(make, tasks)  # type: ignore[arg-type]
            couriers.use(["module-1", "module-2", "module-2"])
            await asyncio.sleep(1)  # in virtual time: until all that was begun waits
            first, second = made
            couriers.use(["module-2", "module-3"])
            await asyncio.sleep(1)  # in virtual time: until all that was begun waits
            attending: list[object] = list(couriers)
            assert attending == [second, made[2]]
            assert [one.runs for one in made] == [False, True, True]
            assert first.address == "module-1"
            couriers.stop()
        assert not any(one.runs for one in made)
        assert list(couriers) == []

    simulate(story, 1)
