"""A pass over what rests under old domain keys: everything once, in pages, and nothing of a lie is stored."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from keystead.components.coordinator.pace import Pace
from keystead.components.coordinator.pages import LISTED, PAGE
from keystead.components.coordinator.resealing import Resealing
from keystead.core.protocols.module_session.resealing import (
    ResealedKey,
    RestingKey,
    decode_reseal,
    encode_resealed,
)
from keystead.core.records import KeyChange
from keystead.core.rotation.repository import ListedKey, MovedKey, Resting, Stored
from keystead.errors import ConflictError, FormatError, RecordError
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives.digest import sha256
from tests.simulators.loop import SimLoop, simulate
from tests.simulators.modules import SettableClock
from tests.simulators.world import SimClock

OLD, NEW = DomainKeyId(bytes(16)), DomainKeyId(b"n" * 16)
Answer = Callable[[tuple[RestingKey, ...]], Sequence[ResealedKey]]


class FakeRepository:
    """Lists what is not moved, and moves it."""

    def __init__(self, keys: int) -> None:
        self.waiting = {KeyId(f"key-{number:06}"): b"head %d" % number for number in range(keys)}
        self.lies: set[KeyId] = set()
        self.pages: list[int] = []
        self.written: list[int] = []
        self.now: Callable[[], int] = SettableClock().now

    async def page_under(self, domain_key: DomainKeyId, after: KeyId, limit: int) -> list[ListedKey]:
        """Return a page."""
        assert domain_key == OLD
        found = [key for key in sorted(self.waiting) if key > after][:limit]
        self.pages.append(len(found))
        return [ListedKey(key, RestingKey(self.waiting[key], {1: b"token"})) for key in found]

    async def resting_under(self, domain_key: DomainKeyId) -> Resting:
        """Return how many are left."""
        assert domain_key == OLD
        return Resting(len(self.waiting), 0)

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> Stored:
        """Move them."""
        assert (rotation, now) == (1, self.now())
        if any(one.listed.key_id in self.lies for one in moved):
            raise ConflictError("a key token is not as it was read")
        for one in moved:
            self.waiting.pop(one.listed.key_id, None)
        self.written.append(len(moved))
        return Stored(len(moved))


class FakeCarriage:
    """Two modules that answer as they are told."""

    links = (None, None)

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def exchange(self, content: bytes) -> bytes:
        """Answer."""
        await asyncio.sleep(0)
        return encode_resealed(tuple(self.answer(decode_reseal(content).records)), 0)


def sealed(resting: RestingKey) -> ResealedKey:
    """What an honest module answers."""
    number = int(resting.head.removeprefix(b"head "))
    key = KeyId(f"key-{number:06}")
    owner = (AccountId("111122223333"), Region("eu-central-1"))
    return ResealedKey(KeyChange(key, *owner, sha256(resting.head), b"new " + resting.head, NEW))


def honest(records: tuple[RestingKey, ...]) -> list[ResealedKey]:
    """Answer honestly."""
    return [sealed(one) for one in records]


def passed(
    repository: FakeRepository, answer: Answer = honest, may_go_on: Callable[[], bool] = lambda: True
) -> Resealing:
    """Make one pass."""
    clock = SettableClock()
    resealing = Resealing(repository, repository, FakeCarriage(answer), clock, Pace(clock))  # type: ignore[arg-type]
    asyncio.run(resealing.pass_over(1, (OLD,), may_go_on))
    return resealing


@pytest.mark.requirement("P21-07", "P21-08", "P21-10")
@pytest.mark.parametrize("keys", [0, 1, PAGE - 1, PAGE, PAGE + 1, 7 * PAGE + 3, LISTED, 5 * LISTED + 1])
def test_a_pass_moves_every_key(keys: int) -> None:
    """Whatever the number, listed in bounded parts."""
    repository = FakeRepository(keys)
    resealing = passed(repository)
    assert repository.waiting == {}
    assert sum(repository.written) == keys
    assert max(repository.pages, default=0) <= LISTED
    assert resealing.refused == 0
    assert asyncio.run(resealing.none_left((OLD,)))


def test_what_a_module_refuses_is_counted_and_left() -> None:
    """The others are moved."""
    repository = FakeRepository(PAGE)
    refusal = ResealedKey(refused=RecordError.number)
    resealing = passed(repository, lambda records: [refusal, *honest(records[1:])])
    assert (len(repository.waiting), resealing.refused) == (1, 1)
    assert not asyncio.run(resealing.none_left((OLD,)))


@pytest.mark.parametrize(
    "answer",
    [lambda records: honest(records)[1:], lambda records: honest(records)[::-1]],
    ids=["too few outcomes", "outcomes of other keys"],
)
def test_outcomes_that_are_not_those_of_the_records_end_the_pass(answer: Answer) -> None:
    """Nothing of the page is stored."""
    repository = FakeRepository(PAGE)
    with pytest.raises(FormatError):
        passed(repository, answer)
    assert repository.written == []


def test_a_key_whose_token_is_not_the_one_that_was_listed_is_left_alone() -> None:
    """The others of its page are stored one by one."""
    repository = FakeRepository(5)
    repository.lies = {KeyId("key-000002")}
    resealing = passed(repository)
    assert set(repository.waiting) == repository.lies
    assert repository.written == [1, 1, 1, 1]
    assert resealing.refused == 1


def test_a_pass_ends_when_it_may_not_go_on() -> None:
    """What was under way is stored; no further page is begun, listed or not."""
    repository = FakeRepository(20 * PAGE)
    begun: list[None] = []

    def may_go_on() -> bool:
        begun.append(None)
        return len(begun) <= 3

    passed(repository, may_go_on=may_go_on)
    assert len(repository.waiting) == 17 * PAGE
    assert sum(repository.written) == 3 * PAGE


class Timed:
    """Modules that take a hundredth of a second for a frame, and have customers or none."""

    def __init__(self, modules: int, meanwhile: int) -> None:
        self.links = (None,) * modules
        self.meanwhile = meanwhile
        self.asked: list[float] = []
        self.at_once = 0
        self.most = 0

    async def exchange(self, content: bytes) -> bytes:
        """Answer after a while."""
        self.asked.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return encode_resealed(tuple(honest(decode_reseal(content).records)), self.meanwhile)


@pytest.mark.parametrize(("modules", "meanwhile", "seconds"), [(1, 0, 0.2), (1, 5, 0.8), (2, 0, 0.1), (2, 5, 0.4)])
def test_modules_are_left_to_their_customers(modules: int, meanwhile: int, seconds: float) -> None:
    """One frame at a time with each; one that has customers rests three times as long as each frame takes."""

    async def story() -> Timed:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        clock, repository, carriage = SimClock(loop), FakeRepository(20 * PAGE), Timed(modules, meanwhile)
        repository.now = clock.now
        resealing = Resealing(repository, repository, carriage, clock, Pace(clock))  # type: ignore[arg-type]
        begun = loop.time()
        await resealing.pass_over(1, (OLD,), lambda: True)
        carriage.asked = [one - begun for one in carriage.asked]
        assert repository.waiting == {}
        return carriage

    carriage = simulate(story, 1)
    assert carriage.most <= modules
    assert len(carriage.asked) == 20
    assert carriage.asked[-1] == pytest.approx(seconds - (0.04 if meanwhile else 0.01), abs=0.005)
