"""What only a database can get wrong: plans, locks, full disks, edited files."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from signal import SIG_IGN, SIGXFSZ, signal

import pytest

from keystead.components.key_repository import sqlite_reading, sqlite_writing
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.core.records import Change, KeyChange, TokenChange
from keystead.errors import RecordError, RepositoryUnavailable
from keystead.identifiers import AccountId, AliasName, DomainKeyId, KeyId, Region
from keystead.transport import sql
from keystead.transport.sql import WriterThread, connect_to_read

ACCOUNT = AccountId("111122223333")
REGION = Region("eu-central-1")
DOMAIN_KEY = DomainKeyId(bytes(16))
KEY = KeyId("11111111-1111-8111-8111-111111111111")

STATEMENTS = [
    value
    for module in (sqlite_reading, sqlite_writing)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str) and "?" in value
]
ROTATION = [
    "SELECT key_id FROM keys WHERE head_domain_key = ? AND key_id > ? ORDER BY key_id LIMIT ?",
    "SELECT key_id, version FROM key_tokens WHERE domain_key = ? AND key_id > ? ORDER BY key_id, version LIMIT ?",
]


def key(head: bytes = b"head", token: bytes = b"token") -> Change:
    """A change that adds one key."""
    tokens = (TokenChange(1, DOMAIN_KEY, token),)
    return Change((KeyChange(KEY, ACCOUNT, REGION, b"", head, DOMAIN_KEY, tokens, {"aliases": b"[]"}),))


@pytest.mark.parametrize("statement", [*STATEMENTS, *ROTATION])
def test_every_statement_is_served_by_an_index(database: Path, statement: str) -> None:
    """No plan scans a table or sorts: a table of any size answers as fast."""
    connection = connect_to_read(database)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", ["?"] * statement.count("?")).fetchall()
    assert [step for *_, step in plan if step.startswith(("SCAN", "USE TEMP"))] == []


def test_reads_cannot_write(database: Path) -> None:
    """A reader's connection refuses to change anything."""
    connection = connect_to_read(database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM keys")


def test_commits_survive_a_power_cut_by_configuration(database: Path) -> None:
    """The log is synced at each commit, and references are enforced."""
    connection = sql.connect_to_write(database)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """Neither reading nor writing makes an empty database by accident."""
    missing = tmp_path / "missing.sqlite"
    with pytest.raises(RepositoryUnavailable, match="SQLITE_CANTOPEN"):
        connect_to_read(missing)

    async def write() -> None:
        thread = WriterThread(missing)
        try:
            with pytest.raises(RepositoryUnavailable, match="SQLITE_CANTOPEN"):
                await SqliteKeyWriter(thread).apply(key())
        finally:
            thread.close()

    asyncio.run(write())
    assert not missing.exists()


def test_a_locked_database_is_unavailable_and_then_serves_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that waits for another process gives up in time, and works when that one is gone."""
    monkeypatch.setattr(sql, "WRITE_PATIENCE", 0.01)

    async def script() -> None:
        thread = WriterThread(database)
        writer = SqliteKeyWriter(thread)
        other = sql.connect_to_write(database)
        try:
            await SqliteDomainKeyFence(thread).admit(DOMAIN_KEY, 1)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RepositoryUnavailable, match="SQLITE_BUSY"):
                await writer.apply(key())
            other.execute("ROLLBACK")
            await writer.apply(key())
        finally:
            thread.close()

    asyncio.run(script())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process may grow beyond the size: writing fails as on a full disk."""
    before = getrlimit(RLIMIT_FSIZE)
    handler = signal(SIGXFSZ, SIG_IGN)
    setrlimit(RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)
        signal(SIGXFSZ, handler)


def test_a_full_disk_is_unavailable_changes_nothing_and_heals(database: Path) -> None:
    """Nothing of the change is there, and the same writer works once there is room."""

    async def script() -> None:
        thread = WriterThread(database)
        writer = SqliteKeyWriter(thread)
        reader = SqliteKeyReader(connect_to_read(database))
        try:
            await SqliteDomainKeyFence(thread).admit(DOMAIN_KEY, 1)
            with full_disk(64 * 1024), pytest.raises(RepositoryUnavailable):
                await writer.apply(key(token=bytes(1024 * 1024)))
            assert await reader.count() == 0
            await writer.apply(key())
            assert await reader.count() == 1
        finally:
            thread.close()

    asyncio.run(script())


def test_a_value_that_the_database_refuses_harms_no_one_else(database: Path) -> None:
    """A change with a value beyond all limits fails alone."""

    async def script() -> None:
        thread = WriterThread(database)
        writer = SqliteKeyWriter(thread)
        try:
            await SqliteDomainKeyFence(thread).admit(DOMAIN_KEY, 1)
            results = await asyncio.gather(
                writer.apply(key(head=bytes(8 * 1024 * 1024))), writer.apply(key()), return_exceptions=True
            )
        finally:
            thread.close()
        assert [type(result) for result in results] == [RepositoryUnavailable, type(None)]

    asyncio.run(script())


def test_waiting_work_is_finished_before_the_writer_ends(database: Path) -> None:
    """Closing loses nothing that was submitted."""

    async def script() -> None:
        thread = WriterThread(database)
        submitted = [thread.submit(lambda connection: connection.total_changes) for _ in range(600)]
        thread.close()
        assert len(await asyncio.gather(*submitted)) == 600

    asyncio.run(script())


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE keys SET head = 'text'",
        "UPDATE key_tokens SET token = 7",
        "UPDATE key_attachments SET content = 0.5",
        "UPDATE key_tokens SET version = 'one'",
        "UPDATE key_attachments SET kind = x'00'",
    ],
)
def test_a_value_of_another_type_is_refused(database: Path, writer_thread: WriterThread, edit: str) -> None:
    """Who edits the file can store any type in any column; it must not reach a frame that others share."""

    async def script() -> None:
        await SqliteDomainKeyFence(writer_thread).admit(DOMAIN_KEY, 1)
        await SqliteKeyWriter(writer_thread).apply(key())
        await writer_thread.submit(lambda connection: connection.execute(edit).close())
        reader = SqliteKeyReader(connect_to_read(database))
        with pytest.raises(RecordError):
            await reader.record(KEY)

    asyncio.run(script())


def test_an_alias_of_another_type_is_refused(database: Path, writer_thread: WriterThread) -> None:
    """The index answers with text or not at all."""

    async def script() -> None:
        await SqliteDomainKeyFence(writer_thread).admit(DOMAIN_KEY, 1)
        await SqliteKeyWriter(writer_thread).apply(key())
        edit = "INSERT INTO aliases VALUES (?, ?, 'alias/a', x'00')"
        await writer_thread.submit(
            lambda connection: [
                connection.execute("PRAGMA defer_foreign_keys = ON"),
                connection.execute(edit, (ACCOUNT, REGION)),
                connection.execute("INSERT INTO keys VALUES (x'00', '', '', x'', zeroblob(32), ?)", (DOMAIN_KEY,)),
            ].clear()
        )
        reader = SqliteKeyReader(connect_to_read(database))
        with pytest.raises(RecordError):
            await reader.alias(ACCOUNT, REGION, AliasName("alias/a"))

    asyncio.run(script())


def test_what_callers_are_told_holds_no_value(database: Path) -> None:
    """The error names its kind only."""
    reader = SqliteKeyReader(connect_to_read(database))
    os.truncate(database, 100)

    async def script() -> None:
        with pytest.raises(RepositoryUnavailable) as caught:
            await reader.record(KeyId("secret"))
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__

    asyncio.run(script())
