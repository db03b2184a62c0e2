"""The host's disk as the port describes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keystead.bootstrap.host import HostClock, HostDisk
from keystead.errors import OperatorError


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


def test_a_directory_is_held_by_one_process(tmp_path: Path) -> None:
    """Who comes second is refused as long as the first lives, whoever that was started by."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom keystead.bootstrap.host import HostDisk\n"
        "disk = HostDisk(Path(sys.argv[1]))\ndisk.hold()\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(OperatorError, match="in use"):
            HostDisk(tmp_path).hold()
        first.kill()
        first.wait()
    HostDisk(tmp_path).hold()


def test_the_clock_counts_milliseconds() -> None:
    """The time is in milliseconds since the epoch: after 2001 and before 2286, thirteen digits."""
    assert len(str(HostClock().now())) == 13
    assert HostClock().monotonic() <= HostClock().monotonic()
