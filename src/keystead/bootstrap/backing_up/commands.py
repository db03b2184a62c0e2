"""``keystead backup`` and ``keystead restore`` on this host."""

from datetime import UTC, datetime
from pathlib import Path

from keystead.bootstrap.backing_up.archive import Manifest
from keystead.bootstrap.backing_up.restoring import lost, restore, verified
from keystead.bootstrap.backing_up.taking import take
from keystead.bootstrap.reporting import show, tell

_SLOTS = "it has no root slots: put the root-slot files of each module beside its module.sealed before you start"


class BackingUp:
    """``BackupCommands`` of the command line."""

    def take_backup(self, data: Path, target: Path, *, root_slots: bool) -> int:
        """Take a backup."""
        manifest = take(data.resolve(), target.absolute(), root_slots=root_slots)
        show(f"{_described(manifest)}\n")
        tell(f"written and verified: {target}")
        if root_slots:
            tell("it holds root slots in clear: whoever has it opens every key. Guard it as you guard the modules")
        return 0

    def verify_backup(self, archive: Path) -> int:
        """Look a backup through."""
        manifest, _ = verified(archive)
        show(f"{_described(manifest)}\n")
        return 0

    def restore(self, archive: Path, data: Path, against: Path | None, *, dry_run: bool) -> int:
        """Make a data directory of a backup, or only tell what that would mean."""
        manifest, _ = verified(archive)
        show(f"{_described(manifest)}\n")
        tell(f"lost is whatever was written after {_moment(manifest)}: keys, and changes of keys")
        for one in [] if against is None else lost(manifest, against.resolve()):
            tell(f"lost is {one}")
        if not manifest.root_slots:
            tell(_SLOTS)
        if not dry_run:
            restore(archive, data.absolute(), against)
            tell(f"restored; next: keystead up --data {data}")
        return 0


def _described(manifest: Manifest) -> str:
    keys = ", ".join(key[:16] for key in manifest.domain_keys) or "none"
    return f"backup of {_moment(manifest)}, domain version {manifest.version}; needs domain keys {keys}"


def _moment(manifest: Manifest) -> str:
    return datetime.fromtimestamp(manifest.taken / 1000, UTC).isoformat(timespec="seconds")
