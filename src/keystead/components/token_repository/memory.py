"""The token repository in memory: for simulations, and for whoever wants to see what the port promises."""

from dataclasses import replace

from keystead.core.domain.coordination import Decision, Installation
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.errors import ConflictError
from keystead.identifiers import ModuleId


class MemoryTokenRepository(TokenRepository):
    """Keeps everything in dictionaries, by the hash of the token."""

    def __init__(self) -> None:
        """Begin empty."""
        self.submissions: dict[bytes, Submission] = {}
        self._accepted: dict[bytes, AcceptedToken] = {}
        self._buried: dict[bytes, AcceptedToken] = {}

    async def record(self, submission: Submission) -> None:
        """Keep a submission with its decision."""
        token_hash = submission.position.hash
        if token_hash in self._accepted:
            return
        if submission.decision is Decision.ACCEPTED:
            self._check_alone(submission.predecessor)
            self._accepted[token_hash] = AcceptedToken(
                token=submission.token,
                submitter=submission.submitter,
                decided=submission.decided,
                stage=Installation.ACCEPTED,
                promises={},
                installed={},
            )
        self.submissions[token_hash] = submission

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a member's promise."""
        kept = self._accepted[token]
        self._accepted[token] = replace(kept, promises=dict(kept.promises) | {member: promise})

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep that a member has a token."""
        kept = self._accepted[token]
        self._accepted[token] = replace(kept, installed={member: now} | dict(kept.installed))

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep how far an installation is."""
        if self._accepted[token].stage is not Installation.INSTALLED:
            self._accepted[token] = replace(self._accepted[token], stage=stage)

    async def keep_abandonment(self, token: bytes, approved: bytes) -> None:
        """Keep that a quorum gives a token up."""
        kept = self._accepted[token]
        releases = kept.releases if kept.abandonment == approved else {}
        self._accepted[token] = replace(kept, abandonment=approved, releases=dict(releases))
        await self.set_stage(token, Installation.ABANDONING)

    async def keep_release(self, token: bytes, member: ModuleId, release: bytes) -> None:
        """Keep a module's release."""
        kept = self._accepted[token]
        self._accepted[token] = replace(kept, releases={member: release} | dict(kept.releases))

    async def bury(self, token: bytes) -> None:
        """Give a token up."""
        self._buried[token] = self._accepted.pop(token)
        self.submissions[token] = replace(self.submissions[token], decision=Decision.ABANDONED)

    async def abandoned(self) -> list[AcceptedToken]:
        """Return the tokens that were given up."""
        return self._in_order(self._buried)

    async def accepted(self) -> list[AcceptedToken]:
        """Return the accepted tokens in order of version."""
        return self._in_order(self._accepted)

    def _in_order(self, kept: dict[bytes, AcceptedToken]) -> list[AcceptedToken]:
        return [kept[one] for one in sorted(kept, key=lambda one: self.submissions[one].position.version)]

    def _check_alone(self, predecessor: bytes) -> None:
        if any(self.submissions[one].predecessor == predecessor for one in self._accepted):
            raise ConflictError("another token was accepted after the same predecessor")
