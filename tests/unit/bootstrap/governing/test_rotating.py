"""``keystead rotation``: signed orders to the coordinator, and progress for people and programs."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from keystead.bootstrap.commands import HostCommands
from keystead.bootstrap.governing.rotating import print_rotation, rotation_report
from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.coordination import ANSWERS, REQUESTS, Denied, Request
from keystead.core.protocols.rotation import Action, OrderRotation, RotationOrder, RotationStatus, verified
from keystead.errors import RotationDenied
from keystead.identifiers import DomainId
from keystead.interfaces.cli.app import run
from keystead.primitives.openssh import OperatorKey
from keystead.transport.unix import UnixNetwork
from tests.simulators.world import SeededRandomness

KEY = OperatorKey.generate(SeededRandomness(1, "rotating"), "operator")
STATUS = RotationStatus(
    domain=DomainId(bytes(32)),
    number=2,
    orders=3,
    stage="resealing",
    cause="ordered",
    begun=1_700_000_000_000,
    paused=False,
    limit=500,
    done=1_000,
    left=9_000,
    left_behind=4,
    rate=450,
    old=(bytes(16),),
    new=bytes([1]) * 16,
    obstacles=("a backup is to be made",),
    trouble="",
    counts=(),
)
NEVER = msgspec.structs.replace(STATUS, number=0, orders=0, stage="", cause="", left=0, done=0, old=(), new=None)


class FakeCoordinator(LinkHandler):
    """Answers everything about rotation with the status that it is given, and keeps the orders that verify."""

    status = STATUS
    denies = False
    orders: list[RotationOrder]

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link

    def received(self, message: Buffer) -> None:
        """Answer."""
        self._link.send(ANSWERS.encode(self._answer(REQUESTS.decode(message))))

    def closed(self) -> None:
        """End."""

    def _answer(self, request: Request) -> RotationStatus | Denied:
        if isinstance(request, OrderRotation):
            FakeCoordinator.orders.append(verified(request, KEY.public))
            if self.denies:
                return Denied(RotationDenied.number, "no rotation is under way")
        return self.status


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a data directory with an operator's key, at whose socket the fake answers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "operator").mkdir()
    (tmp_path / "operator" / "operator_key").write_bytes(KEY.dump())
    FakeCoordinator.orders = []
    ready, loop = Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        listener = await UnixNetwork().listen("unix:run/coordinator.sock", FakeCoordinator)
        ready.set()
        await ended.wait()
        await listener.close()

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    yield tmp_path
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def keystead(*arguments: object) -> int:
    """Run a command line."""
    return run(HostCommands(), ["rotation", *(str(one) for one in arguments)])


@pytest.mark.parametrize(
    ("arguments", "action", "number", "orders", "limit"),
    [
        (["begin"], Action.BEGIN, 3, 0, 0),
        (["pause"], Action.PAUSE, 2, 3, 0),
        (["resume"], Action.RESUME, 2, 3, 0),
        (["abort"], Action.ABORT, 2, 3, 0),
        (["waive-backup"], Action.WAIVE_BACKUP, 2, 3, 0),
        (["throttle", "250"], Action.THROTTLE, 2, 3, 250),
    ],
)
def test_an_order_is_signed_for_this_rotation_and_moment(
    data: Path, arguments: list[str], action: Action, number: int, orders: int, limit: int
) -> None:
    """It names the rotation and how many orders that has had, as the coordinator said."""
    assert keystead(*arguments, "--data", data) == 0
    (given,) = FakeCoordinator.orders
    assert (given.action, given.rotation, given.orders, given.limit) == (action, number, orders, limit)


def test_a_denial_is_told(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do next."""
    monkeypatch.setattr(FakeCoordinator, "denies", True)
    assert keystead("pause", "--data", data) == 1
    assert "no rotation is under way" in capsys.readouterr().err


def test_status_is_for_people_and_for_programs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress, rate and time left."""
    assert keystead("status", "--data", data) == 0
    printed = capsys.readouterr().out
    assert "rotation 2 (ordered): resealing" in printed
    assert "1000 sealed anew, 9000 left (450 a second, at most 500, 20 s left)" in printed
    assert "4 stay behind" in printed
    assert "a backup is to be made" in printed
    assert keystead("status", "--data", data, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["left"], report["rate"], report["seconds_left"], report["new"]) == (9000, 450, 20, "01" * 16)


@pytest.mark.parametrize(
    "change", [{"paused": True}, {"trouble": "module-2 does not answer"}, {"left": 0, "stage": "resealed"}]
)
def test_following_ends_when_it_does_not_go_on(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: dict[str, object]
) -> None:
    """Exit status 1 says that somebody has to do something."""
    monkeypatch.setattr(FakeCoordinator, "status", msgspec.structs.replace(STATUS, **change))
    assert keystead("status", "--data", data, "--follow") == (0 if "left" in change else 1)
    printed = capsys.readouterr().out
    assert ("paused" in printed, "module-2" in printed) == ("paused" in change, "trouble" in change)


def test_without_any_rotation_the_first_step_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown that is not there."""
    print_rotation(rotation_report(NEVER))
    assert capsys.readouterr().out == "no domain key was ever rotated; next: keystead rotation begin\n"
