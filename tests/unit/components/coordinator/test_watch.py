"""An installation that does not succeed in time is seen, told, and gone on with (claim 3; steps 2104 and 2106)."""

import asyncio

import msgspec
import pytest

from keystead.components.coordinator.delay import DELAYED, ENDED, Notice, delay, differs
from keystead.components.coordinator.watch import Watch
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.protocols.coordination import ModuleStatus, Status
from keystead.identifiers import DomainId, ModuleId
from tests.simulators.coordination import CoordinationWorld, in_coordination

PATIENCE = 30_000
BEGUN = 1_000_000


def module(number: int, *, waited_for: bool = False, trouble: str = "") -> ModuleStatus:
    """Return what is known of a module."""
    return ModuleStatus(
        ModuleId(bytes([number]) * 16),
        f"module-{number}",
        reachable=not trouble,
        trouble=trouble,
        waited_for=waited_for,
    )


WAITING = Status(
    DomainId(bytes(32)),
    3,
    bytes(32),
    4,
    "accepted",
    (module(1), module(2, waited_for=True, trouble="no answer")),
    BEGUN,
)


def test_an_installation_counts_as_delayed_after_the_patience_and_not_before() -> None:
    """Who is waited for is named with the trouble; a domain without an installation is never delayed."""
    assert delay(WAITING, BEGUN + PATIENCE - 1, PATIENCE) is None
    notice = delay(WAITING, BEGUN + PATIENCE, PATIENCE)
    assert notice is not None
    assert (notice.event, notice.version, notice.stage, notice.begun) == (DELAYED, 4, "accepted", BEGUN)
    assert [(one.name, one.trouble) for one in notice.waiting_for] == [("module-2", "no answer")]
    quiet = msgspec.structs.replace(WAITING, in_flight=None, stage="", begun=None)
    assert delay(quiet, BEGUN + 10 * PATIENCE, PATIENCE) is None


@pytest.mark.parametrize(
    ("later", "new"),
    [
        (WAITING, False),
        (msgspec.structs.replace(WAITING, stage="spreading"), True),
        (msgspec.structs.replace(WAITING, in_flight=5), True),
        (msgspec.structs.replace(WAITING, modules=(module(1, waited_for=True),)), True),
        (msgspec.structs.replace(WAITING, modules=(module(2, waited_for=True, trouble="refused"),)), True),
        (msgspec.structs.replace(WAITING, modules=WAITING.modules[::-1]), False),
    ],
)
def test_the_same_is_told_once(later: Status, *, new: bool) -> None:
    """What another version, stage, member or trouble is, is told again."""
    first, second = (delay(one, BEGUN + PATIENCE, PATIENCE) for one in (WAITING, later))
    assert second is not None
    assert differs(second, None)
    assert differs(second, first) is new


class Notified:
    """A receiver and a meter."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.observed: list[list[object]] = []

    def notify(self, notice: Notice) -> None:
        """Keep the notice."""
        self.notices.append(notice)

    def observe(self, status: Status, delayed: Notice | None) -> None:
        """Keep what was seen."""
        self.observed.append([status.in_flight, delayed is not None])


async def watched(world: CoordinationWorld) -> Notified:
    """Start a coordinator with a watch over it."""
    notified = Notified()
    await world.start_coordinator()
    watch = Watch(world.desk.status, [notified], notified, world.domain.clock, world.report, PATIENCE)
    world.operator.start(watch.run())
    return notified


@pytest.mark.requirement("P21-05", "P21-06", "CL-12", "CL-13", "CONS-13")
def test_an_installation_that_fails_is_told_and_tried_again_until_it_succeeds() -> None:
    """Status, log and receivers name the member that is waited for; when it is back, the change is installed."""

    async def story(world: CoordinationWorld) -> None:
        world.modules["module-2"].kill()
        notified = await watched(world)
        asking = asyncio.ensure_future(world.install(world.request()))
        await asyncio.sleep(5)
        assert not notified.notices
        world.domain.clock.time += PATIENCE
        await asyncio.sleep(5)

        (delayed,) = notified.notices
        missing = world.hosts[1].module.identity.id.hex()
        assert (delayed.event, delayed.version, [one.id for one in delayed.waiting_for]) == (DELAYED, 1, [missing])
        assert DELAYED in [event for event, _ in world.events]
        assert notified.observed[-1] == [1, True]
        first, second = (await world.status()).modules
        assert (first.promised, first.waited_for, first.since) == (True, False, None)
        assert (second.promised, second.waited_for) == (False, True)

        await world.start_module(1)
        assert (await asking).version == 1
        await asyncio.sleep(2)
        assert [one.event for one in notified.notices] == [DELAYED, ENDED]
        assert notified.observed[-1] == [None, False]
        assert world.versions == [1, 1]

    in_coordination(story)


@pytest.mark.requirement("P21-06", "CL-13")
def test_a_member_that_fails_later_is_told_with_since_when_and_tried_again() -> None:
    """One that was heard before says what is wrong with it, since when, and when it is tried again."""

    async def story(world: CoordinationWorld) -> None:
        await watched(world)
        await asyncio.sleep(1)
        world.modules["module-2"].kill()
        died = world.domain.clock.time
        asking = asyncio.ensure_future(world.install(world.request(AddDomainKey())))
        await world.until(lambda: retry_of_second(world) is not None)
        world.domain.clock.time += 60_000
        await asyncio.sleep(0.6)
        (second,) = [one for one in (await world.status()).modules if one.name == "module-2"]
        assert second.trouble
        assert (second.since, second.waited_for, second.reachable) == (died, True, False)
        await world.start_module(1)
        await asking
        (second,) = [one for one in (await world.status()).modules if one.name == "module-2"]
        assert (second.trouble, second.since, second.retry) == ("", None, None)

    in_coordination(story)


def retry_of_second(world: CoordinationWorld) -> int | None:
    """Return when module-2 is tried again."""
    (second,) = [one for one in world.desk.status().modules if one.name == "module-2"]
    return second.retry
