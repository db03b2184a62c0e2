"""``keystead backup`` and ``keystead restore``."""

from pathlib import Path
from typing import Annotated, Protocol

import typer

from keystead.errors import OperatorError
from keystead.interfaces.cli.domain import DEFAULT_DATA, Data

Archive = Annotated[Path, typer.Argument(help="A backup's file.")]


class BackupCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def take_backup(self, data: Path, target: Path, *, root_slots: bool) -> int:
        """Take a backup."""

    def verify_backup(self, archive: Path) -> int:
        """Look a backup through."""

    def restore(self, archive: Path, data: Path, against: Path | None, *, dry_run: bool) -> int:
        """Make a data directory of a backup, or only tell what that would mean."""


def build_backup(commands: BackupCommands) -> typer.Typer:
    """Return ``keystead backup`` over the commands."""
    app = typer.Typer(name="backup", help="Backups of the whole installation, taken while it runs.")

    @app.callback(invoke_without_command=True)
    def backup(
        context: typer.Context,
        *,
        data: Data = DEFAULT_DATA,
        to: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
        with_root_slots: Annotated[
            bool, typer.Option("--with-root-slots", help="Put in what opens the modules' files, in clear.")
        ] = False,
    ) -> None:
        if context.invoked_subcommand is not None:
            return
        if to is None:
            raise OperatorError("a backup needs a file", "name one with --to")
        raise typer.Exit(commands.take_backup(data, to, root_slots=with_root_slots))

    @app.command()
    def verify(archive: Archive) -> None:
        """Look a backup through: every digest, the domain's documents, the database."""
        raise typer.Exit(commands.verify_backup(archive))

    return app


def add_restore(app: typer.Typer, commands: BackupCommands) -> None:
    """Add ``keystead restore``."""

    @app.command()
    def restore(
        archive: Archive,
        *,
        data: Data = DEFAULT_DATA,
        against: Annotated[
            Path | None, typer.Option(help="The data directory that is given up: what it has more is told.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be lost, and do nothing.")] = False,
    ) -> None:
        """Make a data directory of a backup; it must be empty or not there."""
        raise typer.Exit(commands.restore(archive, data, against, dry_run=dry_run))
