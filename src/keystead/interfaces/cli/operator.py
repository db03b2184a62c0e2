"""``keystead operator``: what operators do with requests, on a machine that need not reach anything."""

from pathlib import Path
from typing import Annotated, Protocol

import typer

from keystead.interfaces.cli.domain import DEFAULT_DATA, AsJson, Data, DirectoryOption, DomainOption, Where

RequestFile = Annotated[Path, typer.Argument(help="A request, as keystead domain request writes it.")]


class OperatorCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def show_request(self, where: Where, request: Path, *, as_json: bool) -> int:
        """Print exactly what the request changes."""

    def sign(self, request: Path, key: Path | None, agent_key: Path | None, output: Path | None) -> int:
        """Sign the bytes of a request."""

    def gather(self, where: Where, request: Path, signatures: list[Path], output: Path | None) -> int:
        """Join signatures; 0 if they are a quorum, 1 if some are missing."""

    def keygen(self, key: Path, comment: str) -> int:
        """Make an operator's key."""


def build_operator(commands: OperatorCommands) -> typer.Typer:
    """Return ``keystead operator`` over the commands."""
    app = typer.Typer(name="operator", help="Read, sign and gather requests to change a domain.", no_args_is_help=True)

    @app.command()
    def show(
        request: RequestFile,
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Show exactly what would change, before and after, from the very bytes that are signed."""
        where = Where(data=data, directory=domain_directory, domain=domain)
        raise typer.Exit(commands.show_request(where, request, as_json=as_json))

    @app.command()
    def sign(
        request: RequestFile,
        *,
        key: Annotated[Path | None, typer.Option(help="OpenSSH private key file without a passphrase.")] = None,
        agent: Annotated[
            Path | None, typer.Option(help="Public key file (.pub) of a key in ssh-agent: with a passphrase, or FIDO.")
        ] = None,
        output: Annotated[Path | None, typer.Option("--output", "-o", help="The signature; REQUEST.sig.")] = None,
    ) -> None:
        """Sign a request, as ssh-keygen -Y sign -n keystead.change-request.v1 does."""
        raise typer.Exit(commands.sign(request, key, agent, output))

    @app.command()
    def gather(
        request: RequestFile,
        signatures: Annotated[list[Path], typer.Argument(help="Signatures under it (.sig).")],
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        output: Annotated[Path | None, typer.Option("--output", "-o", help="The approval; REQUEST.approved.")] = None,
    ) -> None:
        """Join signatures into an approved request; exit status 1 while they are no quorum."""
        where = Where(data=data, directory=domain_directory, domain=domain)
        raise typer.Exit(commands.gather(where, request, signatures, output))

    @app.command()
    def keygen(
        key: Annotated[Path, typer.Argument(help="The private key file to make; .pub is added for the public one.")],
        *,
        comment: Annotated[str, typer.Option(help="What the key says about itself.")] = "keystead operator",
    ) -> None:
        """Make an Ed25519 key without a passphrase, for a machine; people use ssh-keygen."""
        raise typer.Exit(commands.keygen(key, comment))

    return app
