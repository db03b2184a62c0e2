"""The token repository in SQLite, in the same database as the key repository."""

import sqlite3
from functools import partial
from typing import Final

from keystead.core.domain.coordination import Decision, Installation
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.core.failpoints import Step, durable
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
SET_STAGE: Final = "UPDATE domain_tokens SET stage = ? WHERE hash = ? AND stage <> ?"
"""What is installed stays so, whatever a coordinator that is behind another one says."""
KEEP_ABANDONMENT: Final = """
INSERT INTO domain_abandonments (token, approved) VALUES (?, ?)
ON CONFLICT (token) DO UPDATE SET approved = excluded.approved
"""
FORGET_RELEASES: Final = """
DELETE FROM domain_releases WHERE token = ?
    AND NOT EXISTS (SELECT 1 FROM domain_abandonments WHERE token = ? AND approved = ?)
"""
KEEP_RELEASE: Final = """
INSERT INTO domain_releases (token, member, release) VALUES (?, ?, ?) ON CONFLICT (token, member) DO NOTHING
"""
BURY: Final = "UPDATE domain_tokens SET stage = NULL, decision = ? WHERE hash = ? AND stage IS NOT NULL"
ACCEPTED: Final = """
SELECT hash, token, submitter, decided, stage FROM domain_tokens WHERE stage IS NOT NULL ORDER BY version
"""
ABANDONED: Final = """
SELECT hash, token, submitter, decided, ? FROM domain_tokens WHERE decision = ? ORDER BY version
"""
ABANDONMENT: Final = "SELECT approved FROM domain_abandonments WHERE token = ?"
RELEASES: Final = "SELECT member, release FROM domain_releases WHERE token = ?"
PROMISES: Final = "SELECT member, promise FROM domain_promises WHERE token = ?"
INSTALLATIONS: Final = "SELECT member, installed FROM domain_installations WHERE token = ?"


class SqliteTokenRepository(TokenRepository):
    """Reads and writes through the writer's thread: there is nothing to hurry."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def record(self, submission: Submission) -> None:
        """Keep a submission with its decision; the database itself lets no second successor in."""
        with durable(Step.DECISION):
            await self._writer.submit(partial(_record, submission))

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a member's promise."""
        with durable(Step.PROMISE):
            await self._writer.submit(lambda connection: connection.execute(KEEP_PROMISE, (token, member, promise)))

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep that a member has a token."""
        with durable(Step.INSTALLATION):
            await self._writer.submit(lambda connection: connection.execute(KEEP_INSTALLATION, (token, member, now)))

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep how far an installation is."""
        with durable(Step.STAGE):
            await self._writer.submit(lambda connection: _set_stage(connection, token, stage))

    async def keep_abandonment(self, token: bytes, approved: bytes) -> None:
        """Keep that a quorum gives a token up."""
        with durable(Step.ABANDONMENT):
            await self._writer.submit(partial(_keep_abandonment, token, approved))

    async def keep_release(self, token: bytes, member: ModuleId, release: bytes) -> None:
        """Keep a module's release."""
        with durable(Step.RELEASE):
            await self._writer.submit(lambda connection: connection.execute(KEEP_RELEASE, (token, member, release)))

    async def bury(self, token: bytes) -> None:
        """Give a token up."""
        with durable(Step.BURIAL):
            await self._writer.submit(lambda connection: connection.execute(BURY, (int(Decision.ABANDONED), token)))

    async def abandoned(self) -> list[AcceptedToken]:
        """Return the tokens that were given up."""
        return await self._writer.submit(_abandoned)

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


def _set_stage(connection: Connection, token: bytes, stage: Installation) -> None:
    connection.execute(SET_STAGE, (int(stage), token, int(Installation.INSTALLED)))


def _keep_abandonment(token: bytes, approved: bytes, connection: Connection) -> None:
    connection.execute(FORGET_RELEASES, (token, token, approved))
    connection.execute(KEEP_ABANDONMENT, (token, approved))
    _set_stage(connection, token, Installation.ABANDONING)


def _accepted(connection: Connection) -> list[AcceptedToken]:
    return [_kept(connection, *row) for row in connection.execute(ACCEPTED).fetchall()]


def _abandoned(connection: Connection) -> list[AcceptedToken]:
    values = (int(Installation.ABANDONING), int(Decision.ABANDONED))
    return [_kept(connection, *row) for row in connection.execute(ABANDONED, values).fetchall()]


def _kept(
    connection: Connection, token_hash: bytes, token: bytes, submitter: bytes, decided: int, stage: int
) -> AcceptedToken:
    approved = connection.execute(ABANDONMENT, (token_hash,)).fetchone()
    return AcceptedToken(
        token=token,
        submitter=OperatorId(submitter),
        decided=decided,
        stage=Installation(stage),
        promises=dict(connection.execute(PROMISES, (token_hash,))),
        installed=dict(connection.execute(INSTALLATIONS, (token_hash,))),
        abandonment=approved[0] if approved else b"",
        releases=dict(connection.execute(RELEASES, (token_hash,))),
    )
