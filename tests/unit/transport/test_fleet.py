"""The fleet: batches, turns, and what happens when modules stop, die, lie or come back."""

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from keystead.core.domain.state import DomainKeyEntry
from keystead.core.protocols.module_session.work import MAX_ITEMS, Item, Outcome, Outcomes, encode_outcomes
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import FormatError, PeerUnavailable
from keystead.identifiers import DomainKeyId
from keystead.primitives.digest import sha256
from keystead.transport.fleet import DEADLINE, MAX_ATTEMPTS, MAX_CONTENT, UNANSWERED
from keystead.transport.submission import Submission, outcomes_for
from tests.simulators.loop import simulate
from tests.unit.transport.fleet_history import history
from tests.unit.transport.fleet_world import FleetWorld, in_world, item

VOUCHER = b"voucher"


def test_an_item_is_answered_with_its_own_outcome() -> None:
    """Each of many concurrent items gets the outcome of its own body."""

    async def story(world: FleetWorld) -> None:
        asked = [world.fleet.submit(item(f"body {number}"), VOUCHER) for number in range(300)]
        answers = await asyncio.gather(*asked)
        assert [answer.body for answer in answers] == [b"body %d" % number for number in range(300)]

    in_world(story)


def test_what_is_submitted_together_travels_together() -> None:
    """Items of one loop turn share frames of up to MAX_ITEMS; the rest waits for the next frame."""

    async def story(world: FleetWorld) -> None:
        await asyncio.gather(*[world.fleet.submit(item(str(number)), VOUCHER) for number in range(2 * MAX_ITEMS)])
        assert [module.frames for module in world.modules.values()] == [1, 1]

    in_world(story)


def test_an_item_travels_alone_when_nothing_else_waits() -> None:
    """A frame leaves on the next loop turn when a link is idle: it does not wait for company."""

    async def story(world: FleetWorld) -> None:
        begun = world.loop.time()
        await world.fleet.submit(item("alone"), VOUCHER)
        assert world.loop.time() - begun <= 2 * world.network.delay[1]

    in_world(story)


def test_each_item_keeps_its_voucher() -> None:
    """Items of different vouchers share a frame, each voucher travels once, and each item names its own."""
    seen: list[int] = []

    def note(asked: Item) -> Outcome:
        seen.append(asked.voucher)
        return Outcome(sha256(asked.body), "", None, asked.body)

    async def story(world: FleetWorld) -> None:
        world.modules[0].execute = note
        await asyncio.gather(*[world.fleet.submit(item(str(n)), (b"one", b"two")[n % 2]) for n in range(4)])
        assert seen == [0, 1, 0, 1]

    in_world(story, modules=1)


def test_items_that_are_large_together_travel_apart() -> None:
    """What would make too large a frame is asked in several; an item that is too large alone is refused at once."""

    async def story(world: FleetWorld) -> None:
        large = [world.fleet.submit(item("x" * (1 << 20) + str(number)), VOUCHER) for number in range(20)]
        answers = await asyncio.gather(*large)
        assert [answer.body[1 << 20 :] for answer in answers] == [b"%d" % number for number in range(20)]
        assert max(int(line.rsplit(" ", 1)[1]) for line in world.network.trace) < MAX_CONTENT + 1024
        too_large = world.fleet.submit(item("x" * MAX_CONTENT), VOUCHER)
        with pytest.raises(FormatError):
            await too_large
        assert (await world.fleet.submit(item("small"), VOUCHER)).body == b"small"

    in_world(story)


def test_a_response_must_have_an_outcome_for_each_item() -> None:
    """Fewer outcomes than items are none at all: nobody is answered by a module that leaves some out."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        asked = [Submission(item(str(number)), VOUCHER, loop.create_future(), 0) for number in range(2)]
        outcome = Outcome(sha256(b"0"), "", None, b"0")
        with pytest.raises(FormatError):
            outcomes_for(asked, encode_outcomes(Outcomes((outcome,))))

    simulate(story)


def test_an_operator_that_is_installed_later_is_served_then() -> None:
    """A fleet that no module gives a session goes on asking."""

    async def story(world: FleetWorld) -> None:
        for process in world.processes.values():
            process.kill()
        await asyncio.sleep(world.domain.lifetime / 1000)
        modules = [await world.start_module(number) for number in range(2)]
        installed = dict(modules[0].operators)
        for module in modules:
            module.operators.clear()
        await asyncio.sleep(3)
        assert world.fleet.live == 0
        assert sum(module.negotiations for module in modules) < 40
        for module in modules:
            module.operators.update(installed)
        await asyncio.sleep(1)
        assert world.fleet.live == 2

    in_world(story)


@pytest.mark.requirement("P25-04")
def test_an_operator_that_is_removed_is_served_no_more() -> None:
    """A session that is attached and in time is of no use once its operator is not installed; nobody is answered."""

    async def story(world: FleetWorld) -> None:
        for module in world.modules.values():
            module.operators.clear()
        with pytest.raises(PeerUnavailable):
            await world.fleet.submit(item("removed"), VOUCHER)

    in_world(story)


@pytest.mark.parametrize("end", ["kill", "pause"])
def test_a_lost_module_loses_no_item(end: str) -> None:
    """What a module did not answer, because it died or stopped, another one answers."""

    async def story(world: FleetWorld) -> None:
        begun = world.loop.time()
        asked = [world.fleet.submit(item(str(number)), VOUCHER) for number in range(2 * MAX_ITEMS)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        getattr(world.processes[0], end)()
        answers = await asyncio.gather(*asked)
        assert [answer.body for answer in answers] == [b"%d" % number for number in range(2 * MAX_ITEMS)]
        assert world.loop.time() - begun < UNANSWERED + 0.5
        assert world.modules[1].frames == 2

    in_world(story)


def test_a_module_that_returns_is_used_again() -> None:
    """A new incarnation is attached without a hand, and items that waited for it are answered."""

    async def story(world: FleetWorld) -> None:
        world.processes[0].kill()
        await asyncio.sleep(0.3)
        asked = world.fleet.submit(item("waiting"), VOUCHER)
        await asyncio.sleep(0.3)
        assert not asked.done()
        await world.start_module(0)
        assert (await asked).body == b"waiting"

    in_world(story, modules=1)


def test_nobody_waits_longer_than_the_deadline() -> None:
    """With no module alive an item fails with PeerUnavailable, soon after DEADLINE and not before."""

    async def story(world: FleetWorld) -> None:
        for process in world.processes.values():
            process.kill()
        begun = world.loop.time()
        with pytest.raises(PeerUnavailable):
            await world.fleet.submit(item("lost"), VOUCHER)
        assert DEADLINE <= world.loop.time() - begun < DEADLINE + 0.2

    in_world(story)


def test_the_deadline_holds_while_a_frame_is_under_way() -> None:
    """An item that one module after the other swallows fails at its deadline."""

    async def story(world: FleetWorld) -> None:
        for process in world.processes.values():
            process.pause()
        begun = world.loop.time()
        with pytest.raises(PeerUnavailable):
            await world.fleet.submit(item("swallowed"), VOUCHER)
        assert world.loop.time() - begun < DEADLINE + 0.2

    in_world(story)


def test_an_item_that_brings_modules_down_is_given_up() -> None:
    """After MAX_ATTEMPTS connections that ended on it, an item fails, and others go on being served."""
    attempts = 0

    def poisoned(asked: Item) -> Outcome:
        nonlocal attempts
        if asked.body == b"poison":
            attempts += 1
            return Outcome(bytes(32), "", None, b"")
        return Outcome(sha256(asked.body), "", None, asked.body)

    async def story(world: FleetWorld) -> None:
        for module in world.modules.values():
            module.execute = poisoned
        with pytest.raises(PeerUnavailable, match="in vain"):
            await world.fleet.submit(item("poison"), VOUCHER)
        assert attempts == MAX_ATTEMPTS
        assert (await world.fleet.submit(item("food"), VOUCHER)).body == b"food"

    in_world(story)


def test_an_outcome_of_another_request_is_never_handed_out() -> None:
    """A module that mixes up outcomes loses its connection, and the other module answers."""

    def mixed(asked: Item) -> Outcome:
        return Outcome(sha256(b"another body"), "", None, b"another's answer")

    async def story(world: FleetWorld) -> None:
        world.modules[0].execute = mixed
        for number in range(4):
            answer = await world.fleet.submit(item(str(number)), VOUCHER)
            assert answer.body == b"%d" % number

    in_world(story)


def test_a_cancelled_item_is_not_sent() -> None:
    """What nobody waits for any more is left out of the next frame."""

    async def story(world: FleetWorld) -> None:
        asked = world.fleet.submit(item("never mind"), VOUCHER)
        asked.cancel()
        await world.fleet.submit(item("please"), VOUCHER)
        assert sum(module.frames for module in world.modules.values()) == 1

    in_world(story)


@pytest.mark.requirement("P25-01", "P24-01")
def test_one_session_serves_every_module() -> None:
    """One negotiation gives a session that every module of the domain takes."""

    async def story(world: FleetWorld) -> None:
        await asyncio.sleep(1)
        assert world.fleet.live == 3
        assert sum(module.negotiations for module in world.modules.values()) == 1

    in_world(story, modules=3)


def test_a_session_is_renewed_ahead_of_its_expiry_without_a_failed_request() -> None:
    """Through several lives of a session every request is answered, at once, and the session changes in time."""

    async def story(world: FleetWorld) -> None:
        tokens = set()
        slowest = 0.0
        for number in range(300):
            begun = world.loop.time()
            assert (await world.fleet.submit(item(str(number)), VOUCHER)).body == b"%d" % number
            slowest = max(slowest, world.loop.time() - begun)
            session = world.fleet.session
            tokens.add(session.operator_key_token)
            left = session.expires - world.clock.now()
            assert left >= world.domain.lifetime // 3 - 6000
            await asyncio.sleep(10)
        assert len(tokens) >= 7
        assert slowest < 0.1

    in_world(story)


def test_a_session_does_not_rest_under_a_domain_key_that_is_not_the_newest() -> None:
    """As soon as the domain has a newer key another session is negotiated, and until then the old one serves."""

    async def story(world: FleetWorld) -> None:
        old = world.fleet.session
        newest = DomainKeyId(b"n" * 16)
        keys = (DomainKeyEntry(bytes(16), bytes(32), 1), DomainKeyEntry(newest, bytes(32), 2))
        world.domain.view.state = msgspec.structs.replace(world.domain.state, domain_keys=keys)
        for _ in range(30):
            await world.fleet.submit(item("while the modules know of no newer key"), b"voucher")
            await asyncio.sleep(0.1)
        world.domain.newest = newest
        for _ in range(200):
            await world.fleet.submit(item("while another is negotiated"), b"voucher")
            await asyncio.sleep(0.1)
        assert named_domain_key(world.fleet.session.operator_key_token) == newest
        assert named_domain_key(old.operator_key_token) != newest
        negotiated = sum(module.negotiations for module in world.modules.values())
        await asyncio.sleep(60)
        assert sum(module.negotiations for module in world.modules.values()) == negotiated

    in_world(story)


def test_a_session_that_no_module_takes_is_replaced() -> None:
    """When all modules refuse the session (here: their shared key changed), another is negotiated by itself."""

    async def story(world: FleetWorld) -> None:
        first = world.fleet.session
        for process in world.processes.values():
            process.kill()
        world.domain.shared_key.view[:] = bytes(range(32))
        for number in range(2):
            await world.start_module(number)
        await asyncio.sleep(2)
        assert (await world.fleet.submit(item("again"), VOUCHER)).body == b"again"
        assert world.fleet.session.operator_key_token != first.operator_key_token

    in_world(story)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_fails_while_the_network_and_the_modules_do(seed: int) -> None:
    """With connections cut at random and one module at a time dead or paused, each item is answered, and rightly."""

    async def story(world: FleetWorld) -> None:
        world.network.cut_chance = 0.01
        asked = []
        for number in range(400):
            asked.append(world.fleet.submit(item(str(number)), VOUCHER))
            await asyncio.sleep(world.loop.dice.uniform(0, 0.02))
            if number % 100 == 50:
                world.processes[0].kill()
            elif number % 100 == 70:
                await world.start_module(0)
        answers = await asyncio.gather(*asked)
        assert [answer.body for answer in answers] == [b"%d" % number for number in range(400)]

    in_world(story, seed)


def test_the_same_seed_gives_the_same_trace() -> None:
    """A whole history, breaks included, is byte-identical for one seed, and another for another."""
    first, second, other = in_world(history, 7), in_world(history, 7), in_world(history, 8)
    assert first == second
    assert first != other


def test_another_process_tells_the_same_history() -> None:
    """Nothing of the interpreter's own chance (hash seeds, addresses) gets into a history."""
    told = [
        subprocess.run(
            [sys.executable, "-m", "tests.unit.transport.fleet_history", "7"],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "src:."},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    ]
    assert told == [hashlib.sha256(in_world(history, 7).encode()).hexdigest()] * 2


def test_a_stopped_fleet_leaves_nobody_waiting() -> None:
    """When the fleet is cancelled, items that wait fail with PeerUnavailable."""

    async def story(world: FleetWorld) -> asyncio.Future[Outcome]:
        for process in world.processes.values():
            process.kill()
        asked = world.fleet.submit(item("left behind"), VOUCHER)
        await asyncio.sleep(0.1)
        return asked

    with pytest.raises(PeerUnavailable, match="stopping"):
        in_world(story).result()


def test_a_module_that_comes_takes_its_turn_and_one_that_goes_answers_first() -> None:
    """What a module was asked before it is left out, it still answers; afterwards it is asked nothing."""

    async def story(world: FleetWorld) -> None:
        former = world.modules[0]
        world.fleet.use(["module-1", "module-2"])
        asked = [world.fleet.submit(item(str(number)), VOUCHER) for number in range(2 * MAX_ITEMS)]
        await asyncio.sleep(0)
        world.fleet.use(["module-2", "module-3"])
        assert [answer.body for answer in await asyncio.gather(*asked)] == [b"%d" % n for n in range(2 * MAX_ITEMS)]
        await asyncio.sleep(2)
        before = former.frames
        for number in range(4):
            await world.fleet.submit(item(f"later {number}"), VOUCHER)
        assert former.frames == before
        assert world.modules[2].frames > 0
        assert world.fleet.live == 2

    in_world(story, modules=3)


def test_a_fleet_may_lose_every_module_and_get_them_back() -> None:
    """With no module listed an item waits, and is served by the first that comes."""

    async def story(world: FleetWorld) -> None:
        world.fleet.use([])
        assert world.fleet.live == 0
        waiting = world.fleet.submit(item("patient"), VOUCHER)
        await asyncio.sleep(DEADLINE / 4)
        world.fleet.use(["module-2", "module-2"])
        assert (await waiting).body == b"patient"
        assert world.fleet.live == 1

    in_world(story)
