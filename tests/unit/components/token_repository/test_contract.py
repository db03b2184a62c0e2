"""What the port of the token repository promises, of the one in memory and the one in SQLite alike."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.components.token_repository.sqlite import SqliteTokenRepository
from keystead.core.domain.coordination import Decision, Installation, Position
from keystead.core.domain.token_repository import Submission, TokenRepository
from keystead.errors import ConflictError
from keystead.identifiers import ModuleId, OperatorId
from keystead.transport.sql import WriterThread, upgrade

ONE, OTHER = ModuleId(b"1" * 16), ModuleId(b"2" * 16)
GENESIS, FIRST, RIVAL, SECOND = (letter * 32 for letter in (b"g", b"f", b"r", b"s"))


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[TokenRepository]:
    """A new repository of this kind."""
    if kind == "memory":
        yield MemoryTokenRepository()
        return
    upgrade(folder / "repository.sqlite")
    writer = WriterThread(folder / "repository.sqlite")
    yield SqliteTokenRepository(writer)
    writer.close()


@pytest.fixture(params=["memory", "sqlite"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TokenRepository]:
    """Each repository in turn."""
    with opened(request.param, tmp_path) as made:
        yield made


def submission(
    token_hash: bytes, version: int, predecessor: bytes, decision: Decision = Decision.ACCEPTED
) -> Submission:
    """Return a submission of a token with this hash."""
    return Submission(
        token=b"token " + token_hash,
        position=Position(version, token_hash),
        predecessor=predecessor,
        submitter=OperatorId(b"o" * 16),
        decision=decision,
        decided=1_000 + version,
    )


@pytest.mark.requirement("DOM-06", "DOM-07")
def test_accepted_tokens_come_back_in_order_with_all_that_was_kept(repository: TokenRepository) -> None:
    """Token, submitter, time, stage, promises and installations are those that were kept."""

    async def story() -> None:
        await repository.record(submission(SECOND, 2, FIRST))
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.keep_promise(FIRST, ONE, b"promise")
        await repository.keep_promise(FIRST, ONE, b"promise")
        await repository.keep_installation(FIRST, OTHER, 5)
        await repository.keep_installation(FIRST, OTHER, 6)
        await repository.set_stage(FIRST, Installation.SPREADING)
        first, second = await repository.accepted()
        assert (first.token, first.submitter, first.decided) == (b"token " + FIRST, b"o" * 16, 1_001)
        assert (first.stage, dict(first.promises), dict(first.installed)) == (
            Installation.SPREADING,
            {ONE: b"promise"},
            {OTHER: 5},
        )
        assert (second.token, second.stage, dict(second.promises)) == (b"token " + SECOND, Installation.ACCEPTED, {})

    asyncio.run(story())


@pytest.mark.requirement("CONS-10", "CHG-19")
def test_no_second_token_is_accepted_after_one_predecessor(repository: TokenRepository) -> None:
    """The repository itself refuses a rival, whoever asks."""

    async def story() -> None:
        await repository.record(submission(FIRST, 1, GENESIS))
        with pytest.raises(ConflictError):
            await repository.record(submission(RIVAL, 1, GENESIS))
        assert [kept.token for kept in await repository.accepted()] == [b"token " + FIRST]

    asyncio.run(story())


def test_a_token_that_was_refused_may_be_accepted_later(repository: TokenRepository) -> None:
    """A refusal is no obstacle, and is never given back as accepted."""

    async def story() -> None:
        await repository.record(submission(FIRST, 1, GENESIS, Decision.IN_FLIGHT))
        assert await repository.accepted() == []
        await repository.record(submission(FIRST, 1, GENESIS))
        assert len(await repository.accepted()) == 1

    asyncio.run(story())


def test_what_was_accepted_stays_accepted(repository: TokenRepository) -> None:
    """Recording it again, in whatever way, changes neither its stage nor who submitted it."""

    async def story() -> None:
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.set_stage(FIRST, Installation.INSTALLED)
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.record(submission(FIRST, 1, GENESIS, Decision.NOT_GREATER))
        (kept,) = await repository.accepted()
        assert kept.stage is Installation.INSTALLED

    asyncio.run(story())


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """SQLite gives back to another process what one has kept."""

    async def keep(repository: TokenRepository) -> None:
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.keep_promise(FIRST, ONE, b"promise")

    with opened("sqlite", tmp_path) as repository:
        asyncio.run(keep(repository))
    with opened("sqlite", tmp_path) as repository:
        (kept,) = asyncio.run(repository.accepted())
        assert dict(kept.promises) == {ONE: b"promise"}


def test_what_was_given_up_leaves_room_for_another(repository: TokenRepository) -> None:
    """Releases are those for the last request; what was buried comes back as such, and its predecessor is free."""

    async def story() -> None:
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.keep_abandonment(FIRST, b"one request")
        await repository.keep_release(FIRST, ONE, b"release")
        await repository.keep_abandonment(FIRST, b"one request")
        (kept,) = await repository.accepted()
        assert (kept.stage, dict(kept.releases)) == (Installation.ABANDONING, {ONE: b"release"})
        await repository.keep_abandonment(FIRST, b"another")
        (kept,) = await repository.accepted()
        assert (kept.abandonment, dict(kept.releases)) == (b"another", {})
        await repository.keep_release(FIRST, OTHER, b"release for another")
        await repository.keep_release(FIRST, OTHER, b"again")
        await repository.bury(FIRST)
        await repository.record(submission(RIVAL, 1, GENESIS))
        (buried,) = await repository.abandoned()
        assert (buried.token, buried.abandonment) == (b"token " + FIRST, b"another")
        assert dict(buried.releases) == {OTHER: b"release for another"}
        assert [one.token for one in await repository.accepted()] == [b"token " + RIVAL]

    asyncio.run(story())


def test_what_is_installed_stays_so(repository: TokenRepository) -> None:
    """A coordinator that is behind another one does not take it back."""

    async def story() -> None:
        await repository.record(submission(FIRST, 1, GENESIS))
        await repository.set_stage(FIRST, Installation.INSTALLED)
        await repository.set_stage(FIRST, Installation.SPREADING)
        await repository.keep_abandonment(FIRST, b"request")
        (kept,) = await repository.accepted()
        assert kept.stage is Installation.INSTALLED

    asyncio.run(story())
