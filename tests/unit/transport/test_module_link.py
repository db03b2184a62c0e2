"""A link for calls alone, and how links and sessions mend themselves."""

import asyncio

import pytest

from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.module_session.connection import Tenure
from keystead.core.protocols.module_session.messages import Identify, Negotiate
from keystead.errors import FormatError, PeerUnavailable
from keystead.transport.backoff import LONGEST, Backoff
from keystead.transport.module_link import CALL_DEADLINE, PATIENCE, ModuleLink
from keystead.transport.session_keeper import SETTLED
from tests.simulators.session_modules import echo
from tests.simulators.world import SeededRandomness
from tests.unit.transport.fleet_world import FleetWorld, in_world, item

VOUCHER = b"voucher"


def calls_only(world: FleetWorld, address: str = "module-1") -> ModuleLink:
    """Return a link without an owner, running in the front end's process."""
    link = ModuleLink(world.network.of(world.front_end), address, SeededRandomness(1, "calls"))
    world.front_end.start(link.run())
    return link


def test_a_call_waits_for_the_connection_and_is_answered() -> None:
    """A call that is made before the link is connected is made when it is; the module's refusal comes back."""

    async def story(world: FleetWorld) -> None:
        link = calls_only(world)
        assert link.greeting is None
        with pytest.raises(FormatError, match="sessions only"):
            await link.control(Identify())
        assert link.greeting is not None
        assert link.greeting.module == world.domain.members[0].id

    in_world(story)


def test_a_call_is_given_up_at_its_deadline() -> None:
    """Nobody waits longer than CALL_DEADLINE, whether nobody listens or nobody answers."""

    async def story(world: FleetWorld) -> None:
        for link in (calls_only(world, "nobody"), calls_only(world)):
            await asyncio.sleep(0.5)
            world.processes[0].pause()
            begun = world.loop.time()
            with pytest.raises(PeerUnavailable):
                await link.control(Identify())
            assert world.loop.time() - begun <= CALL_DEADLINE + 0.01

    in_world(story)


def test_a_call_whose_connection_ends_is_not_made_again() -> None:
    """The module may have done what it was asked, so the caller must decide."""

    async def story(world: FleetWorld) -> None:
        link = calls_only(world)
        await asyncio.sleep(0.5)
        world.processes[0].pause()
        call = asyncio.ensure_future(link.control(Negotiate(b"hello")))
        await asyncio.sleep(0.1)
        world.processes[0].kill()
        with pytest.raises(PeerUnavailable, match="closed"):
            await call

    in_world(story)


class Silent(LinkHandler):
    """Accepts and says nothing, or says what no module says."""

    def __init__(self, message: bytes | None = None) -> None:
        self.message = message

    def opened(self, link: Link) -> None:
        """Say it."""
        if self.message is not None:
            link.send(self.message)

    def received(self, message: Buffer) -> None:
        """Ignore it."""

    def closed(self) -> None:
        """Ignore it."""


@pytest.mark.parametrize("message", [None, b"", b"\x00garbage", b"\x01\x01garbage", b"\x02\x01garbage"])
def test_who_is_no_module_is_left_and_tried_again(message: bytes | None) -> None:
    """Silence and garbage end the attempt; the real module is found when it is there."""

    async def story(world: FleetWorld) -> None:
        world.processes[0].kill()
        listener = await world.network.of(world.front_end).listen("module-1", lambda: Silent(message))
        await asyncio.sleep(2 * PATIENCE)
        assert world.fleet.live == 1
        await listener.close()
        await world.start_module(0)
        await asyncio.sleep(2 * PATIENCE)
        assert world.fleet.live == 2

    in_world(story)


def test_a_module_of_another_domain_is_not_attached() -> None:
    """Only modules of the pinned domain are of use to a fleet."""

    async def story(world: FleetWorld) -> None:
        world.processes[0].kill()
        other = FleetWorld(seed=99, modules=1)
        other.network = world.network
        await other.start_module(0)
        await asyncio.sleep(2)
        assert world.fleet.live == 1
        assert other.modules[0].negotiations == 0

    in_world(story)


@pytest.mark.parametrize("young", [True, False])
def test_one_module_that_lags_does_not_cost_a_young_session(young: bool) -> None:  # noqa: FBT001 -- a case of two
    """A session that serves elsewhere is kept for SETTLED against one module that refuses it, and then replaced."""

    async def story(world: FleetWorld) -> None:
        if not young:
            await asyncio.sleep(SETTLED / 1000)
        session = world.fleet.session
        world.processes[0].kill()
        lagging = await world.start_module(0)
        lagging.opened = _refuse  # type: ignore[method-assign]
        await asyncio.sleep(5)
        assert (world.fleet.session is session) is young
        assert world.fleet.live == 1
        assert (await world.fleet.submit(item("still served"), VOUCHER)).body == b"still served"

    def _refuse(operator_key_token: bytes) -> tuple[Tenure, bytes]:
        raise FormatError("not yet")

    in_world(story)


def test_links_stay_on_connections_that_are_cut_again_and_again() -> None:
    """A module whose connections break at once is not hammered: attempts are spaced by the backoff."""

    async def story(world: FleetWorld) -> None:
        world.network.trace.clear()
        for _ in range(200):
            world.network.cut("front-end", "module-1")
            await asyncio.sleep(0.05)
        attempts = sum("front-end module-1 connect" in line for line in world.network.trace)
        assert 10 < attempts < 60

    in_world(story)


def test_backoff_doubles_to_its_limit_with_jitter_and_starts_again() -> None:
    """Each wait is between half and all of a length that doubles up to LONGEST."""
    backoff = Backoff(SeededRandomness(1, "backoff"))
    waits = [backoff.next() for _ in range(10)]
    for number, wait in enumerate(waits):
        longest = min(0.02 * 2**number, LONGEST)
        assert longest / 2 <= wait < longest
    assert len(set(waits[5:])) > 1
    backoff.reset()
    assert backoff.next() < 0.02


def test_a_fleet_without_modules_fails_clearly() -> None:
    """There is no session to prove with, and none to wait for."""

    async def story(world: FleetWorld) -> None:
        for process in world.processes.values():
            process.kill()
        await asyncio.sleep(world.domain.lifetime / 1000)
        with pytest.raises(PeerUnavailable, match="session"):
            _ = world.fleet.session
        await world.start_module(0, echo)
        await world.fleet.ready()
        assert world.fleet.session.expires > world.clock.now()

    in_world(story)
