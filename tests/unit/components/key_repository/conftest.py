"""One repository in memory and one in a file, behind the same ports."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.core.records import DomainKeyFence, KeyReader, KeyWriter
from keystead.transport.sql import WriterThread, connect_to_read, upgrade


@dataclass(frozen=True)
class Ports:
    """The three ports of one repository."""

    reader: KeyReader
    writer: KeyWriter
    fence: DomainKeyFence


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A new database with the newest schema."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    return path


@pytest.fixture
def writer_thread(database: Path) -> Iterator[WriterThread]:
    """The thread that writes to the database."""
    thread = WriterThread(database)
    yield thread
    thread.close()


@pytest.fixture(params=["memory", "sqlite"])
def ports(request: pytest.FixtureRequest) -> Ports:
    """Each implementation of the ports in turn."""
    if request.param == "memory":
        repository = MemoryKeyRepository()
        return Ports(repository, repository, repository)
    database: Path = request.getfixturevalue("database")
    thread: WriterThread = request.getfixturevalue("writer_thread")
    reader = SqliteKeyReader(connect_to_read(database))
    return Ports(reader, SqliteKeyWriter(thread), SqliteDomainKeyFence(thread))
