"""What goes wrong, and when, as the seed says."""

import asyncio
import random

from tests.simulation.installation import MODULES, ROLES, Installation

CALM_DELAY = (0.00005, 0.002)
BAD_DELAY = (0.001, 0.3)
PAIRS = [(service, module) for service in ("authentication", "cryptography", "coordinator") for module in MODULES]
PAIRS.append(("cryptography", "authentication"))
DISKS = (*MODULES, "domain")
NEVER = 1_000_000_000


class Faults:
    """Does harm for a while; ``end`` mends all that it did."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self._at = installation
        self._dice = random.Random(f"faults/{seed}")
        self._repairs: list[asyncio.Task[None]] = []
        self._supervising = asyncio.create_task(self._supervise())

    async def rage(self, seconds: float) -> None:
        """Do one thing after another until the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        harms = [self._kill, self._kill, self._pause, self._cut, self._sever, self._delay, self._drop, self._set_clock]
        harms.append(self._cut_power)
        while loop.time() < until:
            harm = self._dice.choice(harms)
            self._at.network.note("faults", harm.__name__, "", 0)
            self._repairs.append(asyncio.create_task(harm(self._dice.uniform(0.05, 1.8))))
            await asyncio.sleep(self._dice.uniform(0.02, 0.8))

    async def end(self) -> None:
        """Return when everything is mended; what dies from now on is started again all the same."""
        await asyncio.gather(*self._repairs)
        for disk in self._at.disks.values():
            disk.cut_power_at(NEVER)

    def stop(self) -> None:
        """Start nothing again any more."""
        self._supervising.cancel()

    async def _supervise(self) -> None:
        """Start again what died, as the supervisor does."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.02, 0.2))
            for name, role in self._at.roles.items():
                if not role.process.alive:
                    await self._at.start(name)

    async def _cut_power(self, _seconds: float) -> None:
        self._at.disks[self._dice.choice(DISKS)].cut_power_at(1)

    async def _kill(self, _seconds: float) -> None:
        self._at.roles[self._dice.choice(ROLES)].process.kill()

    async def _pause(self, seconds: float) -> None:
        process = self._at.roles[self._dice.choice(ROLES)].process
        process.pause()
        await asyncio.sleep(seconds)
        process.resume()

    async def _cut(self, _seconds: float) -> None:
        self._at.network.cut(*self._dice.choice(PAIRS))

    async def _sever(self, seconds: float) -> None:
        pair = self._dice.choice(PAIRS)
        self._at.network.sever(*pair)
        await asyncio.sleep(seconds)
        self._at.network.heal(*pair)

    async def _delay(self, seconds: float) -> None:
        self._at.network.delay = BAD_DELAY
        await asyncio.sleep(seconds)
        self._at.network.delay = CALM_DELAY

    async def _drop(self, seconds: float) -> None:
        self._at.network.cut_chance = 0.02
        await asyncio.sleep(seconds)
        self._at.network.cut_chance = 0.0

    async def _set_clock(self, seconds: float) -> None:
        clock = self._at.clocks[self._dice.choice([*ROLES, "clients"])]
        clock.error += self._dice.choice((-60_000, -4_000, 4_000, 60_000))
        await asyncio.sleep(seconds)
        clock.error = 0
