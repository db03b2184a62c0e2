"""``keystead shred``: receipts of keys that were shredded."""

from pathlib import Path
from typing import Annotated, Protocol

import typer

from keystead.interfaces.cli.domain import DEFAULT_DATA, AsJson, Data, DirectoryOption, DomainOption, Where


class ShredCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def receipt(self, data: Path, key_id: str, key: Path | None, output: Path | None) -> int:
        """Have every active member sign the receipt of a key's shredding."""

    def verify_receipt(self, where: Where, receipt: Path, *, as_json: bool) -> int:
        """Judge a receipt; 0 if the shredding is complete, 1 if somebody may still hold a key to it."""


def build_shred(commands: ShredCommands) -> typer.Typer:
    """Return ``keystead shred`` over the commands."""
    app = typer.Typer(name="shred", help="Receipts of keys that were shredded.", no_args_is_help=True)

    @app.command()
    def receipt(
        key_id: Annotated[str, typer.Argument(help="The key's id.")],
        *,
        data: Data = DEFAULT_DATA,
        key: Annotated[
            Path | None, typer.Option(help="Key file of the operator who asks; any who may govern or carry.")
        ] = None,
        output: Annotated[Path | None, typer.Option("--output", "-o", help="The receipt; KEY_ID.receipt.")] = None,
    ) -> None:
        """Have every active member sign what it saw of the key's end. The domain key must have been dropped."""
        raise typer.Exit(commands.receipt(data, key_id, key, output))

    @app.command()
    def verify(
        receipt: Annotated[Path, typer.Argument(help="A receipt, as keystead shred receipt writes it.")],
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Judge a receipt against the domain's public documents; needs nothing that runs."""
        where = Where(data=data, directory=domain_directory, domain=domain)
        raise typer.Exit(commands.verify_receipt(where, receipt, as_json=as_json))

    return app
