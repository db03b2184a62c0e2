"""``keystead module``: security modules that come to a running service on this host, and go from it."""

from pathlib import Path
from typing import Annotated, Protocol

import typer

from keystead.interfaces.cli.domain import (
    DEFAULT_DATA,
    WEEK,
    Data,
    Expires,
    Output,
    RequestOptions,
    SignWith,
    span,
)


class ModuleCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def add_module(self, data: Path, fingerprint: str | None, options: RequestOptions) -> int:
        """Bring up another module, and ask that the domain lets it in."""

    def remove_module(self, data: Path, name: str, options: RequestOptions) -> int:
        """Ask that the domain puts a module out; stop it once that is so."""


def build_module(commands: ModuleCommands) -> typer.Typer:
    """Return ``keystead module`` over the commands."""
    app = typer.Typer(
        name="module", help="Security modules that come and go while keystead runs.", no_args_is_help=True
    )

    @app.command()
    def add(
        *,
        data: Data = DEFAULT_DATA,
        fingerprint: Annotated[
            str | None, typer.Option(help="What its log says that its fingerprint is; asked for on a terminal.")
        ] = None,
        output: Output = None,
        expires: Expires = WEEK,
        sign_with: SignWith = None,
    ) -> None:
        """Bring up another module beside those that run, and have the domain let it in."""
        raise typer.Exit(commands.add_module(data, fingerprint, _options(output, expires, sign_with)))

    @app.command()
    def remove(
        name: Annotated[str, typer.Argument(help="The module, such as module-3.")],
        *,
        data: Data = DEFAULT_DATA,
        output: Output = None,
        expires: Expires = WEEK,
        sign_with: SignWith = None,
    ) -> None:
        """Have the domain put a module out, and stop it once it is no member."""
        raise typer.Exit(commands.remove_module(data, name, _options(output, expires, sign_with)))

    return app


def _options(output: Path | None, expires: str, sign_with: list[Path] | None) -> RequestOptions:
    return RequestOptions(output=output, lifetime=span(expires), sign_with=tuple(sign_with or ()))
