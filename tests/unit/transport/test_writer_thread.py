"""One wait for the disk serves all that waits."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest

from keystead.errors import ConflictError, RepositoryUnavailable
from keystead.transport.sql import MOST_TOGETHER, Connection, WriterThread, connect_to_read, upgrade


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A new database."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    return path


class Holding:
    """Work that holds the writer until it may proceed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.proceed = threading.Event()

    def __call__(self, _connection: Connection) -> None:
        """Begin, and wait."""
        self.begun.set()
        self.proceed.wait()

    async def has_begun(self) -> None:
        """Return when the writer is held."""
        await asyncio.to_thread(self.begun.wait)


def add(number: int, connection: Connection) -> None:
    """Add one domain key."""
    connection.execute("INSERT INTO domain_keys VALUES (?, 1, 1)", (number.to_bytes(16, "big"),))


def numbers(path: Path) -> list[int]:
    """The domain keys that are there."""
    rows = connect_to_read(path).execute("SELECT id FROM domain_keys ORDER BY id").fetchall()
    return [int.from_bytes(row[0], "big") for row in rows]


def test_what_waits_together_is_committed_together(database: Path) -> None:
    """While one transaction is under way, all that comes waits for the next one, up to a limit."""
    statements: list[str] = []
    holding = Holding()

    def first(connection: Connection) -> None:
        connection.set_trace_callback(statements.append)
        holding(connection)

    async def script() -> None:
        thread = WriterThread(database)
        try:
            held = thread.submit(first)
            await holding.has_begun()
            waiting = [thread.submit(partial(add, number)) for number in range(MOST_TOGETHER + 1)]
            holding.proceed.set()
            await asyncio.gather(held, *waiting)
        finally:
            thread.close()

    asyncio.run(script())
    assert numbers(database) == list(range(MOST_TOGETHER + 1))
    assert statements.count("COMMIT") == 3


def test_who_fails_takes_no_one_along(database: Path) -> None:
    """Errors of the work come back as they are; the database's come back as its being unavailable."""

    def conflict(connection: Connection) -> None:
        add(1, connection)
        raise ConflictError("second")

    def broken(connection: Connection) -> None:
        add(2, connection)
        connection.execute("INSERT INTO nowhere VALUES (1)")

    async def script() -> None:
        thread = WriterThread(database)
        try:
            works = (conflict, broken, lambda connection: add(3, connection))
            outcomes = await asyncio.gather(*(thread.submit(work) for work in works), return_exceptions=True)
        finally:
            thread.close()
        assert [type(outcome) for outcome in outcomes] == [ConflictError, RepositoryUnavailable, type(None)]

    asyncio.run(script())
    assert numbers(database) == [3]


def test_who_ends_the_transaction_fails_all_that_shared_it(database: Path) -> None:
    """Nobody is told of a success that is not on disk, and the writer goes on."""
    holding = Holding()

    async def script() -> None:
        thread = WriterThread(database)
        try:
            held = thread.submit(holding)
            await holding.has_begun()
            together = [
                thread.submit(lambda connection: add(1, connection)),
                thread.submit(lambda connection: connection.execute("ROLLBACK").close()),
                thread.submit(lambda connection: add(2, connection)),
            ]
            holding.proceed.set()
            await held
            outcomes = await asyncio.gather(*together, return_exceptions=True)
            await thread.submit(lambda connection: add(3, connection))
        finally:
            thread.close()
        assert [type(outcome) for outcome in outcomes] == [RepositoryUnavailable] * 3

    asyncio.run(script())
    assert numbers(database) == [3]


def test_who_no_longer_waits_is_not_told(database: Path) -> None:
    """A cancelled caller changes nothing for the others."""

    async def script() -> None:
        thread = WriterThread(database)
        try:
            gone = thread.submit(lambda connection: add(1, connection))
            gone.cancel()
            await thread.submit(lambda connection: add(2, connection))
        finally:
            thread.close()

    asyncio.run(script())
    assert numbers(database) == [1, 2]
