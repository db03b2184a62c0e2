"""The sweep ends what is due, at two modules, rotates what is due, at one, and leaves everything else as it is."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from keystead.components.coordinator.sweep import PAGE, Sweep
from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.core.keys.head import KeyVersion, decode
from keystead.core.protocols.module_session.messages import (
    Answer,
    AttestDue,
    DueAttested,
    DueRotated,
    EndKey,
    Refused,
    Request,
    RotateDue,
)
from keystead.core.records import Change, KeyRecord
from keystead.errors import ConflictError, FormatError, PeerUnavailable
from keystead.identifiers import KeyId
from tests.simulators.loop import simulate
from tests.simulators.modules import ACCOUNT, REGION, FrontEnd, ModuleDomain, ModuleHost

DAY = 86_400_000
WEEK = 7 * DAY


@dataclass
class Asked:
    """A link to a module in this process."""

    host: ModuleHost
    up: bool = True
    asked: list[Request] = field(default_factory=list)

    async def control(self, request: Request) -> Answer:
        """Ask; others may ask meanwhile."""
        await asyncio.sleep(0)
        self.asked.append(request)
        if not self.up:
            raise PeerUnavailable("down")
        answer = self.host.ask(request)
        if isinstance(answer, Refused):
            raise answer.error()
        return answer


class World:
    """A domain, its repository, and a sweep."""

    def __init__(self, modules: int = 3) -> None:
        self.domain = ModuleDomain(modules).with_key()
        self.repository = MemoryKeyRepository()
        self.links = [Asked(host) for host in self.domain.hosts]
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.sweep = Sweep(self.repository, self.repository, self.links, self.report)
        self.front_end = FrontEnd(self.domain)

    def report(self, event: str, **fields: object) -> None:
        """Take an event."""
        self.events.append((event, fields))

    async def found(self) -> "World":
        """Let the repository take records."""
        await self.repository.admit(self.domain.state.newest, 1)
        return self

    async def do(self, operation: str, key: KeyId | None, **members: Any) -> dict[str, Any]:
        """Do an operation, and store what it changes."""
        record = () if key is None else (await self.record(key),)
        outcome = self.front_end.one(operation, json.dumps(members).encode(), *record)
        assert outcome.code == "", (outcome.code, outcome.message)
        assert isinstance(outcome.change, Change)
        await self.repository.apply(outcome.change)
        answer: dict[str, Any] = json.loads(bytes(outcome.body) or b"{}")
        return answer

    async def key(self, *, scheduled: bool) -> KeyId:
        """Create a key with an alias."""
        key = KeyId((await self.do("CreateKey", None))["KeyMetadata"]["KeyId"])
        await self.do("CreateAlias", key, AliasName=f"alias/{key}", TargetKeyId=key)
        if scheduled:
            await self.do("ScheduleKeyDeletion", key, KeyId=key, PendingWindowInDays=7)
        return key

    async def record(self, key: KeyId) -> KeyRecord:
        """Return the key's record."""
        record = await self.repository.record(key)
        assert record is not None
        return record

    async def rotating(self) -> KeyId:
        """Create a key that rotates every 90 days."""
        key = KeyId((await self.do("CreateKey", None))["KeyMetadata"]["KeyId"])
        await self.do("EnableKeyRotation", key, KeyId=key, RotationPeriodInDays=90)
        return key

    async def versions(self, key: KeyId) -> tuple[KeyVersion, ...]:
        """Return the versions of a key."""
        return decode(self.domain.hosts[0].module.vault.open_head((await self.record(key)).head)).versions

    async def marked(self, key: KeyId) -> bool:
        """Whether the key was ended."""
        return bool(decode(self.domain.hosts[0].module.vault.open_head((await self.record(key)).head)).shredded)

    async def names(self) -> list[str]:
        """Return the names that the index has."""
        return [name for name, _ in await self.repository.page_of_aliases(ACCOUNT, REGION, "alias/", 100)]  # type: ignore[arg-type]


def test_what_is_due_is_ended_and_nothing_else() -> None:
    """Over several pages; the names of what ended are free, and a second sweep finds nothing to do."""

    async def story() -> None:
        world = await World().found()
        kept = [await world.key(scheduled=False) for _ in range(PAGE)]
        due = [await world.key(scheduled=True) for _ in range(3)]
        assert await world.sweep.sweep() == 0
        world.domain.clock.time += WEEK
        assert await world.sweep.sweep() == len(due)
        assert [await world.marked(key) for key in due] == [True] * len(due)
        assert not any([await world.marked(key) for key in kept])
        assert set(await world.names()) == {f"alias/{key}" for key in kept}
        assert await world.sweep.sweep() == 0
        assert world.events == [("keys_ended", {"count": len(due)})]

    simulate(story, seed=1)


@pytest.mark.parametrize(("down", "ended"), [((0,), 1), ((1,), 1), ((0, 1), 0), ((0, 1, 2), 0)])
def test_two_members_of_three_are_enough_and_one_is_not(down: tuple[int, ...], ended: int) -> None:
    """Whichever is down; what was not done is done when another is back."""

    async def story() -> None:
        world = await World().found()
        key = await world.key(scheduled=True)
        world.domain.clock.time += WEEK
        for number in down:
            world.links[number].up = False
        if len(down) == len(world.links):
            with pytest.raises(PeerUnavailable):
                await world.sweep.sweep()
        else:
            assert await world.sweep.sweep() == ended
        assert await world.marked(key) is bool(ended)
        for link in world.links:
            link.up = True
        assert await world.sweep.sweep() == 1 - ended
        assert await world.marked(key)

    simulate(story, seed=1)


def test_a_domain_of_one_member_ends_its_keys_alone() -> None:
    """It is its own witness."""

    async def story() -> None:
        world = await World(1).found()
        key = await world.key(scheduled=True)
        world.domain.clock.time += WEEK
        assert await world.sweep.sweep() == 1
        assert await world.marked(key)

    simulate(story, seed=1)


def test_a_key_that_changes_meanwhile_is_left_for_the_next_sweep() -> None:
    """The change is taken only for the head that was read; two coordinators end a key once."""

    async def story() -> None:
        world = await World().found()
        key = await world.key(scheduled=True)
        world.domain.clock.time += WEEK
        other = Sweep(world.repository, world.repository, world.links, world.report)
        assert sorted(await asyncio.gather(world.sweep.sweep(), other.sweep())) == [0, 1]
        assert await world.marked(key)
        assert sum(isinstance(one, EndKey) for link in world.links for one in link.asked) >= 1

    simulate(story, seed=1)


def test_what_is_due_is_rotated_once_and_nothing_else() -> None:
    """By any one module that is up; of two coordinators that sweep at once the repository takes one's version."""

    async def story() -> None:
        world = await World().found()
        kept, *due = [await world.key(scheduled=False), *[await world.rotating() for _ in range(3)]]
        assert await world.sweep.sweep() == 0
        world.domain.clock.time += 90 * DAY
        world.links[0].up = world.links[1].up = False
        other = Sweep(world.repository, world.repository, world.links, world.report)
        assert sum(await asyncio.gather(world.sweep.sweep(), other.sweep())) == len(due)
        assert [[version.kind for version in await world.versions(key)] for key in due] == [
            ["CREATED", "AUTOMATIC"]
        ] * 3
        assert len(await world.versions(kept)) == 1
        assert await world.sweep.sweep() == 0
        told = [fields["count"] for event, fields in world.events if event == "keys_rotated"]
        refused = [event for event, _ in world.events if event == "key_not_rotated"]
        assert (sum(told), len(refused)) == (len(due), len(due))

    simulate(story, seed=1)


def test_what_was_not_stored_is_rotated_by_the_next_sweep() -> None:
    """The key goes on with its newest version meanwhile."""

    async def story() -> None:
        world = await World().found()
        key = await world.rotating()
        world.domain.clock.time += 90 * DAY
        fenced = Sweep(world.repository, Refusing(), world.links, world.report)
        assert await fenced.sweep() == 0
        assert len(await world.versions(key)) == 1
        assert await world.sweep.sweep() == 1
        assert len(await world.versions(key)) == 2

    simulate(story, seed=1)


@dataclass
class Other:
    """A link to what answers every call with the same."""

    answers: dict[type[Request], Answer]

    async def control(self, request: Request) -> Answer:
        """Answer."""
        return self.answers[type(request)]


@pytest.mark.parametrize("answer", [DueRotated(()), DueAttested(())])
def test_an_answer_to_something_else_is_refused(answer: Answer) -> None:
    """Neither too few changes nor another answer."""

    async def story() -> None:
        world = await World().found()
        await world.key(scheduled=False)
        link = Other({AttestDue: DueAttested((b"",)), RotateDue: answer})
        with pytest.raises(FormatError, match="something else"):
            await Sweep(world.repository, world.repository, [link], world.report).sweep()

    simulate(story, seed=1)


class Refusing:
    """A repository that takes nothing."""

    async def apply(self, change: Change) -> None:
        """Refuse."""
        raise ConflictError(change.keys[0].key_id)
