"""The commands, their options and help texts; what a command does is handed in by the composition root."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from keystead import __version__
from keystead.errors import OperatorError
from keystead.interfaces.cli.backup import BackupCommands, add_restore, build_backup
from keystead.interfaces.cli.domain import DEFAULT_DATA, Data, DomainCommands, build_domain
from keystead.interfaces.cli.module import ModuleCommands, build_module
from keystead.interfaces.cli.operator import OperatorCommands, build_operator
from keystead.interfaces.cli.policy import PolicyCommands, build_policy
from keystead.interfaces.cli.rotation import RotationCommands, build_rotation
from keystead.interfaces.cli.shred import ShredCommands, build_shred

DEFAULT_PORT: Final = 7600


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What ``keystead up`` was asked for; None means: as decided at the first start, or the default."""

    data: Path
    host: str
    port: int
    region: str | None
    account_id: str | None
    tls_cert: Path | None
    tls_key: Path | None
    request_quotas: tuple[str, ...]
    """Each ``NAME=RATE``."""
    attestation_roots: tuple[Path, ...]


class RoleName(StrEnum):
    """The roles that are processes of their own."""

    MODULE = "module"
    COORDINATOR = "coordinator"
    AUTHENTICATION = "authentication"
    CRYPTOGRAPHY = "cryptography"


class Commands(
    BackupCommands,
    DomainCommands,
    ModuleCommands,
    OperatorCommands,
    PolicyCommands,
    RotationCommands,
    ShredCommands,
    Protocol,
):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def up(self, options: UpOptions) -> int:
        """Run the whole service until told to stop."""

    def serve(self, role: str, config: Path) -> int:
        """Run one role until told to stop."""

    def env(self, data: Path) -> str:
        """Return the lines that point AWS clients at the service."""

    def status(self, data: Path, *, as_json: bool) -> int:
        """Print how the service is; status 0 if keys can be used, 1 otherwise."""

    def identify(self, address: str) -> str:
        """Return the fingerprint of the security module at an address."""


def build(commands: Commands) -> typer.Typer:
    """Return the command line over the commands."""
    app = typer.Typer(
        name="keystead",
        help="A key management service that you run yourself and that speaks the AWS KMS protocol.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def options(
        *,
        version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
    ) -> None:
        if version:
            typer.echo(f"keystead {__version__}")
            raise typer.Exit

    @app.command()
    def up(  # noqa: PLR0913, options of a command
        *,
        data: Data = DEFAULT_DATA,
        host: Annotated[
            str, typer.Option(help="The address to listen on; beyond loopback only with TLS.")
        ] = "127.0.0.1",
        port: Annotated[
            int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
        ] = DEFAULT_PORT,
        region: Annotated[
            str | None, typer.Option(help="The region to be, at the first start.", show_default="us-east-1")
        ] = None,
        account_id: Annotated[
            str | None, typer.Option(help="The account to create, at the first start.", show_default="000000000000")
        ] = None,
        tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
        tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate, PEM.")] = None,
        attestation_root: Annotated[
            list[Path] | None,
            typer.Option(
                metavar="FILE",
                help="Certificates, PEM, that attestation documents of recipients must lead to; may be repeated.",
            ),
        ] = None,
        request_quota: Annotated[
            list[str] | None,
            typer.Option(
                metavar="NAME=RATE",
                help="Requests a second that an account may make, such as CreateKey=20 or all=inf; may be repeated.",
            ),
        ] = None,
    ) -> None:
        """Run the whole service on this host: two security modules and one of each other role."""
        chosen = UpOptions(
            data=data,
            host=host,
            port=port,
            region=region,
            account_id=account_id,
            tls_cert=tls_cert,
            tls_key=tls_key,
            request_quotas=tuple(request_quota or ()),
            attestation_roots=tuple(attestation_root or ()),
        )
        raise typer.Exit(commands.up(chosen))

    @app.command()
    def env(*, data: Data = DEFAULT_DATA) -> None:
        """Print the export lines for AWS clients: eval "$(keystead env)"."""
        typer.echo(commands.env(data), nl=False)

    @app.command()
    def status(
        *,
        data: Data = DEFAULT_DATA,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Show modules, domain version and number of keys; exit status 0 if keys can be used."""
        raise typer.Exit(commands.status(data, as_json=as_json))

    @app.command()
    def identify(
        address: Annotated[str, typer.Argument(help="Where it listens, such as unix:run/module-1.sock.")],
    ) -> None:
        """Print the fingerprint of a security module, to be compared with the one in its log on its own host."""
        typer.echo(commands.identify(address))

    app.add_typer(build_domain(commands))
    app.add_typer(build_operator(commands))
    app.add_typer(build_module(commands))
    app.add_typer(build_policy(commands))
    app.add_typer(build_shred(commands))
    app.add_typer(build_rotation(commands))
    app.add_typer(build_backup(commands))
    add_restore(app, commands)

    @app.command()
    def serve(
        role: Annotated[RoleName, typer.Argument(help="What to be.")],
        *,
        config: Annotated[Path, typer.Option(help="The role's configuration, TOML.")],
    ) -> None:
        """Run one role in the foreground, as a service manager does."""
        raise typer.Exit(commands.serve(role.value, config))

    return app


def run(commands: Commands, arguments: list[str]) -> int:
    """Run one command line and return its exit status; an OperatorError is told on standard error, status 1."""
    try:
        build(commands)(arguments)
    except OperatorError as error:
        sys.stderr.write(f"keystead: {error.problem}\n  {error.next_step}\n")
        return 1
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
