"""Which domain a command is about, as its public documents prove it."""

import os
from pathlib import Path
from typing import Final

from keystead.bootstrap.data_directory import DOMAIN, DataDirectory
from keystead.bootstrap.host import HostDisk
from keystead.errors import OperatorError, Refusal
from keystead.identifiers import DomainId
from keystead.interfaces.cli.domain import Where
from keystead.transport.domain_directory import GENESIS, DomainDirectory

_ID_DIGITS: Final = 64


def viewed(where: Where) -> DomainDirectory:
    """Return the domain that is meant, judged from its genesis on; raises OperatorError."""
    if where.directory is None:
        data = where.data.resolve()
        return _judged(data / DOMAIN, _pinned(data))
    if where.domain is None:
        raise OperatorError(
            "documents prove a domain only to who knows its id",
            "give --domain, the id that keystead domain show prints where the domain runs",
        )
    return _judged(where.directory, _parsed(where.domain))


def enter(data: Path) -> None:
    """Make the data directory the working directory, as the roles do: addresses of sockets are relative to it."""
    if not data.is_dir():
        raise OperatorError(f"there is no directory {data}", "name the data directory with --data")
    os.chdir(data)


def _pinned(data: Path) -> DomainId:
    installation = DataDirectory(data).installation() if data.is_dir() else None
    if installation is None:
        raise OperatorError(
            f"no domain was founded in {data}",
            "name the data directory with --data, or copied documents with --domain-directory and --domain",
        )
    return _parsed(installation.domain)


def _parsed(digits: str) -> DomainId:
    try:
        domain = bytes.fromhex(digits)
    except ValueError:
        domain = b""
    if len(digits) != _ID_DIGITS or len(domain) * 2 != _ID_DIGITS:
        raise OperatorError(f"{digits!r} is no domain id", "give 64 hexadecimal digits, as keystead domain show prints")
    return DomainId(domain)


def _judged(directory: Path, pin: DomainId) -> DomainDirectory:
    if not (directory / GENESIS).is_file():
        raise OperatorError(f"there is no genesis in {directory}", "copy the domain directory of the installation here")
    disk = HostDisk(directory, public=True)
    try:
        return DomainDirectory(disk, pin)
    except Refusal as refusal:
        raise OperatorError(
            f"the documents in {directory} do not prove the domain: {refusal}",
            "copy them again from an installation that you trust, and compare the domain's id",
        ) from None
