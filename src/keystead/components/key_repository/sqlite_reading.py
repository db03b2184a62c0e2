"""Reads the key repository in SQLite: each answer is one statement, so that it is one snapshot."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from keystead.core.records import ALIASES, GRANTS, HeadReader, KeyReader, KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import AccountId, AliasName, KeyId, Region
from keystead.transport.sql import Connection, unavailable

RECORD: Final = """
SELECT '', 0, head FROM keys WHERE key_id = ?
UNION ALL SELECT '', version, token FROM key_tokens WHERE key_id = ?
UNION ALL SELECT kind, 0, content FROM key_attachments WHERE key_id = ?
"""
ALIAS: Final = "SELECT key_id FROM aliases WHERE account = ? AND region = ? AND name = ?"
PAGE_OF_KEYS: Final = "SELECT head FROM keys WHERE account = ? AND region = ? AND key_id > ? ORDER BY key_id LIMIT ?"
PAGE_OF_ALIASES: Final = f"""
SELECT aliases.name, keys.head, key_attachments.content
FROM aliases JOIN keys ON keys.key_id = aliases.key_id
LEFT JOIN key_attachments ON key_attachments.key_id = keys.key_id AND key_attachments.kind = '{ALIASES}'
WHERE aliases.account = ? AND aliases.region = ? AND aliases.name > ? ORDER BY aliases.name LIMIT ?
"""  # noqa: S608 - a constant of ours
PAGE_OF_RETIRABLE: Final = f"""
SELECT keys.head, key_attachments.content
FROM grant_retirers JOIN keys ON keys.key_id = grant_retirers.key_id
LEFT JOIN key_attachments ON key_attachments.key_id = keys.key_id AND key_attachments.kind = '{GRANTS}'
WHERE grant_retirers.region = ? AND grant_retirers.principal = ? AND grant_retirers.key_id >= ?
ORDER BY grant_retirers.key_id LIMIT ?
"""  # noqa: S608 - a constant of ours
PAGE_OF_HEADS: Final = "SELECT key_id, head FROM keys WHERE key_id > ? ORDER BY key_id LIMIT ?"
COUNT: Final = "SELECT count(*) FROM keys"


class SqliteKeyReader(KeyReader, HeadReader):
    """Reads through one connection, on the thread of the event loop that calls."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection of ``connect_to_read``."""
        self._connection = connection

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return one key; raises RecordError too, for a value of a type that was never written."""
        rows = self._rows(RECORD, (key_id, key_id, key_id))
        return _record(rows) if rows else None

    async def alias(self, account: AccountId, region: Region, name: AliasName) -> KeyId | None:
        """Return what the index has; raises RecordError too."""
        rows = self._rows(ALIAS, (account, region, name))
        return KeyId(_text(rows[0][0])) if rows else None

    async def page_of_keys(self, account: AccountId, region: Region, after: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page in order of id; raises RecordError too."""
        rows = self._rows(PAGE_OF_KEYS, (account, region, after, limit))
        return [KeyRecord(_octets(head), {}, {}) for (head,) in rows]

    async def page_of_heads(self, after: KeyId, limit: int) -> list[tuple[KeyId, bytes]]:
        """Return a page in order of id; raises RecordError too."""
        return [(KeyId(_text(key_id)), _octets(head)) for key_id, head in self._rows(PAGE_OF_HEADS, (after, limit))]

    async def page_of_aliases(
        self, account: AccountId, region: Region, after: AliasName, limit: int
    ) -> list[tuple[AliasName, KeyRecord]]:
        """Return a page in order of name; raises RecordError too."""
        rows = self._rows(PAGE_OF_ALIASES, (account, region, after, limit))
        return [(AliasName(_text(name)), _listed(head, ALIASES, names)) for name, head, names in rows]

    async def page_of_retirable(self, region: Region, principal: str, start: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page in order of id; raises RecordError too."""
        rows = self._rows(PAGE_OF_RETIRABLE, (region, principal, start, limit))
        return [_listed(head, GRANTS, grants) for head, grants in rows]

    async def count(self) -> int:
        """Return how many keys there are, in time that grows with them."""
        return int(self._rows(COUNT, ())[0][0])

    def _rows(self, statement: str, values: Sequence[str | int]) -> list[Any]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise unavailable(error) from None


def _record(rows: list[tuple[object, object, object]]) -> KeyRecord:
    head = b""
    tokens: dict[int, bytes] = {}
    attachments: dict[str, bytes] = {}
    for kind, version, content in rows:
        if kind:
            attachments[_text(kind)] = _octets(content)
        elif version:
            tokens[_number(version)] = _octets(content)
        else:
            head = _octets(content)
    return KeyRecord(head, tokens, attachments)


def _listed(head: object, kind: str, content: object) -> KeyRecord:
    return KeyRecord(_octets(head), {}, {} if content is None else {kind: _octets(content)})


def _octets(value: object) -> bytes:
    """SQLite lets who edits the file store any type in any column; another type here would spoil a whole frame."""
    if not isinstance(value, bytes):
        raise RecordError("a stored record holds a value of another type")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise RecordError("a stored record holds a value of another type")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise RecordError("a stored record holds a value of another type")
    return value
