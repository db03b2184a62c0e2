"""``keystead rotation``: orders to the coordinator, and how far it is."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from keystead.bootstrap.governing.printing import plain_console, print_json
from keystead.bootstrap.governing.progress import ago
from keystead.bootstrap.governing.signing import load_key
from keystead.bootstrap.governing.view import enter
from keystead.bootstrap.roles import COORDINATOR, address, operator_key_file
from keystead.core.domain.state import operator_id
from keystead.core.protocols.rotation import Action, RotationStatus, order
from keystead.core.rotation.stages import Stage
from keystead.errors import OperatorError, PeerUnavailable, Refusal
from keystead.transport.coordinator_client import order_rotation, rotation
from keystead.transport.unix import UnixNetwork

_PERSON: Final = "operator"
_PAUSE: Final = 1.0
"""Seconds between two looks while progress is followed."""
_UNDER_WAY: Final = frozenset(one.name.lower() for one in (Stage.PLANNED, Stage.ADDED, Stage.FENCED, Stage.RESEALING))


class RotationReport(msgspec.Struct, frozen=True):
    """``keystead rotation status --json``."""

    number: int
    stage: str
    cause: str
    begun: int
    """Milliseconds since the epoch."""
    paused: bool
    limit: int
    done: int
    left: int
    left_behind: int
    rate: int
    seconds_left: int | None
    old: list[str]
    new: str | None
    obstacles: list[str]
    trouble: str


class Rotating:
    """``RotationCommands`` of the command line."""

    def order_rotation(self, data: Path, action: Action, key: Path | None, limit: int) -> int:
        """Order something about the rotation, and print how it is then."""
        operator = load_key(data.resolve() / operator_key_file(_PERSON) if key is None else key)
        enter(data.resolve())

        async def ordered() -> RotationStatus:
            network, where = UnixNetwork(), address(COORDINATOR)
            known = await rotation(network, where)
            asked = order(known, action, operator_id(operator.public), operator, limit)
            return await order_rotation(network, where, asked)

        print_rotation(rotation_report(_answered(ordered())))
        return 0

    def rotation_status(self, data: Path, *, as_json: bool, follow: bool) -> int:
        """Print how the rotation is; 1 while it cannot go on by itself."""
        enter(data.resolve())
        found = _answered(_followed() if follow else rotation(UnixNetwork(), address(COORDINATOR)))
        report = rotation_report(found)
        if as_json:
            print_json(report)
        else:
            print_rotation(report)
        return 1 if report.paused or report.trouble else 0


def rotation_report(status: RotationStatus) -> RotationReport:
    """Return what the coordinator knows."""
    return RotationReport(
        number=status.number,
        stage=status.stage,
        cause=status.cause,
        begun=status.begun,
        paused=status.paused,
        limit=status.limit,
        done=status.done,
        left=status.left,
        left_behind=status.left_behind,
        rate=status.rate,
        seconds_left=status.seconds_left,
        old=[one.hex() for one in status.old],
        new=None if status.new is None else status.new.hex(),
        obstacles=list(status.obstacles),
        trouble=status.trouble,
    )


def print_rotation(report: RotationReport) -> None:
    """Print it for people."""
    console = plain_console()
    if not report.number:
        console.print("no domain key was ever rotated; next: keystead rotation begin")
        return
    paused = ", [yellow]paused: keystead rotation resume goes on[/yellow]" if report.paused else ""
    console.print(f"rotation {report.number} ({report.cause}): {report.stage}{paused}")
    console.print(f"keys       {report.done} sealed anew, {report.left} left{_pace(report)}")
    if report.left_behind:
        console.print(f"shredding  {report.left_behind} stay behind, marked to be shredded")
    if report.trouble:
        console.print(f"[red]trouble[/red]    {escape(report.trouble)}")
    for obstacle in report.obstacles:
        console.print(f"before the drop: {obstacle}", markup=False)


def _pace(report: RotationReport) -> str:
    limit = f", at most {report.limit}" if report.limit else ""
    left = "" if report.seconds_left is None else f", {ago(0, report.seconds_left * 1000)} left"
    return f" ({report.rate} a second{limit}{left})" if report.left else ""


async def _followed() -> RotationStatus:
    """Return how it is when nothing is left or it does not go on; show progress meanwhile."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task("sealed anew", total=None, pace="")
        while True:
            found = await rotation(UnixNetwork(), address(COORDINATOR))
            pace = _pace(rotation_report(found))
            shown.update(bar, completed=found.done, total=found.done + found.left, pace=pace)
            if found.stage not in _UNDER_WAY or found.paused or found.trouble:
                return found
            await asyncio.sleep(_PAUSE)


def _answered(asking: Coroutine[Any, Any, RotationStatus]) -> RotationStatus:
    try:
        return asyncio.run(asking)
    except PeerUnavailable as error:
        raise OperatorError(f"the coordinator does not answer: {error}", "start keystead, or see its log") from None
    except Refusal as refusal:
        raise OperatorError(str(refusal), "keystead rotation status tells how it is") from None
