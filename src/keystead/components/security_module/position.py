"""What a module knows of its domain over a restart, beside its keys."""

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.strict import StrictCodec
from keystead.identifiers import DomainKeyId
from keystead.primitives.secret import Secret


class RetiredSince(msgspec.Struct, frozen=True, array_like=True):
    """When a domain key was retired at this module, by its own clock."""

    key: Bytes16
    since: int


class Position(msgspec.Struct, frozen=True, array_like=True):
    """What is durable. All from ``promised`` on is about what follows the token that is installed."""

    genesis: bytes
    """Signed by everyone."""
    predecessor: DomainState | None = None
    """What the token that is installed was judged against; None at version 0."""
    predecessor_hash: bytes = b""
    token: bytes = b""
    """The domain token that is installed; empty at version 0."""
    promises: tuple[bytes, ...] = ()
    """Of every member that had to promise it."""
    retired: tuple[RetiredSince, ...] = ()
    offers: int = 0
    """How many offers this module has made."""
    promised: bytes = b""
    """The one promise that this module gave for what follows; empty if none."""
    awaited: tuple[Bytes16, ...] = ()
    """The members that must promise what it promises."""
    releases: tuple[bytes, ...] = ()
    """What this module has released."""
    dead: tuple[Bytes32, ...] = ()
    """What it was shown to be dead."""
    offer: bytes = b""
    """What it offered."""


class Current(msgspec.Struct, frozen=True):
    """The domain as it is installed."""

    state: DomainState
    hash: bytes
    """SHA-256 of the token; the domain's id at version 0."""
    keys: Mapping[DomainKeyId, Secret]
    """Empty at version 0, and while this module is no member."""


CODEC: Final[StrictCodec[Position]] = StrictCodec(Position, "a position")
