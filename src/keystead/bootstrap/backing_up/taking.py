"""Taking a backup of a data directory, whether it runs or not."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from keystead.bootstrap.backing_up.archive import FORMAT, Manifest, described, unpack, write
from keystead.bootstrap.data_directory import DOMAIN, LOGS, REPOSITORY, RUN, DataDirectory
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.core.domain.state import DomainState
from keystead.errors import OperatorError, Refusal, RepositoryUnavailable
from keystead.identifiers import DomainId
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.sql import connect_to_read, connect_to_write

ROOT_SLOT: Final = "root-slot-*"
_ATTEMPTS: Final = 5
_LEFT_OUT: Final = frozenset({str(RUN), str(LOGS), "lock"})
_RECORD: Final = "INSERT INTO backups (id, taken, version) VALUES (?, ?, ?)"
_NEEDED: Final = "SELECT domain_key FROM key_tokens UNION SELECT head_domain_key FROM keys"


def take(data: Path, target: Path, *, root_slots: bool) -> Manifest:
    """Write a backup, whole and looked through again, or nothing; raises OperatorError.

    The database is copied first and the domain's documents last: what rests under a domain key is copied only where the
    documents that are copied still list it.
    """
    installation = DataDirectory(data).installation() if data.is_dir() else None
    if installation is None:
        raise OperatorError(f"no domain was founded in {data}", "name the data directory with --data")
    if target.exists():
        raise OperatorError(f"there is a file {target} already", "name another with --to")
    made = target.with_name(f"{target.name}.new")
    try:
        with TemporaryDirectory(prefix=".keystead-", dir=target.parent) as folder:
            copy = Path(folder)
            _copy_database(data / REPOSITORY, copy / REPOSITORY)
            _copy_files(data, copy, root_slots=root_slots)
            state = proven(copy, installation.domain)
            manifest = Manifest(
                format=FORMAT,
                id=SystemRandomness().token(16).hex(),
                taken=HostClock().now(),
                domain=installation.domain,
                version=state.version,
                domain_keys=needed(copy, state),
                root_slots=root_slots,
                files=[described(path.relative_to(copy).as_posix(), path) for path in _files(copy)],
            )
            write(made, manifest, copy)
        with TemporaryDirectory(prefix=".keystead-", dir=target.parent) as folder:
            unpack(made, Path(folder))
        made.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise OperatorError(f"cannot write {target}: {error.strerror}", "name another file with --to") from None
    finally:
        made.unlink(missing_ok=True)
    _record(data / REPOSITORY, manifest)
    return manifest


def proven(directory: Path, domain: str) -> DomainState:
    """Return the newest state of the domain that the documents of a data directory prove; raises OperatorError."""
    try:
        return DomainDirectory(HostDisk(directory / DOMAIN, public=True), DomainId(bytes.fromhex(domain))).state
    except (Refusal, ValueError) as error:
        raise OperatorError(
            f"the documents in {directory / DOMAIN} do not prove the domain: {error}", "use an older backup"
        ) from None


def needed(directory: Path, state: DomainState) -> list[str]:
    """Return the domain keys that records rest under; raises OperatorError if one of them is no more."""
    try:
        with closing(connect_to_read(directory / REPOSITORY)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise OperatorError("the copy of the database is damaged", "see what is wrong with the disk")
            keys = sorted(bytes(key) for (key,) in connection.execute(_NEEDED))
    except (sqlite3.Error, RepositoryUnavailable) as error:
        raise OperatorError(f"the copy of the database cannot be read: {error}", "use an older backup") from None
    if gone := [key for key in keys if key not in {entry.id for entry in state.domain_keys}]:
        raise OperatorError(
            f"records rest under domain keys that were dropped: {', '.join(key.hex()[:16] for key in gone)}",
            "take or use a newer backup: nothing opens these records any more",
        )
    return [key.hex() for key in keys]


def _record(repository: Path, manifest: Manifest) -> None:
    """Record that the backup was taken: a domain key is dropped only when there is a newer backup than it."""
    try:
        with closing(connect_to_write(repository)) as connection:
            connection.execute(_RECORD, (bytes.fromhex(manifest.id), manifest.taken, manifest.version))
    except (sqlite3.Error, RepositoryUnavailable) as error:
        raise OperatorError(
            f"the backup is written, but the database does not take note of it: {error}", "take it again later"
        ) from None


def _copy_database(source: Path, target: Path) -> None:
    try:
        with closing(connect_to_read(source)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing)
            # Self-contained: no log beside it is needed to read the copy.
            writing.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, RepositoryUnavailable) as error:
        raise OperatorError(f"cannot copy the database {source}: {error}", "see whether keystead runs well") from None


def _copy_files(data: Path, copy: Path, *, root_slots: bool) -> None:
    entries = [path for path in sorted(data.iterdir()) if _is_kept(path)]
    for path in sorted(entries, key=lambda one: one.name == str(DOMAIN)):  # the documents last
        if path.is_dir():
            _copy_directory(path, copy / path.name, root_slots=root_slots)
        else:
            shutil.copyfile(path, copy / path.name)


def _is_kept(path: Path) -> bool:
    return not (path.name in _LEFT_OUT or path.name.startswith(str(REPOSITORY)) or path.name.endswith(".new"))


def _copy_directory(source: Path, target: Path, *, root_slots: bool) -> None:
    """Copy a role's files as they are at one moment: a module replaces its file and its root slot together."""
    for _ in range(_ATTEMPTS):
        before = _contents(source)
        if before == _contents(source):
            break
    else:
        raise OperatorError(f"{source} changes all the time", "take the backup again")
    for path, content in before.items():
        if root_slots or not path.match(ROOT_SLOT):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)


def _contents(directory: Path) -> dict[Path, bytes]:
    try:
        return {path.relative_to(directory): path.read_bytes() for path in _files(directory)}
    except FileNotFoundError:
        return {}


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and not path.name.endswith(".new"))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
