"""``keystead domain``: how the domain is, requests to change it, and their installation."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from keystead.core.domain.change_request import (
    AddDomainKey,
    AddOperator,
    ChangeParameters,
    ChangeRules,
    ReinstateDomainKey,
    RemoveMember,
    RemoveOperator,
    RetireDomainKey,
)
from keystead.core.domain.difference import kind_in_words
from keystead.core.domain.quorum import ROUTINE, RoutineRule, Rules
from keystead.core.domain.rule_words import named_operator, parsed
from keystead.core.domain.state import DomainState, Operator, Parameters, Permission
from keystead.errors import FormatError, OperatorError
from keystead.interfaces.cli.asking import Ask, ChangeOf, domain_key, module
from keystead.interfaces.cli.lifecycle_requests import add_lifecycle_requests
from keystead.primitives.openssh import OperatorPublic

DEFAULT_DATA: Final = Path("keystead-data")
WEEK: Final = "7d"
_UNITS: Final = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN: Final = re.compile(r"([0-9]{1,9})\s*(ms|s|min|h|d)")

Data = Annotated[Path, typer.Option("--data", envvar="KEYSTEAD_DATA", help="The directory that holds everything.")]
DirectoryOption = Annotated[
    Path | None,
    typer.Option("--domain-directory", help="The domain's public documents, copied here; instead of --data."),
]
DomainOption = Annotated[
    str | None,
    typer.Option("--domain", help="The id that the documents must prove, hexadecimal; with --domain-directory."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write the request to.")]
Expires = Annotated[str, typer.Option(help="How long the request may be acted on, such as 12h or 7d.")]
SignWith = Annotated[
    list[Path] | None,
    typer.Option(
        "--sign-with", help="Sign with this operator's key file, and install if that is a quorum. Can be repeated."
    ),
]
KeyArgument = Annotated[str, typer.Argument(help="The domain key, by the first digits of its id.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which domain is meant: that of a data directory, or the one that copied documents prove."""

    data: Path
    directory: Path | None
    domain: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """What becomes of a request."""

    output: Path | None
    lifetime: int
    """Milliseconds."""
    sign_with: tuple[Path, ...]


class DomainCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def show_domain(self, where: Where, *, as_json: bool) -> int:
        """Print the whole state of the domain."""

    def domain_status(self, data: Path, *, as_json: bool) -> int:
        """Print what is installed where, and what is waited for; 0 if every member has the newest version."""

    def history(self, where: Where, *, as_json: bool) -> int:
        """Print each version: what was asked, who signed, which module made the token."""

    def request(self, where: Where, change_of: ChangeOf, options: RequestOptions) -> int:
        """Write a request, or sign and install it at once."""

    def request_module(self, where: Where, name: str, address: str, options: RequestOptions) -> int:
        """Write a request to let in the module that listens at an address."""

    def install(self, data: Path, approved: Path, key: Path | None, module: str | None) -> int:
        """Have a module make the token of an approved request, and the coordinator install it."""


def build_domain(commands: DomainCommands) -> typer.Typer:
    """Return ``keystead domain`` over the commands."""
    app = typer.Typer(name="domain", help="The cryptographic domain, and changes of it.", no_args_is_help=True)

    @app.command()
    def show(
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Show members, operators, rules, domain keys and holders, as the newest domain token proves them."""
        where = Where(data=data, directory=domain_directory, domain=domain)
        raise typer.Exit(commands.show_domain(where, as_json=as_json))

    @app.command()
    def status(*, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
        """Show what is installed at which module; exit status 1 while a change is under way or a member is missing."""
        raise typer.Exit(commands.domain_status(data, as_json=as_json))

    @app.command()
    def history(
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Show every version: what was asked, who signed it, which module made its token."""
        where = Where(data=data, directory=domain_directory, domain=domain)
        raise typer.Exit(commands.history(where, as_json=as_json))

    @app.command()
    def install(
        approved: Annotated[Path, typer.Argument(help="An approved request, as keystead operator gather writes it.")],
        *,
        data: Data = DEFAULT_DATA,
        key: Annotated[
            Path | None, typer.Option(help="Key file of the operator who submits it; any who may govern or carry.")
        ] = None,
        module: Annotated[
            str | None, typer.Option(help="Address of the module that makes the token; the first that answers.")
        ] = None,
    ) -> None:
        """Install an approved request: a module makes the token, the coordinator brings it to every member."""
        raise typer.Exit(commands.install(data, approved, key, module))

    app.add_typer(_build_requests(commands))
    return app


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is said before the kind of request."""

    where: Where
    options: RequestOptions


def _build_requests(commands: DomainCommands) -> typer.Typer:
    app = typer.Typer(name="request", help="Write a request to change the domain.", no_args_is_help=True)

    @app.callback()
    def options(
        context: typer.Context,
        *,
        data: Data = DEFAULT_DATA,
        domain_directory: DirectoryOption = None,
        domain: DomainOption = None,
        output: Output = None,
        expires: Expires = WEEK,
        sign_with: SignWith = None,
    ) -> None:
        context.obj = _Asked(
            Where(data=data, directory=domain_directory, domain=domain),
            RequestOptions(output=output, lifetime=span(expires), sign_with=tuple(sign_with or ())),
        )

    def ask(context: typer.Context, change_of: ChangeOf) -> None:
        asked: _Asked = context.obj
        raise typer.Exit(commands.request(asked.where, change_of, asked.options))

    _add_key_requests(app, ask)
    _add_module_requests(app, ask, commands)
    _add_operator_requests(app, ask)
    _add_rule_requests(app, ask)
    add_lifecycle_requests(app, ask)
    return app


def _add_key_requests(app: typer.Typer, ask: Ask) -> None:
    @app.command("add-domain-key")
    def add_domain_key(context: typer.Context) -> None:
        """Add a fresh domain key, under which all that is new is sealed."""
        ask(context, lambda *_: AddDomainKey())

    @app.command("retire-domain-key")
    def retire_domain_key(context: typer.Context, key: KeyArgument) -> None:
        """Keep a domain key and refuse to open with it; can be undone with reinstate-domain-key."""
        ask(context, lambda state, _: RetireDomainKey(domain_key(state, key)))

    @app.command("reinstate-domain-key")
    def reinstate_domain_key(context: typer.Context, key: KeyArgument) -> None:
        """Let a retired domain key open again."""
        ask(context, lambda state, _: ReinstateDomainKey(domain_key(state, key)))


def _add_module_requests(app: typer.Typer, ask: Ask, commands: DomainCommands) -> None:
    @app.command("add-module")
    def add_module(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="What the domain calls the module.")],
        address: Annotated[str, typer.Argument(help="Where it listens, such as unix:run/module-3.sock.")],
    ) -> None:
        """Let a security module in. Compare its fingerprint with the one in its log on its own host."""
        asked: _Asked = context.obj
        raise typer.Exit(commands.request_module(asked.where, name, address, asked.options))

    @app.command("remove-module")
    def remove_module(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="The module, by name or the first digits of its id.")],
        *,
        lost: Annotated[
            bool, typer.Option("--lost", help="State that it is destroyed, and will never install anything any more.")
        ] = False,
    ) -> None:
        """Put a security module out."""
        ask(context, lambda state, _: RemoveMember(module(state, name), lost))


def _add_operator_requests(app: typer.Typer, ask: Ask) -> None:
    @app.command("add-operator")
    def add_operator(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="What the domain calls the operator.")],
        public_key: Annotated[
            Path, typer.Argument(help="OpenSSH public key file (.pub), ssh-ed25519 or its FIDO kind.")
        ],
        permission: Annotated[
            list[str] | None, typer.Option(help="What it may do: govern, carry, serve, vouch. Can be repeated.")
        ] = None,
    ) -> None:
        """List an operator, or give a listed one another name or other permissions."""
        ask(context, lambda *_: _operator(name, public_key, permission or []))

    @app.command("remove-operator")
    def remove_operator(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="The operator, by name or the first digits of its id.")],
    ) -> None:
        """Strike an operator off, for good."""
        ask(context, lambda state, _: RemoveOperator(named_operator(name, state.operators).id))


def _add_rule_requests(app: typer.Typer, ask: Ask) -> None:
    @app.command("change-rules")
    def change_rules(
        context: typer.Context,
        constitutional: Annotated[
            str, typer.Option(help='Who must sign, such as "2 of (ada, ben, cy) and 1 of (dee)".')
        ],
        rule: Annotated[
            list[str] | None,
            typer.Option(help='A rule of one routine kind: "add-domain-key=1 of (ada, ben)". Can be repeated.'),
        ] = None,
    ) -> None:
        """Replace all quorum rules; a kind that gets none is governed by the constitutional rule."""
        ask(context, lambda state, _: _rules(state, constitutional, rule or []))

    @app.command("change-parameters")
    def change_parameters(
        context: typer.Context,
        retirement: Annotated[str, typer.Option(help="How long a domain key is retired before it may be dropped.")],
    ) -> None:
        """Replace the domain's parameters."""
        change = ChangeParameters(Parameters(retirement=span(retirement)))
        ask(context, lambda *_: change)


def span(text: str) -> int:
    """Return the milliseconds of a time span such as ``90s``, ``12h`` or ``7d``; raises OperatorError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise OperatorError(f"{text!r} is no time span", "write a number and ms, s, min, h or d, such as 12h")
    return int(found[1]) * _UNITS[found[2]]


def _operator(name: str, public_key: Path, permissions: list[str]) -> AddOperator:
    try:
        public = OperatorPublic.from_line(public_key.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot read {public_key}: {error}") from None
    try:
        granted = frozenset(Permission[one.upper()] for one in permissions)
        return AddOperator(Operator.of(name, public, granted))
    except KeyError as error:
        raise FormatError(f"there is no permission {str(error.args[0]).lower()!r}") from None


def _rules(state: DomainState, constitutional: str, routine: list[str]) -> ChangeRules:
    kinds = {kind_in_words(kind): kind for kind in ROUTINE}
    rules = []
    for one in routine:
        kind, separator, words = one.partition("=")
        if not separator or kind not in kinds:
            raise FormatError(f"{kind!r} is no routine kind of request: {', '.join(sorted(kinds))}")
        rules.append(RoutineRule(kinds[kind], parsed(words, state)))
    ordered = tuple(sorted(rules, key=lambda rule: rule.kind))
    return ChangeRules(Rules(parsed(constitutional, state), ordered))
