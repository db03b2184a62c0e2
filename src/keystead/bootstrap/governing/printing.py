"""What operators are shown, on a terminal and as JSON. The shapes of the JSON are in docs/reference/command-line.md."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keystead.bootstrap.reporting import show
from keystead.core.domain.change_request import ChangeRequest
from keystead.core.domain.difference import Difference, Section, described, kind_in_words, short
from keystead.core.domain.rule_words import in_words, operator_in_words
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor
from keystead.identifiers import ModuleId


class StateReport(msgspec.Struct, frozen=True):
    """``keystead domain show --json``."""

    domain: str
    version: int
    token_hash: str
    state: dict[str, tuple[str, ...]]
    """Titled lines, as they are printed."""


class VersionReport(msgspec.Struct, frozen=True):
    """One entry of ``keystead domain history --json``."""

    version: int
    token_hash: str
    kind: str
    signed_by: list[str]
    issuer: str
    domain_keys: int
    members: int


class RequestReport(msgspec.Struct, frozen=True):
    """``keystead operator show --json``."""

    domain: str
    changes_version: int
    kind: str
    what: str
    expires: str
    signed_by_rule: str
    sections: tuple[Section, ...]
    warnings: tuple[str, ...]


def date(milliseconds: int) -> str:
    """Return a moment as people read it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def print_json(report: object) -> None:
    """Print a report as JSON."""
    show(f"{msgspec.json.format(msgspec.json.encode(report)).decode()}\n")


def state_report(state: DomainState, token: bytes) -> StateReport:
    """Return the whole state."""
    return StateReport(state.domain.hex(), state.version, token.hex(), described(state))


def print_state(report: StateReport) -> None:
    """Print the whole state for people."""
    console = plain_console()
    console.print(f"domain {report.domain}, version {report.version}")
    for title, lines in report.state.items():
        if lines:
            console.print(f"\n[bold]{title}[/bold]")
            _lines(console, "  ", lines)


def version_reports(versions: Iterable[tuple[DomainState, Successor]]) -> list[VersionReport]:
    """Return what each version was made from."""
    return [_version(before, successor) for before, successor in versions]


def print_history(reports: list[VersionReport]) -> None:
    """Print the versions for people, oldest first."""
    table = Table("version", "change", "signed by", "token made by", "token", box=None)
    for one in reports:
        table.add_row(str(one.version), one.kind, ", ".join(one.signed_by), one.issuer, one.token_hash[:16])
    plain_console().print(table)


def request_report(state: DomainState, request: ChangeRequest, found: Difference, expires: str) -> RequestReport:
    """Return what a request changes."""
    rule = in_words(state.rules.for_kind(request.kind), state)
    return RequestReport(
        request.domain.hex(),
        state.version,
        kind_in_words(request.kind),
        found.what,
        expires,
        rule,
        found.sections,
        found.warnings,
    )


def print_request(report: RequestReport) -> None:
    """Print what a request changes for people: what goes in red, what comes in green."""
    console = plain_console()
    console.print(f"[bold]{escape(report.what)}[/bold]")
    console.print(f"domain  {report.domain}")
    console.print(f"changes version {report.changes_version}, good until {report.expires}")
    console.print(f"needs   {escape(report.signed_by_rule)}")
    for section in report.sections:
        console.print(f"\n{section.title}")
        _lines(console, "- ", section.removed, "red")
        _lines(console, "+ ", section.added, "green")
    for warning in report.warnings:
        console.print(f"\n[yellow]{escape(warning)}[/yellow]")


def _version(before: DomainState, successor: Successor) -> VersionReport:
    issuer = before.member(ModuleId(successor.body.issuer))
    return VersionReport(
        successor.state.version,
        successor.hash.hex(),
        kind_in_words(successor.request.kind),
        [
            operator_in_words(one, before)
            for one in sorted({signature.operator for signature in successor.body.approved.signatures})
        ],
        short(successor.body.issuer) if issuer is None else issuer.name,
        len(successor.state.domain_keys),
        len(successor.state.members),
    )


def plain_console() -> Console:
    """Return a terminal that colours nothing by itself and breaks no line."""
    return Console(highlight=False, soft_wrap=True)


def _lines(console: Console, mark: str, lines: Iterable[str], style: str = "") -> None:
    for line in lines:
        console.print(f"{mark}{escape(line)}", style=style)
