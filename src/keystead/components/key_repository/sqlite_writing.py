"""Writes the key repository in SQLite. Each change is compared, swapped and fenced in one transaction."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Final

from keystead.core.failpoints import Step, durable
from keystead.core.operations.granted import retirers
from keystead.core.records import GRANTS, AliasChange, Change, DomainKeyFence, KeyChange, KeyWriter
from keystead.errors import ConflictError, DuplicateError, FencedError
from keystead.identifiers import DomainKeyId
from keystead.primitives.digest import sha256
from keystead.transport.sql import Connection, WriterThread

WRITABLE: Final = "SELECT writable FROM domain_keys WHERE id = ?"
ADD_KEY: Final = """
INSERT INTO keys (key_id, account, region, head, head_hash, head_domain_key) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key_id) DO NOTHING
"""
REPLACE_HEAD: Final = """
UPDATE keys SET head = ?, head_hash = ?, head_domain_key = ?
WHERE key_id = ? AND account = ? AND region = ? AND head_hash = ?
"""
SET_VERSION: Final = """
INSERT INTO key_tokens (key_id, version, domain_key, token) VALUES (?, ?, ?, ?)
ON CONFLICT (key_id, version) DO UPDATE SET domain_key = excluded.domain_key, token = excluded.token
"""
SET_ATTACHMENT: Final = """
INSERT INTO key_attachments (key_id, kind, content) VALUES (?, ?, ?)
ON CONFLICT (key_id, kind) DO UPDATE SET content = excluded.content
"""
ADD_ALIAS: Final = """
INSERT INTO aliases (account, region, name, key_id) VALUES (?, ?, ?, ?) ON CONFLICT (account, region, name) DO NOTHING
"""
MOVE_ALIAS: Final = "UPDATE aliases SET key_id = ? WHERE account = ? AND region = ? AND name = ? AND key_id = ?"
REMOVE_ALIAS: Final = "DELETE FROM aliases WHERE account = ? AND region = ? AND name = ? AND key_id = ?"
FORGET_RETIRERS: Final = "DELETE FROM grant_retirers WHERE key_id = ?"
ADD_RETIRER: Final = "INSERT INTO grant_retirers (region, principal, key_id) VALUES (?, ?, ?)"
ADMIT: Final = "INSERT INTO domain_keys (id, writable, added) VALUES (?, 1, ?) ON CONFLICT (id) DO NOTHING"
FENCE: Final = "UPDATE domain_keys SET writable = 0 WHERE id = ?"


class SqliteKeyWriter(KeyWriter):
    """Writes through the writer's thread."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def apply(self, change: Change) -> None:
        """Compare, swap and sync; changes that wait together share one sync."""
        with durable(Step.KEY_CHANGE):
            await self._writer.submit(partial(_apply, change))


class SqliteDomainKeyFence(DomainKeyFence):
    """Opens and closes the fence through the writer's thread."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def admit(self, domain_key: DomainKeyId, now: int) -> None:
        """Open, unless the domain key is known."""
        with durable(Step.ADMISSION):
            await self._writer.submit(partial(_changed, ADMIT, (domain_key, now)))

    async def fence(self, domain_key: DomainKeyId) -> None:
        """Close for good, after every write that was submitted before."""
        with durable(Step.FENCE):
            await self._writer.submit(partial(_changed, FENCE, (domain_key,)))


def _apply(change: Change, connection: Connection) -> None:
    for key in change.keys:
        _check_fence(key, connection)
        _put_head(key, connection)
        for token in key.tokens:
            _changed(SET_VERSION, (key.key_id, token.version, token.domain_key, token.token), connection)
        for kind, content in key.attachments.items():
            _changed(SET_ATTACHMENT, (key.key_id, kind, content), connection)
        if GRANTS in key.attachments:
            _put_retirers(key, connection)
    for alias in change.aliases:
        _put_alias(alias, connection)


def _check_fence(key: KeyChange, connection: Connection) -> None:
    for domain_key in {key.head_domain_key, *(token.domain_key for token in key.tokens)}:
        if connection.execute(WRITABLE, (domain_key,)).fetchone() != (1,):
            raise FencedError("the domain key takes no new records")


def _put_head(key: KeyChange, connection: Connection) -> None:
    owner = (key.key_id, key.account, key.region)
    state = (key.head, sha256(key.head), key.head_domain_key)
    if not key.replaces:
        if not _changed(ADD_KEY, (*owner, *state), connection):
            raise DuplicateError("there is a key with this id")
    elif not _changed(REPLACE_HEAD, (*state, *owner, key.replaces), connection):
        raise ConflictError("the key is not as it was read")


def _put_retirers(key: KeyChange, connection: Connection) -> None:
    _changed(FORGET_RETIRERS, (key.key_id,), connection)
    for principal in retirers(key.attachments[GRANTS]):
        _changed(ADD_RETIRER, (key.region, principal, key.key_id), connection)


def _put_alias(alias: AliasChange, connection: Connection) -> None:
    place = (alias.account, alias.region, alias.name)
    try:
        if alias.target is None:
            found = _changed(REMOVE_ALIAS, (*place, alias.replaces), connection)
        elif alias.replaces is None:
            if not _changed(ADD_ALIAS, (*place, alias.target), connection):
                raise DuplicateError("the alias name is taken")
            found = True
        else:
            found = _changed(MOVE_ALIAS, (alias.target, *place, alias.replaces), connection)
    except sqlite3.IntegrityError:
        raise ConflictError("there is no key for the alias") from None
    if not found:
        raise ConflictError("the alias is not as it was read")


def _changed(statement: str, values: Sequence[str | int | bytes | None], connection: Connection) -> bool:
    """Whether the statement, run with these values, changed a row."""
    return connection.execute(statement, values).rowcount > 0
