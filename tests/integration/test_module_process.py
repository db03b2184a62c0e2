"""The module's process: what it loads, how it starts and how it stops."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.service import keystead

PACKAGES = {"_cffi_backend", "cbor2", "cryptography", "msgspec", "typing_extensions", "uvloop"}
"""The module's run-time dependencies, with what cryptography itself loads."""
LOADED = """
import sys
import keystead.bootstrap.module
folders = {name.partition(".")[0] for name, module in sys.modules.items()
           if "site-packages" in (getattr(module, "__file__", None) or "")}
print(*sorted(folders - {"_distutils_hack", "sitecustomize"}))
"""


def _configure(folder: Path, **more: str) -> Path:
    path = folder / "module.toml"
    fields = {"name": '"module-1"', "directory": '"state"', "listen": '"unix:socket"', "pin": '"pin"'} | more
    path.write_text("".join(f"{name} = {value}\n" for name, value in fields.items()))
    return path


def _start(folder: Path, prepare: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "keystead", "serve", "module", "--config", "module.toml"]
    return subprocess.Popen(arguments, cwd=folder, stderr=subprocess.PIPE, preexec_fn=prepare)  # noqa: PLW1509 -- one thread


def _cores_wanted() -> None:
    """Allow all cores that this host allows, as a careless host does."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _run(folder: Path) -> tuple[int, str]:
    with _start(folder) as process:
        return process.wait(), process.stderr.read().decode() if process.stderr else ""


def test_it_loads_its_own_dependencies_only() -> None:
    """Nothing but the packages that the module declares is imported by its recipe."""
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) <= PACKAGES


@pytest.mark.slow
def test_it_starts_tells_who_it_is_and_stops_in_order(tmp_path: Path) -> None:
    """It logs JSON lines, keeps its files to itself, stops with status 0 at SIGTERM, and stays itself over restarts."""
    _configure(tmp_path)
    fingerprints = []
    for _ in range(2):
        with _start(tmp_path) as process:
            assert process.stderr is not None
            started = json.loads(process.stderr.readline())
            fingerprints.append(started["fingerprint"])
            assert started["event"] == "module started"
            assert started["no_core"] is started["not_dumpable"] is True
            told = keystead("identify", f"unix:{tmp_path / 'socket'}")
            assert told.stdout == f"{started['fingerprint']}\n"
            process.send_signal(signal.SIGTERM)
            lines = [json.loads(line) for line in process.stderr]
            assert process.wait() == 0
            assert lines[-1]["event"] == "module stopped"
    assert fingerprints[0] == fingerprints[1]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.slow
def test_who_is_not_there_is_not_identified(tmp_path: Path) -> None:
    """Where no module answers, the command fails and says what to look at."""
    told = keystead("identify", f"unix:{tmp_path / 'socket'}")
    assert (told.returncode, told.stdout) == (1, "")
    assert "no security module answers at" in told.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGQUIT], ids=lambda n: n.name
)
def test_a_crash_leaves_no_core(tmp_path: Path, number: signal.Signals) -> None:
    """The kernel writes no image of the memory of a module that crashes, and the module says nothing of itself."""
    _configure(tmp_path)
    with _start(tmp_path, _cores_wanted) as process:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["no_core"] is True
        process.send_signal(number)
        assert process.stderr.read() == b""
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == number
    assert not os.WCOREDUMP(status)


@pytest.mark.slow
def test_it_says_why_it_does_not_start(tmp_path: Path) -> None:
    """A wrong configuration and a damaged identity end the process with status 1 and one line that says what to do."""
    _configure(tmp_path, directory='"state"\nunknown = 1')
    status, told = _run(tmp_path)
    assert (status, told.count("\n")) == (1, 1)
    assert "unknown" in told
    _configure(tmp_path)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "root-slot-1").write_bytes(b"short")
    status, told = _run(tmp_path)
    assert (status, told.count("\n")) == (1, 1)
    assert "root slot" in told


@pytest.mark.slow
def test_one_process_is_the_module(tmp_path: Path) -> None:
    """A second process on the same directory, listening elsewhere, is refused before it reads anything."""
    _configure(tmp_path)
    with _start(tmp_path) as process:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "module started"
        _configure(tmp_path, listen='"unix:other"')
        status, told = _run(tmp_path)
        assert (status, "in use" in told) == (1, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
