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

    def complete(self, installation: Installation) -> None:
        """Record durably that the first start is complete."""
        temporary = self.path / f"{INSTALLATION}.new"
        with temporary.open("w") as file:
            file.write(dump(installation))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.path / INSTALLATION)
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def clear_unfinished(self) -> None:
        """Remove what an interrupted first start left: nobody was given a credential yet, so no key can be lost.

        Raises OperatorError if there is something that no first start makes.
        """
        strangers = sorted({entry.name for entry in self.path.iterdir()} - _MADE_AT_FIRST_START)
        if strangers:
            raise OperatorError(
                f"{self.path} is not a keystead data directory: it holds {', '.join(strangers[:5])}",
                "choose an empty directory with --data",
            )
        for name in sorted(_MADE_AT_FIRST_START - {_LOCK}):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


_MADE_AT_FIRST_START: Final = frozenset(
    {
        _LOCK,
        str(RUN),
        str(LOGS),
        str(DOMAIN),
        str(REPOSITORY),
        f"{REPOSITORY}-wal",
        f"{REPOSITORY}-shm",
        str(CREDENTIALS),
        f"{INSTALLATION}.new",
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
