"""The host's disk as the port describes it."""

import os
from pathlib import Path

from keystead.bootstrap.host import HostClock, HostDisk


def test_a_file_is_replaced_and_removed(tmp_path: Path) -> None:
    """What was written last is read; what was removed, or never written, is None."""
    disk = HostDisk(tmp_path / "made")
    assert disk.read("one") is None
    disk.write("one", b"first")
    disk.write("one", b"second")
    assert HostDisk(tmp_path / "made").read("one") == b"second"
    disk.remove("one")
    disk.remove("one")
    assert disk.read("one") is None


def test_files_are_for_this_user_alone(tmp_path: Path) -> None:
    """Neither a file nor the directory can be read by others."""
    disk = HostDisk(tmp_path / "made")
    disk.write("one", b"content")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "made" / "one").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in (tmp_path / "made").iterdir()] == ["one"]


def test_what_is_public_can_be_read_by_all(tmp_path: Path) -> None:
    """Whatever the umask is; nobody else may write."""
    before = os.umask(0o077)
    try:
        HostDisk(tmp_path / "made", public=True).write("one", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "one").stat().st_mode & 0o777 == 0o644


def test_the_clock_counts_milliseconds() -> None:
    """The time is in milliseconds since the epoch: after 2001 and before 2286, thirteen digits."""
    assert len(str(HostClock().now())) == 13
    assert HostClock().monotonic() <= HostClock().monotonic()
