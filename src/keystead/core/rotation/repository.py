"""The ports that a rotation needs of the repositories; who lists, who writes and who keeps are three."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from keystead.core.protocols.module_session.resealing import KeyUsage, RestingKey
from keystead.core.records import KeyChange
from keystead.core.rotation.rotation import Rotation
from keystead.identifiers import DomainKeyId, KeyId, ModuleId


class ListedKey(msgspec.Struct, frozen=True, gc=False):
    """A key that has something under an old domain key."""

    key_id: KeyId
    resting: RestingKey


class MovedKey(msgspec.Struct, frozen=True, gc=False):
    """A listed key, and what a module made of it."""

    listed: ListedKey
    change: KeyChange | None
    left_behind: bool


class Stored(msgspec.Struct, frozen=True):
    """What came of a batch."""

    replaced: int
    """Keys whose head and tokens are the new ones now."""
    others_write: bool = False
    """Whether others changed the repository since the batch before, and may wait for their turn."""


class Resting(msgspec.Struct, frozen=True):
    """How many keys have something under a domain key."""

    live: int
    left_behind: int
    """Those whose tokens stay there because they are marked to be shredded."""


class Usage(msgspec.Struct, frozen=True):
    """What all modules together did under one domain key."""

    operations: int = 0
    refusals: int = 0


class RestingReader(Protocol):
    """Lists what rests under a domain key. Every method may raise RepositoryUnavailable."""

    async def page_under(self, domain_key: DomainKeyId, after: KeyId, limit: int) -> list[ListedKey]:
        """Return up to ``limit`` keys with ids above ``after``, in order, whose head or any token rests there.

        A key whose tokens were left behind is not among them, unless its head is another one since.
        """

    async def resting_under(self, domain_key: DomainKeyId) -> Resting:
        """Return how many there are, in time that grows with them."""


class ResealWriter(Protocol):
    """Writes what was sealed anew."""

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> Stored:
        """Make all of them durable in one transaction, and return what came of it.

        A key whose head is not the one that was listed any more is passed over. Raises ConflictError, and changes
        nothing, if a token is not the one that was listed although the head is; FencedError if the new domain key takes
        no records; RepositoryUnavailable.
        """


class RotationRepository(Protocol):
    """Keeps rotations, and what they are begun by. Each change is durable before the method returns.

    Every method may raise RepositoryUnavailable.
    """

    async def newest(self) -> Rotation | None:
        """Return the last rotation that was begun."""

    async def begin(self, rotation: Rotation) -> None:
        """Keep a new rotation; raises ConflictError if there is one of that number, or one is open."""

    async def keep(self, rotation: Rotation) -> Rotation:
        """Keep the rotation and return it with its next revision; raises ConflictError if another was faster."""

    async def count(self, module: ModuleId, incarnation: bytes, usages: Sequence[KeyUsage]) -> None:
        """Keep what a module did since that start; less than what is kept changes nothing."""

    async def usage(self) -> Mapping[DomainKeyId, Usage]:
        """Return what all modules did, of all their starts."""

    async def added(self, domain_key: DomainKeyId) -> int:
        """Return when the key repository began to take records under a domain key; 0 if it never did."""

    async def newest_backup(self) -> int:
        """Return when the newest finished backup was taken; 0 if there is none."""
