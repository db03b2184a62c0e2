"""A process that writes keys as fast as it can and says which writes were acknowledged: ``PATH FIRST_NUMBER``."""

import asyncio
import os
import sys
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.core.records import Change, KeyChange, TokenChange
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.transport.sql import WriterThread

DOMAIN_KEY = DomainKeyId(bytes(16))
WRITERS = 16


async def write(path: Path, first: int) -> None:
    """Add keys and change each once, until killed."""
    thread = WriterThread(path)
    await SqliteDomainKeyFence(thread).admit(DOMAIN_KEY, 1)
    await asyncio.gather(*(_write(SqliteKeyWriter(thread), first + number) for number in range(WRITERS)))


async def _write(writer: SqliteKeyWriter, number: int) -> None:
    while True:
        key_id = KeyId(str(UUID(int=number)))
        await writer.apply(Change((_state(key_id, b"", b"first", 1),)))
        _acknowledge(f"{key_id} first\n")
        await writer.apply(Change((_state(key_id, sha256(b"first").digest(), b"second", 2),)))
        _acknowledge(f"{key_id} second\n")
        number += WRITERS


def _state(key_id: KeyId, replaces: bytes, head: bytes, version: int) -> KeyChange:
    tokens = (TokenChange(version, DOMAIN_KEY, head),)
    return KeyChange(key_id, AccountId("111122223333"), Region("eu-central-1"), replaces, head, DOMAIN_KEY, tokens)


def _acknowledge(line: str) -> None:
    os.write(sys.stdout.fileno(), line.encode())


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
