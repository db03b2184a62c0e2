"""``keystead policy``: what policies and grants say, judged by the very code that security modules run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

DEFAULT_KEY: Final = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """The request that is to be judged, and what judges it."""

    policy: Path
    principal: str
    role: str | None
    action: str
    key: str
    grants: Path | None
    identity_policies: tuple[Path, ...]
    conditions: tuple[str, ...]
    encryption_context: tuple[str, ...]


class PolicyCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def explain_policy(self, options: ExplainOptions) -> int:
        """Print the verdict with its reasons; 0 if the request is allowed, 1 if it is denied."""


def build_policy(commands: PolicyCommands) -> typer.Typer:
    """Return ``keystead policy`` over the commands."""
    app = typer.Typer(name="policy", help="Ask what policies and grants say.", no_args_is_help=True)

    @app.callback()
    def _group() -> None:
        """Keep the name of the one command."""

    @app.command()
    def explain(  # noqa: PLR0913, options of a command
        policy: Annotated[Path, typer.Argument(help="The key policy, JSON.")],
        *,
        principal: Annotated[str, typer.Option(help="ARN of who asks.")],
        action: Annotated[str, typer.Option(help="Such as kms:Decrypt.")],
        key: Annotated[str, typer.Option(help="ARN of the key.")] = DEFAULT_KEY,
        role: Annotated[str | None, typer.Option(help="ARN of the role behind a session.")] = None,
        grants: Annotated[
            Path | None, typer.Option(help="The key's grants, as aws kms list-grants prints them.")
        ] = None,
        identity_policy: Annotated[
            list[Path] | None, typer.Option(help="A policy that is attached to who asks; may be repeated.")
        ] = None,
        condition: Annotated[
            list[str] | None, typer.Option(help="NAME=VALUE of a condition key of the request; may be repeated.")
        ] = None,
        encryption_context: Annotated[
            list[str] | None, typer.Option(help="NAME=VALUE of the encryption context; may be repeated.")
        ] = None,
    ) -> None:
        """Explain why a request would be allowed or denied; exit status 0 if it is allowed, 1 if it is denied."""
        options = ExplainOptions(
            policy=policy,
            principal=principal,
            role=role,
            action=action,
            key=key,
            grants=grants,
            identity_policies=tuple(identity_policy or ()),
            conditions=tuple(condition or ()),
            encryption_context=tuple(encryption_context or ()),
        )
        raise typer.Exit(commands.explain_policy(options))

    return app
