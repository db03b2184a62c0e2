"""``keystead domain status``: what is installed where, who is waited for, since when and why."""

import msgspec
from rich.markup import escape
from rich.table import Table

from keystead.bootstrap.governing.printing import plain_console
from keystead.core.protocols.coordination import ModuleStatus, Status


class MemberReport(msgspec.Struct, frozen=True):
    """One module of ``keystead domain status --json``; times are milliseconds since the epoch."""

    name: str
    id: str
    reachable: bool
    version: int | None
    promised: bool
    installed: bool
    waited_for: bool
    trouble: str
    since: int | None
    retry: int | None


class StatusReport(msgspec.Struct, frozen=True):
    """``keystead domain status --json``."""

    domain: str
    version: int
    installing: int | None
    stage: str
    begun: int | None
    waiting_for: list[str]
    modules: list[MemberReport]


def status_report(status: Status) -> StatusReport:
    """Return what the coordinator knows."""
    modules = [_member(one) for one in status.modules]
    installing = status.in_flight is not None
    waiting = [
        one.name or one.id[:16]
        for one in modules
        if one.waited_for or (not installing and one.name and _is_missing(one, status.version))
    ]
    return StatusReport(
        status.domain.hex(), status.version, status.in_flight, status.stage, status.begun, waiting, modules
    )


def print_status(report: StatusReport, now: int) -> None:
    """Print it for people."""
    console = plain_console()
    console.print(f"domain {report.domain[:16]}, version {report.version} at every member")
    waiting = ", ".join(report.waiting_for) or "nobody"
    if report.installing is not None:
        since = "" if report.begun is None else f" for {ago(report.begun, now)}"
        console.print(
            f"[yellow]installing version {report.installing} ({report.stage}){since}, waiting for {waiting}[/yellow]"
        )
    elif report.waiting_for:
        console.print(f"[yellow]waiting for {waiting}[/yellow]")
    table = Table("module", "id", "version", "state", "has done", "trouble", box=None)
    for one in report.modules:
        version = "" if one.version is None else str(one.version)
        state = "reachable" if one.reachable else "[red]unreachable[/red]"
        table.add_row(escape(one.name), one.id[:16], version, state, _done(one), escape(_trouble(one, now)))
    console.print(table)
    if report.waiting_for:
        console.print("it is tried again until it succeeds; see the log of a module that is waited for")


def ago(moment: int, now: int) -> str:
    """Return how long ago a moment was, in the two largest units."""
    seconds = max(0, now - moment) // 1000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _member(one: ModuleStatus) -> MemberReport:
    return MemberReport(
        name=one.name,
        id=one.module.hex(),
        reachable=one.reachable,
        version=one.version,
        promised=one.promised,
        installed=one.installed,
        waited_for=one.waited_for,
        trouble=one.trouble,
        since=one.since,
        retry=one.retry,
    )


def _is_missing(one: MemberReport, version: int) -> bool:
    return not one.reachable or one.version is None or one.version < version


def _done(one: MemberReport) -> str:
    if one.waited_for:
        return "[yellow]promised, waited for[/yellow]" if one.promised else "[yellow]waited for[/yellow]"
    return "installed" if one.installed else "promised" if one.promised else ""


def _trouble(one: MemberReport, now: int) -> str:
    since = "" if one.since is None else f", for {ago(one.since, now)}"
    retry = "" if one.retry is None else f", tried again in {max(0, one.retry - now) / 1000:.1f} s"
    return f"{one.trouble}{since}{retry}" if one.trouble else ""
