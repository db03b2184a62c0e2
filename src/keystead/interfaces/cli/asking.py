"""How a command makes a change: from the state that it is asked of, and from what modules and coordinator say."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import typer

from keystead.core.domain.change_request import DomainChange
from keystead.core.domain.state import DomainState, Member
from keystead.errors import FormatError
from keystead.identifiers import DomainKeyId


class Peers(Protocol):
    """What a request needs from modules and the coordinator; every method raises PeerUnavailable or Refusal."""

    def member(self, address: str, name: str) -> Member:
        """Return the module at an address as a member of this name."""

    def offers(self, dropping: bytes) -> Mapping[bytes, bytes]:
        """Return the offers of the modules here that answer, for the drop of a domain key, by the member's id."""

    def offer(self, address: str) -> bytes:
        """Return the offer of the member at an address, for a renewal."""

    def attestation(self, address: str) -> bytes:
        """Return the word of the module at an address that it destroyed its sealing keys; it does so before."""

    def in_flight(self) -> bytes:
        """Return the hash of the token that is being installed; raises FormatError if there is none."""


ChangeOf: TypeAlias = Callable[[DomainState, Peers], DomainChange]
"""Makes the change from the state that it is asked of; raises FormatError for what is not there."""
Ask: TypeAlias = Callable[[typer.Context, ChangeOf], None]
"""Writes the request, or signs and installs it at once, as the options before the kind say."""


def domain_key(state: DomainState, digits: str) -> DomainKeyId:
    """Return the domain key whose id begins so; raises FormatError unless there is exactly one."""
    found = [entry.id for entry in state.domain_keys if digits and entry.id.hex().startswith(digits.lower())]
    if len(found) != 1:
        raise FormatError(f"{digits!r} begins the id of {'several domain keys' if found else 'no domain key'}")
    return DomainKeyId(found[0])


def module(state: DomainState, name: str) -> bytes:
    """Return the member with this name, or whose id begins so; raises FormatError unless there is exactly one."""
    found = [member.id for member in state.members if member.name == name]
    found = found or [member.id for member in state.members if name and member.id.hex().startswith(name.lower())]
    if len(found) != 1:
        raise FormatError(f"{name!r} names {'several modules' if found else 'no module'} of the domain")
    return found[0]
