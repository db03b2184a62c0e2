"""The token repository in SQLite, in the same database as the key repository."""

import sqlite3
from functools import partial
from typing import Final

from keystead.core.domain.coordination import Decision, Installation
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.errors import ConflictError
from keystead.identifiers import ModuleId, OperatorId
from keystead.transport.sql import Connection, WriterThread

RECORD: Final = """
INSERT INTO domain_tokens (hash, version, predecessor, token, submitter, decision, decided, stage)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET submitter = excluded.submitter, decision = excluded.decision,
    decided = excluded.decided, stage = excluded.stage WHERE domain_tokens.stage IS NULL
"""
KEEP_PROMISE: Final = """
INSERT INTO domain_promises (token, member, promise) VALUES (?, ?, ?) ON CONFLICT (token, member) DO NOTHING
"""
KEEP_INSTALLATION: Final = """
INSERT INTO domain_installations (token, member, installed) VALUES (?, ?, ?) ON CONFLICT (token, member) DO NOTHING
"""
SET_STAGE: Final = "UPDATE domain_tokens SET stage = ? WHERE hash = ? AND stage IS NOT NULL"
ACCEPTED: Final = """
SELECT hash, token, submitter, decided, stage FROM domain_tokens WHERE stage IS NOT NULL ORDER BY version
"""
PROMISES: Final = "SELECT member, promise FROM domain_promises WHERE token = ?"
INSTALLATIONS: Final = "SELECT member, installed FROM domain_installations WHERE token = ?"


class SqliteTokenRepository(TokenRepository):
    """Reads and writes through the writer's thread: there is nothing to hurry."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def record(self, submission: Submission) -> None:
        """Keep a submission with its decision; the database itself lets no second successor in."""
        await self._writer.submit(partial(_record, submission))

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a member's promise."""
        await self._writer.submit(lambda connection: connection.execute(KEEP_PROMISE, (token, member, promise)))

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep that a member has a token."""
        await self._writer.submit(lambda connection: connection.execute(KEEP_INSTALLATION, (token, member, now)))

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep how far an installation is."""
        await self._writer.submit(lambda connection: connection.execute(SET_STAGE, (int(stage), token)))

    async def accepted(self) -> list[AcceptedToken]:
        """Return the accepted tokens in order of version."""
        return await self._writer.submit(_accepted)


def _record(submission: Submission, connection: Connection) -> None:
    stage = int(Installation.ACCEPTED) if submission.decision is Decision.ACCEPTED else None
    position = submission.position
    values = (
        position.hash,
        position.version,
        submission.predecessor,
        submission.token,
        submission.submitter,
        int(submission.decision),
        submission.decided,
        stage,
    )
    try:
        connection.execute(RECORD, values)
    except sqlite3.IntegrityError:
        raise ConflictError("another token was accepted after the same predecessor") from None


def _accepted(connection: Connection) -> list[AcceptedToken]:
    return [
        AcceptedToken(
            token=token,
            submitter=OperatorId(submitter),
            decided=decided,
            stage=Installation(stage),
            promises=dict(connection.execute(PROMISES, (token_hash,))),
            installed=dict(connection.execute(INSTALLATIONS, (token_hash,))),
        )
        for token_hash, token, submitter, decided, stage in connection.execute(ACCEPTED).fetchall()
    ]
