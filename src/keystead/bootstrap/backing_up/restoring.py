"""Making a data directory of a backup, and telling beforehand what would be lost."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from keystead.bootstrap.backing_up.archive import Manifest, unpack
from keystead.bootstrap.backing_up.taking import needed, proven
from keystead.bootstrap.data_directory import DOMAIN
from keystead.core.domain.state import DomainState
from keystead.errors import OperatorError

_PUBLIC: Final = 0o644


def verified(archive: Path) -> tuple[Manifest, DomainState]:
    """Return what a backup holds, once all of it was looked through; raises OperatorError."""
    with TemporaryDirectory(prefix=".keystead-", dir=archive.absolute().parent) as folder:
        manifest = unpack(archive, Path(folder))
        return manifest, _judged(manifest, Path(folder))


def restore(archive: Path, data: Path, against: Path | None) -> Manifest:
    """Make the data directory, whole or not at all; it must be empty or not there. Raises OperatorError.

    ``against`` is the data directory that is given up, or a copy of it: the backup must be able to follow it.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise OperatorError(f"{data} is not empty", "choose an empty directory with --data")
    data.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".keystead-", dir=data.parent) as folder:
        made = Path(folder) / "data"
        made.mkdir(mode=0o700)
        manifest = unpack(archive, made)
        _judged(manifest, made)
        if against is not None:
            lost(manifest, against)
        for path in (made / DOMAIN).iterdir():
            path.chmod(_PUBLIC)
        made.rename(data)
    return manifest


def lost(manifest: Manifest, against: Path) -> list[str]:
    """Return what the directory that is given up has more; raises OperatorError if the backup is of no use."""
    state = proven(against, manifest.domain)
    if state.version < manifest.version:
        raise OperatorError(f"{against} is older than the backup", "name the newest copy with --against")
    alive = {entry.id.hex() for entry in state.domain_keys}
    if gone := [key for key in manifest.domain_keys if key not in alive]:
        raise OperatorError(
            f"the backup needs domain keys that were dropped since: {', '.join(key[:16] for key in gone)}",
            "use a newer backup: what was sealed under these keys was to be unreadable from then on",
        )
    versions = range(manifest.version + 1, state.version + 1)
    newer = sorted(alive - set(manifest.domain_keys))
    return [
        *(f"version {version} of the domain" for version in versions),
        *(f"what rests under domain key {key[:16]} alone" for key in newer),
    ]


def _judged(manifest: Manifest, directory: Path) -> DomainState:
    state = proven(directory, manifest.domain)
    if state.version != manifest.version or needed(directory, state) != manifest.domain_keys:
        raise OperatorError("the backup is not what it says of itself", "use another backup")
    return state
