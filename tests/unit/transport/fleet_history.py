"""A program that tells one history of a fleet and prints the digest of its trace: ``python -m ... SEED``."""

import asyncio
import hashlib
import sys

from tests.unit.transport.fleet_world import FleetWorld, in_world, item


async def history(world: FleetWorld) -> str:
    """Return the trace of two hundred items among cut connections, a pause, a death and a return."""
    world.network.cut_chance = 0.02
    asked = []
    for number in range(200):
        asked.append(world.fleet.submit(item(str(number)), b"voucher"))
        await asyncio.sleep(world.loop.dice.uniform(0, 0.02))
        if number == 50:
            world.processes[0].pause()
        elif number == 100:
            world.processes[1].kill()
            world.processes[0].resume()
        elif number == 150:
            await world.start_module(1)
    await asyncio.gather(*asked, return_exceptions=True)
    return "\n".join(world.network.trace)


if __name__ == "__main__":
    sys.stdout.write(hashlib.sha256(in_world(history, int(sys.argv[1])).encode()).hexdigest())
