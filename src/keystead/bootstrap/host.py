"""The host's clock and disk, as the ports of ``core.ports`` describe them."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from keystead.core.failpoints import Step, durable
from keystead.errors import OperatorError

_FILE_MODE: Final = 0o600
_PUBLIC_MODE: Final = 0o644
_DIRECTORY_MODE: Final = 0o700


class HostClock:
    """The host's clocks."""

    def now(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000  # noqa: TID251  # this is the adapter

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment."""
        return time.monotonic()


class HostDisk:
    """The files of one directory, each replaced atomically and durably; for this user alone, or public to read.

    An error of the disk is raised as it comes: after a failed sync nothing is known about the file, so that the process
    must end rather than try again.
    """

    def __init__(self, directory: Path, *, public: bool = False) -> None:
        """Use the directory; it is made, for this user alone, if it is not there."""
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        self._directory = directory
        self._mode = _PUBLIC_MODE if public else _FILE_MODE

    def hold(self) -> None:
        """Keep every other process that asks for it from the directory, until this one ends.

        Raises OperatorError if another holds it: who reads first and writes later must not do so beside another.
        """
        self._held = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._held)
            raise OperatorError(
                f"the directory {self._directory} is in use", "stop the process that uses it, or choose another"
            ) from None

    def read(self, name: str) -> bytes | None:
        """Return the content, or None if there is no such file."""
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Replace the content; on return it survives a power cut."""
        temporary = self._directory / f"{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, self._mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        with durable(Step.FILE_REPLACEMENT):
            temporary.rename(self._directory / name)
            self._sync()

    def remove(self, name: str) -> None:
        """Overwrite the file where it lies and remove it, if it is there; on return that survives a power cut."""
        path = self._directory / name
        with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:
            file.write(bytes(path.stat().st_size))
            os.fsync(file.fileno())
        with durable(Step.FILE_REMOVAL):
            path.unlink(missing_ok=True)
            self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
