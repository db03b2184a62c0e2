"""``keystead status``: modules, domain version and number of keys, for people and for programs."""

import asyncio
import os
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.table import Table

from keystead.bootstrap.banner import ISOLATION
from keystead.bootstrap.data_directory import REPOSITORY
from keystead.bootstrap.endpoint import read_endpoint
from keystead.bootstrap.health import healthy
from keystead.bootstrap.reporting import show as show_text
from keystead.bootstrap.roles import COORDINATOR, address
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.core.protocols.coordination import ModuleStatus, Status
from keystead.errors import PeerUnavailable, RepositoryError
from keystead.transport.coordinator_client import status as ask_coordinator
from keystead.transport.sql import connect_to_read
from keystead.transport.unix import UnixNetwork

_UNKNOWN: Final = "unknown"


class DomainReport(msgspec.Struct, frozen=True):
    """The domain as ``--json`` prints it."""

    id: str
    version: int
    installing: int | None
    stage: str


class ModuleReport(msgspec.Struct, frozen=True):
    """A module as ``--json`` prints it."""

    name: str
    id: str
    state: str
    version: int | None
    trouble: str


class Report(msgspec.Struct, frozen=True):
    """All that ``--json`` prints."""

    healthy: bool
    endpoint: str
    region: str
    isolation: str
    domain: DomainReport | None
    modules: list[ModuleReport]
    keys: int | None


def show(data: Path, *, as_json: bool) -> int:
    """Print how the service on a data directory is; return 0 if keys can be used, 1 otherwise.

    Raises OperatorError if none was ever started there.
    """
    report = asyncio.run(_report(data))
    if as_json:
        show_text(f"{msgspec.json.format(msgspec.json.encode(report)).decode()}\n")
    else:
        _print(report)
    return 0 if report.healthy else 1


async def _report(data: Path) -> Report:
    endpoint = read_endpoint(data)
    os.chdir(data)
    url = urlsplit(endpoint.url)
    domain = await _domain()
    return Report(
        healthy=await healthy(url.hostname or "", url.port or 0, tls=url.scheme == "https"),
        endpoint=endpoint.url,
        region=endpoint.region,
        isolation=ISOLATION,
        domain=None
        if domain is None
        else DomainReport(domain.domain.hex(), domain.version, domain.in_flight, domain.stage),
        modules=[] if domain is None else [_module(module, domain) for module in domain.modules],
        keys=await _keys(),
    )


async def _domain() -> Status | None:
    try:
        return await ask_coordinator(UnixNetwork(), address(COORDINATOR))
    except PeerUnavailable:
        return None


async def _keys() -> int | None:
    try:
        with closing(connect_to_read(REPOSITORY)) as connection:
            return await SqliteKeyReader(connection).count()
    except RepositoryError:
        return None


def _module(module: ModuleStatus, domain: Status) -> ModuleReport:
    if not module.reachable:
        state = "unreachable"
    elif module.version is None:
        state = "blank"
    else:
        state = "live" if module.version >= domain.version else "behind"
    return ModuleReport(module.name, module.module.hex(), state, module.version, module.trouble)


def _print(report: Report) -> None:
    console = Console()
    console.print(f"service    {'keys can be used' if report.healthy else 'keys cannot be used now'}")
    console.print(f"endpoint   {report.endpoint} ({report.region})")
    console.print(f"isolation: {report.isolation}")
    console.print(f"keys       {_UNKNOWN if report.keys is None else report.keys}")
    if report.domain is None:
        console.print("domain     unknown: the coordinator does not answer")
        return
    going_on = f", installing {report.domain.installing} ({report.domain.stage})" if report.domain.installing else ""
    console.print(f"domain     version {report.domain.version}{going_on}, id {report.domain.id[:16]}")
    table = Table("module", "id", "state", "version", "trouble", box=None)
    for module in report.modules:
        version = "" if module.version is None else str(module.version)
        table.add_row(module.name, module.id[:16], module.state, version, module.trouble)
    console.print(table)
