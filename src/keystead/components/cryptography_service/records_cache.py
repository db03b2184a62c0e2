"""Sealed records, kept for at most a second, so that hot keys do not ask the repository for every request.

What is kept proves nothing and decides nothing; a front end that wrote a change reads its own write at once. That a key
is not there is never kept: the next request may come after another front end made it.
"""

from typing import Final, Generic, TypeVar

from keystead.core.operations.references import AliasNamed
from keystead.core.ports import Clock
from keystead.core.records import Change, KeyReader, KeyRecord
from keystead.identifiers import KeyId

K = TypeVar("K")
V = TypeVar("V")

STALENESS: Final = 1.0
"""Seconds that a change made elsewhere may go unseen."""
MOST: Final = 8192
"""Records that are kept at most, and aliases."""


class RecordsCache:
    """Reads through to the repository. Owned by one event loop."""

    def __init__(self, reader: KeyReader, clock: Clock) -> None:
        """Take what is asked for what is not kept."""
        self._reader = reader
        self._clock = clock
        self._records: _Recent[KeyId, KeyRecord] = _Recent()
        self._aliases: _Recent[AliasNamed, KeyId] = _Recent()
        self._changes = 0

    def kept_record(self, key_id: KeyId) -> KeyRecord | None:
        """Return the record if it is kept and fresh enough."""
        return self._records.get(key_id, self._clock.monotonic())

    def kept_alias(self, alias: AliasNamed) -> KeyId | None:
        """Return the alias's key if it is kept and fresh enough."""
        return self._aliases.get(alias, self._clock.monotonic())

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return the record from the repository, and keep it."""
        now, changes = self._clock.monotonic(), self._changes
        record = await self._reader.record(key_id)
        if record is not None and changes == self._changes:
            self._records.put(key_id, record, now)
        return record

    async def alias(self, alias: AliasNamed) -> KeyId | None:
        """Return the alias's key from the repository, and keep it."""
        now, changes = self._clock.monotonic(), self._changes
        key_id = await self._reader.alias(alias.account, alias.region, alias.alias)
        if key_id is not None and changes == self._changes:
            self._aliases.put(alias, key_id, now)
        return key_id

    def changed(self, change: Change) -> None:
        """Forget what the change made old; also what is being read at this moment is not kept."""
        self._changes += 1
        for key in change.keys:
            self._records.drop(key.key_id)
        for alias in change.aliases:
            self._aliases.drop(AliasNamed(alias.account, alias.region, alias.name))


class _Recent(Generic[K, V]):
    """Values in the order in which they were put, so that the first are the ones to go."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[K, tuple[float, V]] = {}

    def get(self, key: K, now: float) -> V | None:
        found = self._values.get(key)
        if found is None or now - found[0] > STALENESS:
            return None
        return found[1]

    def put(self, key: K, value: V, now: float) -> None:
        self._values.pop(key, None)
        self._values[key] = (now, value)
        while self._is_full(oldest := next(iter(self._values)), now):
            del self._values[oldest]

    def drop(self, key: K) -> None:
        self._values.pop(key, None)

    def _is_full(self, oldest: K, now: float) -> bool:
        return len(self._values) > MOST or now - self._values[oldest][0] > STALENESS
