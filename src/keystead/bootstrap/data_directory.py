"""The one directory that holds everything of a whole service on one host.

Every role runs with it as its working directory and names what it uses relative to it: the directory can be moved as a
whole, and the paths of its sockets stay below the length that the kernel allows however deep it lies.
"""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from keystead.bootstrap.configuration import dump, load
from keystead.errors import OperatorError
from keystead.identifiers import is_account_id, is_region

DEFAULT_ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"

RUN: Final = Path("run")
LOGS: Final = Path("logs")
DOMAIN: Final = Path("domain")
REPOSITORY: Final = Path("repository.sqlite")
CREDENTIALS: Final = Path("credentials")
INSTALLATION: Final = Path("installation.toml")
_LOCK: Final = "lock"
_UNDER_WAY: Final = f"{INSTALLATION}.new"
"""There as long as the first start is under way: it becomes the record that it is complete."""


class Installation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was decided at the first start; written last, so that its presence says that the start was completed."""

    account_id: str
    region: str
    domain: str
    """Hexadecimal id of the domain."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A data directory; ``path`` is absolute."""

    path: Path

    def prepare(self) -> None:
        """Make the directory if it is not there, readable for this user alone."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(
                f"cannot use {self.path}: {error.strerror}", "choose another directory with --data"
            ) from None

    def lock(self) -> int:
        """Return a file descriptor that holds the directory for this process until it ends.

        Raises OperatorError if another process holds it.
        """
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise OperatorError(
                f"the data directory {self.path} is in use by another keystead",
                "stop that one or choose another directory with --data",
            ) from None
        return descriptor

    def installation(self) -> Installation | None:
        """Return what was decided at the first start, or None if none was completed."""
        path = self.path / INSTALLATION
        return load(path, Installation) if path.exists() else None

    def begin(self) -> None:
        """Record durably that a first start is under way, and remove what an interrupted one left.

        Only where one was under way is anything removed: nobody was given a credential yet, so no key can be lost.
        Raises OperatorError if the directory holds anything else, such as keys without the record of their first start.
        """
        found = {entry.name for entry in self.path.iterdir()} - {_LOCK}
        strangers = sorted(found - _MADE_AT_FIRST_START if _UNDER_WAY in found else found)
        if strangers:
            raise OperatorError(
                f"{self.path} is not empty and has no {INSTALLATION}: it holds {', '.join(strangers[:5])}",
                f"choose an empty directory with --data, or restore {INSTALLATION} from a backup",
            )
        self._write_unfinished("")
        self._sync()
        for name in sorted(found - {_UNDER_WAY}):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def complete(self, installation: Installation) -> None:
        """Record durably that the first start is complete."""
        self._write_unfinished(dump(installation))
        (self.path / _UNDER_WAY).rename(self.path / INSTALLATION)
        self._sync()

    def _write_unfinished(self, content: str) -> None:
        with (self.path / _UNDER_WAY).open("w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _sync(self) -> None:
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


_MADE_AT_FIRST_START: Final = frozenset(
    {
        str(RUN),
        str(LOGS),
        str(DOMAIN),
        str(REPOSITORY),
        f"{REPOSITORY}-wal",
        f"{REPOSITORY}-shm",
        str(CREDENTIALS),
        _UNDER_WAY,
        "module-1",
        "module-2",
        "coordinator",
        "authentication",
        "cryptography",
        "operator",
    }
)


def check_choices(account_id: str, region: str) -> None:
    """Raise OperatorError unless both have the form that the protocol knows."""
    if not is_account_id(account_id):
        raise OperatorError(f"{account_id!r} is not an account id", "give twelve digits with --account-id")
    if not is_region(region):
        raise OperatorError(f"{region!r} is not a region", "give a name such as us-east-1 with --region")
