"""Requests about former domain keys, members that are lost, and changes that do not go on."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from keystead.core.domain.change_request import Abandon, DropDomainKey, RecordDestruction, Recover, RenewHolder
from keystead.core.domain.state import DomainState, Member, Role
from keystead.errors import FormatError
from keystead.interfaces.cli.asking import Ask, Peers, domain_key, module

KeyArgument = Annotated[str, typer.Argument(help="The domain key, by the first digits of its id.")]
AddressArgument = Annotated[str, typer.Argument(help="Where the module listens, such as unix:run/module-1.sock.")]
Lost = Annotated[
    list[str] | None,
    typer.Option("--lost", help="A module that is destroyed and will never install anything. Can be repeated."),
]


def add_lifecycle_requests(app: typer.Typer, ask: Ask) -> None:
    """Add these kinds to ``keystead domain request``."""
    _add_drop(app, ask)
    _add_holder_requests(app, ask)
    _add_rescues(app, ask)


def _add_drop(app: typer.Typer, ask: Ask) -> None:
    @app.command("drop-domain-key")
    def drop_domain_key(
        context: typer.Context,
        key: KeyArgument,
        park: Annotated[
            list[str] | None,
            typer.Option(help="A module that makes no offer and leaves the domain. Can be repeated."),
        ] = None,
    ) -> None:
        """Drop a retired domain key for good: every member that stays offers a fresh key to seal to."""
        ask(context, lambda state, peers: dropped(state, peers, key, park or []))


def _add_holder_requests(app: typer.Typer, ask: Ask) -> None:
    @app.command("renew-holder")
    def renew_holder(context: typer.Context, address: AddressArgument) -> None:
        """Seal to a fresh key of one member from now on, such as the recovery member's."""
        ask(context, lambda _, peers: RenewHolder(peers.offer(address)))

    @app.command("record-destruction")
    def record_destruction(context: typer.Context, address: AddressArgument) -> None:
        """Have a module that left destroy its sealing key, and record its word that it did."""
        ask(context, lambda _, peers: RecordDestruction(peers.attestation(address)))


def _add_rescues(app: typer.Typer, ask: Ask) -> None:
    @app.command("abandon")
    def abandon(
        context: typer.Context,
        lost: Lost = None,
        token: Annotated[
            str | None, typer.Option(help="Hash of the domain token; the one that is being installed.")
        ] = None,
    ) -> None:
        """Give up a change that is being installed and that no module has yet."""
        ask(context, lambda state, peers: abandoned(state, peers, token, lost or []))

    @app.command("recover")
    def recover(
        context: typer.Context,
        keep: Annotated[
            list[str], typer.Argument(help="Members that go on, by name or the first digits of their ids.")
        ],
        add: Annotated[
            list[str] | None, typer.Option(help="A new module: NAME=unix:run/module-3.sock. Can be repeated.")
        ] = None,
    ) -> None:
        """Go on with these members alone, when too few are left to promise: they become active members."""
        ask(context, lambda state, peers: recovered(state, peers, keep, add or []))


def dropped(state: DomainState, peers: Peers, key: str, park: Sequence[str]) -> DropDomainKey:
    """Return the drop of a key; raises FormatError while an active member that is not parked has made no offer."""
    parked = frozenset(module(state, name) for name in park)
    dropping = domain_key(state, key)
    offers = peers.offers(dropping)
    for member in state.members:
        if member.role is Role.ACTIVE and member.id not in parked and member.id not in offers:
            raise FormatError(f"{member.name} made no offer: start it, or leave it out with --park {member.name}")
    given = tuple(offers[one.id] for one in state.members if one.id in offers and one.id not in parked)
    return DropDomainKey(dropping, given, tuple(sorted(parked)))


def abandoned(state: DomainState, peers: Peers, token: str | None, lost: Sequence[str]) -> Abandon:
    """Return the abandonment of a token, by its hash in hexadecimal, or of the one that is being installed."""
    try:
        successor = peers.in_flight() if token is None else bytes.fromhex(token)
    except ValueError:
        raise FormatError(f"{token!r} is no hash") from None
    return Abandon(successor, tuple(sorted({module(state, name) for name in lost})))


def recovered(state: DomainState, peers: Peers, keep: Sequence[str], add: Sequence[str]) -> Recover:
    """Return the recovery with these members, all of them active from now on."""
    kept = {module(state, name) for name in keep}
    members = [_active(member) for member in state.members if member.id in kept]
    for one in add:
        name, separator, address = one.partition("=")
        if not separator:
            raise FormatError(f"{one!r} is no NAME=ADDRESS")
        members.append(peers.member(address, name))
    return Recover(tuple(sorted(members, key=lambda member: member.id)))


def _active(member: Member) -> Member:
    return msgspec.structs.replace(member, role=Role.ACTIVE)
