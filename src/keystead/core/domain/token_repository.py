"""The port of the domain token repository (1706 of FIG. 17): tokens, and what was decided and done about each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from keystead.core.domain.coordination import Decision, Installation, Position
from keystead.identifiers import ModuleId, OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A token that was handed in for installation, and what was decided."""

    token: bytes
    position: Position
    predecessor: bytes
    """Hash of the token that it follows, as it says itself."""
    submitter: OperatorId
    decision: Decision
    decided: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedToken:
    """An accepted token as it is kept."""

    token: bytes
    submitter: OperatorId
    decided: int
    stage: Installation
    promises: Mapping[ModuleId, bytes]
    installed: Mapping[ModuleId, int]
    """When each member was known to have it, in milliseconds since the epoch."""
    abandonment: bytes = b""
    """The approved request to abandon it; empty if there is none."""
    releases: Mapping[ModuleId, bytes] = field(default_factory=dict)
    """Given for that request."""


class TokenRepository(Protocol):
    """Keeps the tokens of one domain. What it returns proves nothing: the coordinator judges it anew.

    Every change is durable before the method returns. Every method may raise RepositoryUnavailable.
    """

    async def record(self, submission: Submission) -> None:
        """Keep a submission with its decision, in one transaction.

        Raises ConflictError if it is accepted and another token was accepted after the same predecessor. A token that
        was refused may be accepted later; what was accepted stays so.
        """

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a member's promise of an accepted token, named by its hash; keeping it twice changes nothing."""

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep that a member has an accepted token, named by its hash, since now, unless that is kept already."""

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep how far the installation of an accepted token, named by its hash, is. What is installed stays so."""

    async def keep_abandonment(self, token: bytes, approved: bytes) -> None:
        """Keep that a quorum gives an accepted token up, by this request, in its stage; forget releases for another."""

    async def keep_release(self, token: bytes, member: ModuleId, release: bytes) -> None:
        """Keep a module's release of a token, named by its hash; keeping it twice changes nothing."""

    async def bury(self, token: bytes) -> None:
        """Keep that an accepted token is given up: another may be accepted after its predecessor."""

    async def abandoned(self) -> list[AcceptedToken]:
        """Return the tokens that were given up, in order of version."""

    async def accepted(self) -> list[AcceptedToken]:
        """Return the accepted tokens in order of version, as one consistent snapshot."""
