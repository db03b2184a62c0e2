"""Roles are started again when they end, stopped in reverse order, and never outlive who started them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import psutil
import pytest

from keystead.bootstrap import guardian, supervisor
from keystead.bootstrap.guardian import Guardian
from keystead.bootstrap.supervisor import Role, Supervisor
from keystead.primitives.randomness import SystemRandomness

RANDOMNESS = SystemRandomness()
SLEEPER = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def any_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the roles of these tests be small programs instead of Keystead's own."""
    monkeypatch.setattr(supervisor, "COMMAND", (sys.executable, "-c"))
    monkeypatch.setattr(guardian, "COMMAND", (sys.executable, "-c"))


def _lines(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


async def pids(log: Path, count: int) -> list[int]:
    """Return the first process ids that a role wrote, once it wrote that many."""
    while True:
        lines = _lines(log)
        if len(lines) >= count:
            return [int(line) for line in lines]
        await asyncio.sleep(0.01)


def test_a_role_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """After kill -9 another process plays the role, and the person at the terminal is told."""

    async def scenario() -> None:
        told: list[str] = []
        kept = Supervisor(told.append, RANDOMNESS)
        log = tmp_path / "role.log"
        kept.add(Role(name="sleeper", arguments=(SLEEPER,), log=log))
        (first,) = await pids(log, 1)
        psutil.Process(first).kill()
        _, second = await pids(log, 2)
        assert second != first
        assert told == [f"sleeper ended (signal 9) and is started again; its log is {log}"]
        await kept.stop()
        assert not psutil.pid_exists(second)

    asyncio.run(scenario())


def test_roles_stop_in_reverse_order(tmp_path: Path) -> None:
    """The role that was added last, which uses the others, ends first."""

    async def scenario() -> None:
        order = tmp_path / "order"
        program = (
            "import os, signal, sys, time\n"
            "def end(*_):\n"
            f"    open({str(order)!r}, 'a').write(sys.argv[1] + ' ')\n"
            "    os._exit(0)\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "print(os.getpid(), flush=True)\n"
            "time.sleep(600)\n"
        )
        kept = Supervisor(lambda _line: None, RANDOMNESS)
        for name in ("first", "second", "third"):
            kept.add(Role(name=name, arguments=(program, name), log=tmp_path / name))
            await pids(tmp_path / name, 1)
        await kept.stop()
        assert order.read_text().split() == ["third", "second", "first"]

    asyncio.run(scenario())


def test_a_role_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its grace a role that ignores the request is killed."""

    async def scenario() -> None:
        monkeypatch.setattr(supervisor, "GRACE", 0.05)
        stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
        kept = Supervisor(lambda _line: None, RANDOMNESS)
        kept.add(Role(name="stubborn", arguments=(stubborn,), log=tmp_path / "log"))
        (process,) = await pids(tmp_path / "log", 1)
        await kept.stop()
        assert not psutil.pid_exists(process)

    asyncio.run(scenario())


def test_the_guardian_starts_a_killed_supervisor_again(tmp_path: Path) -> None:
    """A child that is killed is started again; one that ends in order ends the guardian too."""
    runs = tmp_path / "runs"
    program = (
        "import os, signal, sys\n"
        f"runs = open({str(runs)!r}, 'a+')\n"
        "runs.write('x'); runs.flush(); runs.seek(0)\n"
        "if len(runs.read()) < 3: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    told: list[str] = []
    assert Guardian((program,), (), told.append).run() == 0
    assert runs.read_text() == "xxx"
    assert told == ["the supervisor ended (status -9) and is started again"] * 2


def test_a_refused_supervisor_is_not_tried_again() -> None:
    """A child that was refused something has told why; its status is the guardian's."""
    told: list[str] = []
    assert Guardian(("raise SystemExit(1)",), (), told.append).run() == 1
    assert told == []


def test_a_guardian_told_while_it_starts_its_child_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that comes while the child is being made reaches it all the same."""
    started: list[subprocess.Popen[bytes]] = []

    def start(self: Guardian) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3)"])
        started.append(child)
        signal.raise_signal(signal.SIGTERM)
        return child

    monkeypatch.setattr(Guardian, "_start", start)
    assert Guardian((), (), lambda _line: None).run() == 0
    assert [child.returncode for child in started] == [-signal.SIGTERM]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_guardian_told_between_two_children_does_not_wait(monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:  # noqa: FBT001
    """A signal before or during the wait for the next start ends the wait, and no child is started any more."""
    monkeypatch.setattr(guardian, "FIRST_WAIT", 600.0)
    told: list[str] = []
    killers: list[subprocess.Popen[bytes]] = []

    def report(line: str) -> None:
        told.append(line)
        if elsewhere:
            killers.append(subprocess.Popen([sys.executable, "-c", f"import os; os.kill({os.getpid()}, 15)"]))
        else:
            signal.raise_signal(signal.SIGTERM)

    def still_waiting(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, still_waiting)
    signal.alarm(30)
    try:
        assert Guardian(("raise SystemExit(3)",), (), report).run() == 0
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        for killer in killers:
            killer.wait()
    assert told == ["the supervisor ended (status 3) and is started again"]


@pytest.mark.parametrize(("too_late", "status"), [(False, 0), (True, 1)])
def test_nobody_is_left_behind_by_a_parent_that_died_early(too_late: bool, status: int) -> None:  # noqa: FBT001
    """A child whose parent was gone before the kernel was asked to tell of its death does not even begin."""
    parent = 1 if too_late else os.getpid()
    bound = partial(supervisor.bound_to_parent, signal.SIGKILL, parent)
    assert subprocess.Popen([sys.executable, "-c", ""], preexec_fn=bound).wait() == status  # noqa: PLW1509


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put the signal handlers back that a guardian replaced."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_role_that_is_removed_ends_and_is_not_started_again(tmp_path: Path) -> None:
    """The others go on; what is removed is stopped in order and stays so."""

    async def scenario() -> None:
        told: list[str] = []
        kept = Supervisor(told.append, RANDOMNESS)
        logs = {name: tmp_path / f"{name}.log" for name in ("stays", "goes")}
        for name, log in logs.items():
            kept.add(Role(name=name, arguments=(SLEEPER,), log=log))
        (staying,), (going,) = [await pids(log, 1) for log in logs.values()]
        await kept.remove("goes")
        assert not psutil.pid_exists(going)
        assert psutil.pid_exists(staying)
        assert told == []
        await kept.stop()
        assert not psutil.pid_exists(staying)

    asyncio.run(scenario())
