"""A hardened process cannot be dumped, traced or read by its own user."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keystead.primitives.process import Hardening

# Both sides give up the superuser's rights if they have them. That alone hides a process's memory, which is undone
# before hardening, so that it is the hardening that is tried.
_AS_A_USER = """
import ctypes, os, sys
from keystead.primitives.process import harden_process
libc = ctypes.CDLL(None, use_errno=True)
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
libc.prctl(4, 1, 0, 0, 0)
"""
HARDENED = (
    _AS_A_USER
    + """
achieved = harden_process(strict=False)
print(achieved.no_core, achieved.not_dumpable, achieved.no_debugger, achieved.no_new_privileges, flush=True)
sys.stdin.read()
"""
)
ATTACH = (
    _AS_A_USER
    + """
attached = libc.ptrace(16, int(sys.argv[1]), None, None) == 0
try:
    os.close(os.open(f"/proc/{sys.argv[1]}/mem", os.O_RDONLY))
    read = True
except PermissionError:
    read = False
print(attached, read)
"""
)


@pytest.fixture
def readable_source(tmp_path: Path) -> dict[str, str]:
    """The environment of a child that another user can run."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_no_process_of_the_same_user_can_attach_or_read(readable_source: dict[str, str]) -> None:
    """Ptrace attach and opening /proc/PID/mem fail for a hardened process's own user, and no core is written."""
    with subprocess.Popen(
        [sys.executable, "-c", HARDENED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=readable_source
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["True", "True", "True", "True"]
        attempt = subprocess.run(
            [sys.executable, "-c", ATTACH, str(process.pid)],
            capture_output=True,
            text=True,
            check=True,
            env=readable_source,
        )
        assert attempt.stdout.split() == ["False", "False"]
        process.communicate("")


def test_what_is_missing_is_named() -> None:
    """The names of what was not achieved are told."""
    achieved = Hardening(
        no_core=True, not_dumpable=True, no_debugger=True, no_new_privileges=True, locked=False, secret_memory=False
    )
    assert achieved.missing() == ("locked", "secret_memory")


STRICT = """
from keystead.primitives import arena
arena._secret_mapping = lambda size: None
from keystead.errors import OperatorError
from keystead.primitives.process import harden_process
try:
    harden_process(strict=True)
except OperatorError as error:
    print(error)
"""


def test_strict_refuses_to_start_without_secret_memory() -> None:
    """Where something cannot be had, strict stops the process with what is missing."""
    done = subprocess.run([sys.executable, "-c", STRICT], capture_output=True, text=True, check=True)
    assert "secret_memory" in done.stdout


LOCKED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
from keystead.primitives import process
status = process._status()
print(process._may_lock(status | {"CapEff": "0"}), process._may_lock(status | {"CapEff": hex(1 << 14)}))
"""


def test_memory_is_locked_only_where_that_cannot_fail_later() -> None:
    """With a limit, and without the capability to ignore it, all of the process is not locked."""
    done = subprocess.run([sys.executable, "-c", LOCKED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
