"""One repository in memory and one in a file, behind the same ports."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.components.key_repository.memory_rotations import MemoryRotationRepository
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.components.key_repository.sqlite_resealing import SqliteResealWriter, SqliteRestingReader
from keystead.components.key_repository.sqlite_rotations import SqliteRotationRepository
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.core.records import DomainKeyFence, KeyReader, KeyWriter
from keystead.core.rotation.repository import ResealWriter, RestingReader, RotationRepository
from keystead.transport.sql import WriterThread, connect_to_read, upgrade


@dataclass(frozen=True)
class Ports:
    """The ports of one repository."""

    reader: KeyReader
    writer: KeyWriter
    fence: DomainKeyFence
    resting: RestingReader
    reseal: ResealWriter
    rotations: RotationRepository


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
        rotations = MemoryRotationRepository()
        repository = MemoryKeyRepository(rotations)
        return Ports(repository, repository, repository, repository, repository, rotations)
    database: Path = request.getfixturevalue("database")
    thread: WriterThread = request.getfixturevalue("writer_thread")
    reader = SqliteKeyReader(connect_to_read(database))
    return Ports(
        reader,
        SqliteKeyWriter(thread),
        SqliteDomainKeyFence(thread),
        SqliteRestingReader(connect_to_read(database)),
        SqliteResealWriter(thread),
        SqliteRotationRepository(thread),
    )
