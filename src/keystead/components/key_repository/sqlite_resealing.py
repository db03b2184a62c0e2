"""Lists and replaces what rests under a domain key, in SQLite. Pages come from indexes; the loop never waits."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from keystead.core.failpoints import Step, durable
from keystead.core.protocols.module_session.resealing import RestingKey
from keystead.core.records import KeyChange
from keystead.core.rotation.repository import ListedKey, MovedKey, ResealWriter, Resting, RestingReader
from keystead.errors import ConflictError, FencedError
from keystead.identifiers import DomainKeyId, KeyId
from keystead.primitives.digest import sha256
from keystead.transport.sql import Connection, WriterThread, unavailable

T = TypeVar("T")

_LEFT_BEHIND: Final = """
SELECT 1 FROM keys_left_behind JOIN keys ON keys.key_id = keys_left_behind.key_id
WHERE keys_left_behind.domain_key = key_tokens.domain_key AND keys_left_behind.key_id = key_tokens.key_id
AND keys.head_hash = keys_left_behind.head_hash
"""
IDS_BY_HEAD: Final = "SELECT key_id FROM keys WHERE head_domain_key = ? AND key_id > ? ORDER BY key_id LIMIT ?"
IDS_BY_TOKEN: Final = f"""
SELECT DISTINCT key_id FROM key_tokens
WHERE domain_key = ? AND key_id > ? AND NOT EXISTS ({_LEFT_BEHIND}) ORDER BY key_id LIMIT ?
"""  # noqa: S608 - a constant of ours
PAGE: Final = f"""
WITH listed AS (
    SELECT key_id FROM (SELECT * FROM ({IDS_BY_HEAD}) UNION SELECT * FROM ({IDS_BY_TOKEN})) ORDER BY key_id LIMIT ?
)
SELECT keys.key_id, keys.head, key_tokens.version, key_tokens.token
FROM listed JOIN keys ON keys.key_id = listed.key_id LEFT JOIN key_tokens ON key_tokens.key_id = listed.key_id
ORDER BY keys.key_id, key_tokens.version
"""  # noqa: S608 - constants of ours
COUNT_HEADS: Final = "SELECT count(*) FROM keys WHERE head_domain_key = ?"
COUNT_TOKENS: Final = f"""
SELECT count(DISTINCT key_tokens.key_id) FROM key_tokens JOIN keys ON keys.key_id = key_tokens.key_id
WHERE key_tokens.domain_key = ? AND keys.head_domain_key <> key_tokens.domain_key AND NOT EXISTS ({_LEFT_BEHIND})
"""  # noqa: S608 - constants of ours
COUNT_LEFT_BEHIND: Final = """
SELECT count(*) FROM keys_left_behind JOIN keys ON keys.key_id = keys_left_behind.key_id
WHERE keys_left_behind.domain_key = ? AND keys.head_hash = keys_left_behind.head_hash
"""
WRITABLE: Final = "SELECT writable FROM domain_keys WHERE id = ?"
REPLACE_HEAD: Final = """
UPDATE keys SET head = ?, head_hash = ?, head_domain_key = ?
WHERE key_id = ? AND account = ? AND region = ? AND head_hash = ?
"""
REPLACE_SEALED: Final = """
UPDATE key_tokens SET domain_key = ?, token = ? WHERE key_id = ? AND version = ? AND token = ?
"""
LEAVE_BEHIND: Final = """
INSERT INTO keys_left_behind (domain_key, key_id, head_hash)
SELECT DISTINCT key_tokens.domain_key, key_tokens.key_id, keys.head_hash
FROM key_tokens JOIN keys ON keys.key_id = key_tokens.key_id
WHERE keys.key_id = ? AND keys.head_hash = ? AND key_tokens.domain_key <> keys.head_domain_key
ON CONFLICT (domain_key, key_id) DO UPDATE SET head_hash = excluded.head_hash
"""
RESEALED: Final = "UPDATE rotations SET resealed = resealed + ?, last_reseal = ? WHERE number = ?"


class SqliteRestingReader(RestingReader):
    """Reads through one connection, on other threads than the event loop's, one at a time."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection of ``connect_to_read`` that nobody else uses."""
        self._connection = connection
        self._turn = asyncio.Lock()

    async def page_under(self, domain_key: DomainKeyId, after: KeyId, limit: int) -> list[ListedKey]:
        """Return a page in order of id, as one snapshot."""
        place = (domain_key, after, limit)
        rows = await self._asked(lambda one: one.execute(PAGE, (*place, *place, limit)).fetchall())
        return [_listed(KeyId(key_id), list(group)) for key_id, group in groupby(rows, key=itemgetter(0))]

    async def resting_under(self, domain_key: DomainKeyId) -> Resting:
        """Return how many there are; each number is one statement."""
        heads, tokens, left_behind = await self._asked(
            lambda one: [
                int(one.execute(count, (domain_key,)).fetchone()[0])
                for count in (COUNT_HEADS, COUNT_TOKENS, COUNT_LEFT_BEHIND)
            ]
        )
        return Resting(heads + tokens, left_behind)

    async def _asked(self, question: Callable[[Connection], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(question, self._connection)
            except sqlite3.Error as error:
                raise unavailable(error) from None


class SqliteResealWriter(ResealWriter):
    """Writes through the writer's thread."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> int:
        """Compare, swap and sync, all keys together."""
        with durable(Step.RESEALING):
            return await self._writer.submit(partial(_reseal, rotation, moved, now))


def _listed(key_id: KeyId, rows: list[tuple[Any, ...]]) -> ListedKey:
    tokens = {version: token for _, _, version, token in rows if version is not None}
    return ListedKey(key_id, RestingKey(rows[0][1], tokens))


def _reseal(rotation: int, moved: Sequence[MovedKey], now: int, connection: Connection) -> int:
    _check_fence(moved, connection)
    replaced = 0
    for one in moved:
        head_hash = sha256(one.listed.resting.head)
        if one.change is not None:
            head_hash = sha256(one.change.head)
            if not _is_replaced(one, one.change, head_hash, connection):
                continue
            replaced += 1
        if one.left_behind:
            connection.execute(LEAVE_BEHIND, (one.listed.key_id, head_hash))
    if replaced:
        connection.execute(RESEALED, (replaced, now, rotation))
    return replaced


def _check_fence(moved: Sequence[MovedKey], connection: Connection) -> None:
    changes = [one.change for one in moved if one.change is not None]
    named = {change.head_domain_key for change in changes}
    for domain_key in named.union(*({token.domain_key for token in change.tokens} for change in changes)):
        if connection.execute(WRITABLE, (domain_key,)).fetchone() != (1,):
            raise FencedError("the domain key takes no new records")


def _is_replaced(one: MovedKey, change: KeyChange, head_hash: bytes, connection: Connection) -> bool:
    """Whether the head was the one that was listed; then all of the key is replaced, or ConflictError raised."""
    owner = (one.listed.key_id, change.account, change.region)
    values = (change.head, head_hash, change.head_domain_key, *owner, change.replaces)
    if connection.execute(REPLACE_HEAD, values).rowcount == 0:
        return False
    for token in change.tokens:
        before = one.listed.resting.tokens.get(token.version)
        place = (one.listed.key_id, token.version, before)
        if connection.execute(REPLACE_SEALED, (token.domain_key, token.token, *place)).rowcount == 0:
            raise ConflictError("a key token is not as it was read")
    return True
