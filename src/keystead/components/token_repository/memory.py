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
        self._accepted[token] = replace(self._accepted[token], stage=stage)

    async def accepted(self) -> list[AcceptedToken]:
        """Return the accepted tokens in order of version."""
        return [
            self._accepted[token_hash]
            for token_hash in sorted(self._accepted, key=lambda one: self.submissions[one].position.version)
        ]

    def _check_alone(self, predecessor: bytes) -> None:
        if any(self.submissions[one].predecessor == predecessor for one in self._accepted):
            raise ConflictError("another token was accepted after the same predecessor")
