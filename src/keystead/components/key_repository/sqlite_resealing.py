"""Lists and replaces what rests under a domain key, in SQLite. Pages come from indexes; the loop never waits."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from msgspec import json

from keystead.core.failpoints import Step, durable
from keystead.core.protocols.module_session.resealing import RestingKey
from keystead.core.records import KeyChange
from keystead.core.rotation.repository import ListedKey, MovedKey, ResealWriter, Resting, RestingReader, Stored
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
LEAVE_BEHIND: Final = """
INSERT INTO keys_left_behind (domain_key, key_id, head_hash)
SELECT DISTINCT key_tokens.domain_key, key_tokens.key_id, keys.head_hash
FROM key_tokens JOIN keys ON keys.key_id = key_tokens.key_id
WHERE keys.key_id = ? AND keys.head_hash = ? AND key_tokens.domain_key <> keys.head_domain_key
ON CONFLICT (domain_key, key_id) DO UPDATE SET head_hash = excluded.head_hash
"""
DATA_VERSION: Final = "PRAGMA data_version"
TOGETHER: Final = 128
"""Keys of one statement. Each statement gives up the interpreter's lock, and waits until the event loop does."""
RESEALED: Final = "UPDATE rotations SET resealed = resealed + ?, last_reseal = ? WHERE number = ?"


@cache
def replace_heads(keys: int) -> str:
    """Return the statement that replaces so many heads, each where it is the one that was listed."""
    return f"""
UPDATE keys SET head = new.column1, head_hash = new.column2, head_domain_key = new.column3
FROM (VALUES {_rows(keys, 7)}) AS new
WHERE keys.key_id = new.column4 AND keys.account = new.column5 AND keys.region = new.column6
AND keys.head_hash = new.column7
"""  # noqa: S608 - question marks


@cache
def replaced_heads(keys: int) -> str:
    """Return the question which of so many keys have these heads, as one row."""
    return f"""
SELECT json_group_array(keys.key_id) FROM (VALUES {_rows(keys, 2)}) AS new
JOIN keys ON keys.key_id = new.column1 AND keys.head_hash = new.column2
"""  # noqa: S608 - question marks


@cache
def replace_tokens(tokens: int) -> str:
    """Return the statement that replaces so many tokens, each where it is the one that was listed."""
    return f"""
UPDATE key_tokens SET domain_key = new.column1, token = new.column2 FROM (VALUES {_rows(tokens, 5)}) AS new
WHERE key_tokens.key_id = new.column3 AND key_tokens.version = new.column4 AND key_tokens.token = new.column5
"""  # noqa: S608 - question marks


def _rows(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)


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
        self._seen = 0

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> Stored:
        """Compare, swap and sync, all keys together."""
        with durable(Step.RESEALING):
            replaced, version = await self._writer.submit(partial(_reseal, rotation, moved, now))
        before, self._seen = self._seen, version
        return Stored(replaced, others_write=version != before)


def _listed(key_id: KeyId, rows: list[tuple[Any, ...]]) -> ListedKey:
    tokens = {version: token for _, _, version, token in rows if version is not None}
    return ListedKey(key_id, RestingKey(rows[0][1], tokens))


def _reseal(rotation: int, moved: Sequence[MovedKey], now: int, connection: Connection) -> tuple[int, int]:
    """Return how many keys were replaced, and a number that only changes when others commit."""
    _check_fence(moved, connection)
    changed = [(one, one.change) for one in moved if one.change is not None]
    replaced: set[KeyId] = set()
    for begin in range(0, len(changed), TOGETHER):
        replaced |= _replace(changed[begin : begin + TOGETHER], connection)
    for one in moved:
        if one.left_behind and (one.change is None or one.listed.key_id in replaced):
            head = one.listed.resting.head if one.change is None else one.change.head
            connection.execute(LEAVE_BEHIND, (one.listed.key_id, sha256(head)))
    if replaced:
        connection.execute(RESEALED, (len(replaced), now, rotation))
    (version,) = connection.execute(DATA_VERSION).fetchone()
    return len(replaced), version


def _check_fence(moved: Sequence[MovedKey], connection: Connection) -> None:
    changes = [one.change for one in moved if one.change is not None]
    named = {change.head_domain_key for change in changes}
    for domain_key in named.union(*({token.domain_key for token in change.tokens} for change in changes)):
        if connection.execute(WRITABLE, (domain_key,)).fetchone() != (1,):
            raise FencedError("the domain key takes no new records")


def _replace(changed: Sequence[tuple[MovedKey, KeyChange]], connection: Connection) -> set[KeyId]:
    """Replace heads that are the ones that were listed, with all of their keys' tokens; return whose they were.

    Raises ConflictError if a token of those keys is not the one that was listed.
    """
    heads: list[object] = []
    for one, change in changed:
        owner = (one.listed.key_id, change.account, change.region)
        heads += (change.head, sha256(change.head), change.head_domain_key, *owner, change.replaces)
    replaced = {one.listed.key_id for one, _ in changed}
    if connection.execute(replace_heads(len(changed)), heads).rowcount != len(changed):
        replaced = _replaced(changed, connection)
    tokens: list[object] = []
    for one, change in changed:
        if one.listed.key_id in replaced:
            before = one.listed.resting.tokens
            for token in change.tokens:
                place = (one.listed.key_id, token.version, before.get(token.version))
                tokens += (token.domain_key, token.token, *place)
    count = len(tokens) // 5
    if count and connection.execute(replace_tokens(count), tokens).rowcount != count:
        raise ConflictError("a key token is not as it was read")
    return replaced


def _replaced(changed: Sequence[tuple[MovedKey, KeyChange]], connection: Connection) -> set[KeyId]:
    """Return which keys have their new heads; no two heads are alike."""
    asked: list[object] = []
    for one, change in changed:
        asked += (one.listed.key_id, sha256(change.head))
    (found,) = connection.execute(replaced_heads(len(changed)), asked).fetchone()
    return set(json.decode(found, type=list[KeyId]))
