"""The links to the modules of a domain; modules come and go while they are used."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from keystead.transport.module_link import ModuleLink


class ModuleLinks:
    """One link for each address. Every field is owned by the event loop that ``run`` runs on."""

    def __init__(self, make: Callable[[str], ModuleLink], addresses: Sequence[str]) -> None:
        """Take who makes the link to an address; nothing is connected before ``run``."""
        self.now: tuple[ModuleLink, ...] = ()
        """The links of the moment."""
        self._make = make
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[ModuleLink, asyncio.Task[None]] = {}
        self.use(addresses)

    def __iter__(self) -> Iterator[ModuleLink]:
        """Return the links of this moment, whatever comes and goes meanwhile."""
        return iter(self.now)

    async def run(self) -> None:
        """Keep the links until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for link in self.now:
                    self._running[link] = tasks.create_task(link.run())
                await asyncio.Event().wait()
        finally:
            self._tasks = None
            self._running.clear()

    def use(self, addresses: Sequence[str]) -> None:
        """Link to the modules at these addresses from now on. One that is left out still answers what it was asked."""
        before = {link.address: link for link in self.now}
        wanted = dict.fromkeys(addresses)
        self.now = tuple([before[one] if one in before else self._made(one) for one in wanted])
        for address in before.keys() - wanted.keys():
            link = before[address]
            link.leave()
            if (running := self._running.pop(link, None)) is not None:
                running.cancel()

    def _made(self, address: str) -> ModuleLink:
        link = self._make(address)
        if self._tasks is not None:
            self._running[link] = self._tasks.create_task(link.run())
        return link
