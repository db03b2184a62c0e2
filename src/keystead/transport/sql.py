"""The SQL database of one host: how it is opened, who writes, and how its schema is brought up to date.

Statements are portable SQL, run through the standard library's sqlite3; between engines only the placeholder differs.
A reader asks on the event loop's own thread, because one point read takes less time than a hop to another thread.
Writes have a thread of their own, because they wait for the disk.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeAlias, TypeVar

from keystead.errors import OperatorError, RepositoryUnavailable

T = TypeVar("T")
Connection: TypeAlias = sqlite3.Connection
Work: TypeAlias = Callable[[Connection], T]
"""What one caller wants done in a transaction; if it raises, all that it did is undone and nothing of anyone else's."""

READ_PATIENCE: Final = 0.1
"""Seconds that a reader waits for a lock; it holds the event loop, and only a recovery ever keeps it waiting."""
WRITE_PATIENCE: Final = 2.0
"""Seconds that a writer waits for the writer of another process."""
MOST_TOGETHER: Final = 256
"""Changes that share one transaction, and so one wait for the disk."""
_LONGEST_VALUE: Final = 4 * 1024 * 1024
_LONGEST_LOG: Final = 64 * 1024 * 1024
_MIGRATIONS: Final = "keystead.migrations"


def connect_to_read(path: Path) -> Connection:
    """Return a connection that cannot write; raises RepositoryUnavailable, also if there is no database."""
    return _connect(path, "ro", READ_PATIENCE)


def connect_to_write(path: Path) -> Connection:
    """Return a connection whose commits survive a power cut; raises RepositoryUnavailable, also without a database."""
    return _made_durable(_connect(path, "rw", WRITE_PATIENCE))


def unavailable(error: sqlite3.Error) -> RepositoryUnavailable:
    """Return what callers are told about a failure of the database: its kind, never its text."""
    return RepositoryUnavailable(f"the database failed ({getattr(error, 'sqlite_errorname', type(error).__name__)})")


def upgrade(path: Path) -> None:
    """Create the database if there is none, and bring its schema to the newest revision, wholly or not at all.

    Raises RepositoryUnavailable, and OperatorError for a database of a newer version of Keystead.
    """
    connection = _made_durable(_connect(path, "rwc", WRITE_PATIENCE))
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _outstanding(connection):
            connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise unavailable(error) from None
    finally:
        connection.close()  # rolls back what was not committed


class WriterThread:
    """Writes to the database on a thread of its own; changes that wait at the same time share one transaction.

    One event loop submits. Whatever happens to the process, work whose future has a result is on disk.
    """

    def __init__(self, path: Path) -> None:
        """Start the thread; the database is opened when it is first needed, and again after a failure."""
        self._path = path
        self._waiting: SimpleQueue[_Submitted | None] = SimpleQueue()
        self._connection: Connection | None = None
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Return what the work will return, once that is durable.

        The future raises what the work raised, or RepositoryUnavailable; either way nothing of the work remains.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Submitted(work, future))
        return future

    def close(self) -> None:
        """Finish what was submitted, then end the thread; blocks meanwhile. Nothing may be submitted any more."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            together = [first, *self._following()]
            self._transact(together)
            with suppress(RuntimeError):  # the loop has ended, so nobody waits
                first.future.get_loop().call_soon_threadsafe(_tell, together)
        if self._connection is not None:
            self._connection.close()

    def _following(self) -> Iterator["_Submitted"]:
        for _ in range(min(self._waiting.qsize(), MOST_TOGETHER - 1)):
            following = self._waiting.get()
            if following is None:
                self._waiting.put(None)
                return
            yield following

    def _transact(self, together: list["_Submitted"]) -> None:
        try:
            connection = self._connection = self._connection or connect_to_write(self._path)
            connection.execute("BEGIN IMMEDIATE")
            for submitted in together:
                submitted.run(connection)
            connection.execute("COMMIT")
        except (sqlite3.Error, RepositoryUnavailable) as error:
            # The transaction is lost, also for those whose work went well. A new connection, because a sync that failed
            # must not be tried again on the same file handle: the kernel may have dropped the pages.
            self._abandon()
            for submitted in together:
                submitted.error = unavailable(error) if isinstance(error, sqlite3.Error) else error

    def _abandon(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Submitted:
    """One caller's work and what became of it; owned by the writer's thread until the caller is told."""

    __slots__ = ("_result", "_work", "error", "future")

    def __init__(self, work: Work[object], future: asyncio.Future[Any]) -> None:
        self._work = work
        self._result: object = None
        self.future = future
        self.error: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Do the work in a savepoint; raises sqlite3.Error if the whole transaction is lost."""
        connection.execute("SAVEPOINT one")
        try:
            self._result = self._work(connection)
        except Exception as error:  # noqa: BLE001 - every error is handed to who submitted the work
            connection.execute("ROLLBACK TO one")  # fails if the error took the transaction along
            self.error = unavailable(error) if isinstance(error, sqlite3.Error) else error
        connection.execute("RELEASE one")

    def tell(self) -> None:
        """Hand the result to the caller, on the caller's loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(self.error)


def _tell(together: list[_Submitted]) -> None:
    for submitted in together:
        submitted.tell()


def _connect(path: Path, mode: str, patience: float) -> Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        # Transactions begin and end where the code says so; sqlite3's name for that is an isolation level of None.
        connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error as error:
        raise unavailable(error) from None
    return connection


def _made_durable(connection: Connection) -> Connection:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_LOG}")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from None
    return connection


def _outstanding(connection: Connection) -> Iterator[str]:
    """The statements of the revisions that the database does not have yet, oldest first."""
    scripts = sorted(files(_MIGRATIONS).joinpath("sqlite").iterdir(), key=lambda script: script.name)
    installed = _installed(connection)
    names = [script.name.removesuffix(".sql") for script in scripts]
    if installed is not None and installed not in names:
        raise OperatorError(
            f"the database has revision {installed}, which is newer than this keystead", "install a newer keystead"
        )
    for name, script in zip(names, scripts, strict=True):
        if installed is None or name > installed:
            yield from _statements(script.read_text())


def _installed(connection: Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if known is None:
        return None
    revision: tuple[str] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return revision[0]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
