"""The file of a backup: a tar archive whose first member says what follows, byte for byte."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

import msgspec

from keystead.errors import OperatorError

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_FILE_MODE: Final = 0o600
_LARGEST_MANIFEST: Final = 16 * 1024 * 1024
_PIECE: Final = 1024 * 1024


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds, and what is needed to use it."""

    format: int
    id: str
    """Hexadecimal, random."""
    taken: int
    """Milliseconds since the Unix epoch."""
    domain: str
    """Hexadecimal id of the domain."""
    version: int
    """The domain's version when it was taken."""
    domain_keys: list[str]
    """Hexadecimal ids of the domain keys under which its records rest."""
    root_slots: bool
    """Whether it holds what opens the modules' files."""
    files: list[Content]


def described(path: str, file: Path) -> Content:
    """Return what a manifest says of a file."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
    return Content(path, file.stat().st_size, digest.hexdigest())


def write(target: Path, manifest: Manifest, source: Path) -> None:
    """Write the archive of these files of ``source``, durably, readable for this user alone; it must not be there."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            said = msgspec.json.encode(manifest)
            archive.addfile(_member(MANIFEST, len(said)), io.BytesIO(said))
            for one in manifest.files:
                with (source / one.path).open("rb") as content:
                    archive.addfile(_member(one.path, one.size), content)
        file.flush()
        os.fsync(descriptor)


def unpack(archive: Path, directory: Path) -> Manifest:
    """Write every file of a backup below an empty directory, and return what it says of itself.

    Raises OperatorError for whatever is not exactly what the manifest says.
    """
    try:
        with tarfile.open(archive, mode="r:") as opened:
            return _unpacked(opened, directory)
    except OSError as error:
        raise OperatorError(f"cannot read {archive}: {error.strerror or error}", "name a backup's file") from None
    except (tarfile.TarError, msgspec.DecodeError, ValueError, EOFError) as error:
        raise OperatorError(
            f"{archive} is damaged, or no backup: {error}", "take another copy of it, or an older backup"
        ) from None


def _unpacked(opened: tarfile.TarFile, directory: Path) -> Manifest:
    members = iter(opened)
    manifest = _manifest(opened, members)
    for said in manifest.files:
        member = next(members, None)
        if member is None or (member.name, member.size, member.isreg()) != (said.path, said.size, True):
            raise ValueError(f"{said.path} is missing")
        path = PurePosixPath(said.path)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("a path leads out of it")
        content = opened.extractfile(member)
        if content is None or _copied(content, directory / path) != said.sha256:
            raise ValueError(f"{said.path} was changed")
    if next(members, None) is not None:
        raise ValueError("it holds more than it says")
    return manifest


def _manifest(opened: tarfile.TarFile, members: Iterator[tarfile.TarInfo]) -> Manifest:
    first = next(members, None)
    if first is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
        raise ValueError("it does not begin with a manifest")
    content = opened.extractfile(first)
    manifest = msgspec.json.decode(b"" if content is None else content.read(), type=Manifest)
    if manifest.format != FORMAT:
        raise ValueError(f"format {manifest.format} is unknown here")
    return manifest


def _copied(content: IO[bytes], target: Path) -> str:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        while piece := content.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(descriptor)
    return digest.hexdigest()


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, _FILE_MODE
    return member
