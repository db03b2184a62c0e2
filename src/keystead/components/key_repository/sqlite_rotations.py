"""Keeps rotations, what modules did under domain keys, and when backups were taken, in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from keystead.core.failpoints import Step, durable
from keystead.core.protocols.module_session.resealing import KeyUsage
from keystead.core.rotation.repository import RotationRepository, Usage
from keystead.core.rotation.rotation import Cause, Rotation
from keystead.core.rotation.stages import Stage
from keystead.errors import ConflictError
from keystead.identifiers import DomainKeyId, ModuleId
from keystead.transport.sql import Connection, WriterThread

_FIELDS: Final = "number, cause, begun, stage, paused, pace, orders, waived, retired, resealed, last_reseal, revision"
NEWEST: Final = f"SELECT {_FIELDS} FROM rotations ORDER BY number DESC LIMIT 1"  # noqa: S608 - constants of ours
OLD: Final = "SELECT domain_key FROM rotation_keys WHERE rotation = ? ORDER BY place"
BEGIN: Final = f"""
INSERT INTO rotations ({_FIELDS}, is_open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608 - constants of ours
ADD_OLD: Final = "INSERT INTO rotation_keys (rotation, place, domain_key) VALUES (?, ?, ?)"
KEEP: Final = """
UPDATE rotations SET stage = ?, paused = ?, pace = ?, orders = ?, waived = ?, retired = ?, is_open = ?,
    revision = revision + 1 WHERE number = ? AND revision = ?
"""
COUNT: Final = """
INSERT INTO domain_key_usage (domain_key, module, incarnation, operations, refusals) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (domain_key, module, incarnation)
DO UPDATE SET operations = excluded.operations, refusals = excluded.refusals
WHERE excluded.operations >= domain_key_usage.operations AND excluded.refusals >= domain_key_usage.refusals
"""
USAGE: Final = "SELECT domain_key, sum(operations), sum(refusals) FROM domain_key_usage GROUP BY domain_key"
ADDED: Final = "SELECT added FROM domain_keys WHERE id = ?"
NEWEST_BACKUP: Final = "SELECT max(taken) FROM backups"


class SqliteRotationRepository(RotationRepository):
    """Reads and writes through the writer's thread: there is nothing to hurry."""

    def __init__(self, writer: WriterThread) -> None:
        """Take the thread, which other repositories in the same database share."""
        self._writer = writer

    async def newest(self) -> Rotation | None:
        """Return the last rotation that was begun."""
        return await self._writer.submit(_newest)

    async def begin(self, rotation: Rotation) -> None:
        """Keep a new rotation; the database itself lets no second open one in."""
        with durable(Step.ROTATION):
            await self._writer.submit(partial(_begin, rotation))

    async def keep(self, rotation: Rotation) -> Rotation:
        """Keep the rotation as it is now."""
        with durable(Step.ROTATION_CHANGE):
            return await self._writer.submit(partial(_keep, rotation))

    async def count(self, module: ModuleId, incarnation: bytes, usages: Sequence[KeyUsage]) -> None:
        """Keep what a module did since that start."""
        rows = [(one.domain_key, module, incarnation, one.operations, one.refusals) for one in usages]
        with durable(Step.USAGE):
            await self._writer.submit(lambda connection: connection.executemany(COUNT, rows))

    async def usage(self) -> Mapping[DomainKeyId, Usage]:
        """Return what all modules did."""
        rows = await self._writer.submit(lambda connection: connection.execute(USAGE).fetchall())
        return {DomainKeyId(key): Usage(operations, refusals) for key, operations, refusals in rows}

    async def added(self, domain_key: DomainKeyId) -> int:
        """Return when the fence was opened for a domain key."""
        row = await self._writer.submit(lambda connection: connection.execute(ADDED, (domain_key,)).fetchone())
        return 0 if row is None else int(row[0])

    async def newest_backup(self) -> int:
        """Return when the newest finished backup was taken."""
        row = await self._writer.submit(lambda connection: connection.execute(NEWEST_BACKUP).fetchone())
        return int(row[0] or 0)


def _newest(connection: Connection) -> Rotation | None:
    row = connection.execute(NEWEST).fetchone()
    if row is None:
        return None
    number, cause, begun, stage, paused, pace, orders, waived, retired, resealed, last_reseal, revision = row
    return Rotation(
        number=number,
        cause=Cause(cause),
        begun=begun,
        old=tuple([DomainKeyId(key) for (key,) in connection.execute(OLD, (number,))]),
        stage=Stage(stage),
        paused=bool(paused),
        limit=pace,
        orders=orders,
        waived=bool(waived),
        retired=retired,
        resealed=resealed,
        last_reseal=last_reseal,
        revision=revision,
    )


def _begin(rotation: Rotation, connection: Connection) -> None:
    values = (
        rotation.number,
        int(rotation.cause),
        rotation.begun,
        int(rotation.stage),
        rotation.paused,
        rotation.limit,
        rotation.orders,
        rotation.waived,
        rotation.retired,
        rotation.resealed,
        rotation.last_reseal,
        rotation.revision,
        _is_open(rotation),
    )
    try:
        connection.execute(BEGIN, values)
    except sqlite3.IntegrityError:
        raise ConflictError("another rotation was begun") from None
    for place, domain_key in enumerate(rotation.old):
        connection.execute(ADD_OLD, (rotation.number, place, domain_key))


def _keep(rotation: Rotation, connection: Connection) -> Rotation:
    values = (
        int(rotation.stage),
        rotation.paused,
        rotation.limit,
        rotation.orders,
        rotation.waived,
        rotation.retired,
        _is_open(rotation),
        rotation.number,
        rotation.revision,
    )
    if connection.execute(KEEP, values).rowcount == 0:
        raise ConflictError("the rotation is not as it was read")
    return replace(rotation, revision=rotation.revision + 1)


def _is_open(rotation: Rotation) -> int | None:
    """Return what the database keeps once at most; nothing for a rotation that has ended."""
    return 1 if rotation.open else None
