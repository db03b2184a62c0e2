"""One courier for each address of a module; modules come and go while the coordinator runs.

An address is believed nothing: whoever listens there is brought only what its identity is listed for.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from keystead.components.coordinator.courier import Courier


class Couriers:
    """The couriers of the moment. Every field is owned by the event loop."""

    def __init__(self, make: Callable[[str], Courier], tasks: asyncio.TaskGroup) -> None:
        """Take who makes the courier to an address, and where couriers run."""
        self._make = make
        self._tasks = tasks
        self._running: dict[str, tuple[Courier, asyncio.Task[None]]] = {}

    def __iter__(self) -> Iterator[Courier]:
        """Return the couriers."""
        return iter([courier for courier, _ in self._running.values()])

    def use(self, addresses: Sequence[str]) -> None:
        """Attend to the modules at these addresses from now on, and to no other."""
        for address in self._running.keys() - set(addresses):
            _, errand = self._running.pop(address)
            errand.cancel()
        for address in addresses:
            if address not in self._running:
                courier = self._make(address)
                self._running[address] = courier, self._tasks.create_task(courier.run())

    def stop(self) -> None:
        """Attend to nobody any more."""
        self.use(())
