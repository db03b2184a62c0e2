"""The file of a backup is exactly what its manifest says, or it is refused."""

import shutil
import tarfile
from pathlib import Path

import msgspec
import pytest

from keystead.bootstrap.backing_up.archive import FORMAT, Manifest, described, unpack, write
from keystead.bootstrap.backing_up.restoring import lost
from keystead.errors import OperatorError

CONTENTS = {"domain/genesis": b"g" * 100, "repository.sqlite": b"r" * 5000}


def made(folder: Path, **changes: object) -> Manifest:
    """Write a backup of CONTENTS as ``backup.tar`` in the folder."""
    source = folder / "source"
    for path, content in CONTENTS.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    manifest = Manifest(
        format=FORMAT,
        id="00" * 16,
        taken=1,
        domain="11" * 32,
        version=1,
        domain_keys=[],
        root_slots=False,
        files=[described(path, source / path) for path in CONTENTS],
    )
    manifest = msgspec.structs.replace(manifest, **changes)
    write(folder / "backup.tar", manifest, source)
    return manifest


def test_what_is_unpacked_is_what_was_written(tmp_path: Path) -> None:
    """Every file returns, for this user alone."""
    manifest = made(tmp_path)
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    assert unpack(tmp_path / "backup.tar", tmp_path / "target") == manifest
    for path, content in CONTENTS.items():
        assert (tmp_path / "target" / path).read_bytes() == content
        assert (tmp_path / "target" / path).stat().st_mode & 0o777 == 0o600


def test_every_changed_byte_of_content_is_found(tmp_path: Path) -> None:
    """A bit that flipped in any file, or a file that is cut, is no backup any more."""
    made(tmp_path)
    whole = (tmp_path / "backup.tar").read_bytes()
    damaged = tmp_path / "damaged.tar"
    for place in (whole.index(b"gggg"), whole.index(b"rrrr") + 4000):
        damaged.write_bytes(whole[:place] + b"x" + whole[place + 1 :])
        with pytest.raises(OperatorError, match="damaged, or no backup"):
            unpack(damaged, tmp_path / f"target-{place}")
    for size in (0, 100, len(whole) // 2, whole.index(b"rrrr")):
        damaged.write_bytes(whole[:size])
        with pytest.raises(OperatorError, match="damaged, or no backup"):
            unpack(damaged, tmp_path / f"target-cut-{size}")


def test_a_backup_holds_nothing_more_than_it_says(tmp_path: Path) -> None:
    """What was appended is refused, and so is another format."""
    made(tmp_path)
    with tarfile.open(tmp_path / "backup.tar", "a") as archive:
        archive.add(tmp_path / "source" / "repository.sqlite", "more")
    with pytest.raises(OperatorError, match="more than it says"):
        unpack(tmp_path / "backup.tar", tmp_path / "target")
    shutil.rmtree(tmp_path / "source")
    (tmp_path / "backup.tar").unlink()
    made(tmp_path, format=FORMAT + 1)
    with pytest.raises(OperatorError, match="unknown here"):
        unpack(tmp_path / "backup.tar", tmp_path / "target-2")


def test_no_path_leads_out_of_the_directory(tmp_path: Path) -> None:
    """A manifest that names a path above the directory writes nothing there."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"g" * 100)
    manifest = made(tmp_path)
    (tmp_path / "backup.tar").unlink()
    hostile = described("../outside", outside)
    write(tmp_path / "backup.tar", msgspec.structs.replace(manifest, files=[hostile]), tmp_path / "source")
    outside.unlink()
    with pytest.raises(OperatorError, match="leads out"):
        unpack(tmp_path / "backup.tar", tmp_path / "target")
    assert not outside.exists()


def test_a_backup_is_not_compared_with_another_domain(tmp_path: Path) -> None:
    """A directory whose documents prove nothing of the backup's domain is refused."""
    manifest = made(tmp_path)
    with pytest.raises(OperatorError, match="do not prove the domain"):
        lost(manifest, tmp_path / "source")
