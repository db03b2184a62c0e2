"""A key repository that takes its time, so that its users can die before, during and after what they ask of it."""

import asyncio
from collections.abc import Callable

from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.core.records import Change, KeyChange, KeyReader, KeyRecord, KeyWriter
from keystead.identifiers import AccountId, AliasName, KeyId, Region


class SlowRepository(KeyReader, KeyWriter):
    """One process's way to the repository."""

    def __init__(
        self, repository: MemoryKeyRepository, latency: Callable[[], float], seen: Callable[[KeyChange], None]
    ) -> None:
        """Take the repository, what says how long each way takes, and who is shown what is written."""
        self._repository = repository
        self._latency = latency
        self._seen = seen

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return one key, as it was a moment ago."""
        await asyncio.sleep(self._latency())
        found = await self._repository.record(key_id)
        await asyncio.sleep(self._latency())
        return found

    async def alias(self, account: AccountId, region: Region, name: AliasName) -> KeyId | None:
        """Return what the index had a moment ago."""
        await asyncio.sleep(self._latency())
        found = await self._repository.alias(account, region, name)
        await asyncio.sleep(self._latency())
        return found

    async def page_of_keys(self, account: AccountId, region: Region, after: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page."""
        await asyncio.sleep(self._latency())
        return await self._repository.page_of_keys(account, region, after, limit)

    async def page_of_aliases(
        self, account: AccountId, region: Region, after: AliasName, limit: int
    ) -> list[tuple[AliasName, KeyRecord]]:
        """Return a page."""
        await asyncio.sleep(self._latency())
        return await self._repository.page_of_aliases(account, region, after, limit)

    async def page_of_retirable(self, region: Region, principal: str, start: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page."""
        await asyncio.sleep(self._latency())
        return await self._repository.page_of_retirable(region, principal, start, limit)

    async def count(self) -> int:
        """Return how many keys there are."""
        return await self._repository.count()

    async def apply(self, change: Change) -> None:
        """Make the change, and tell of it later."""
        await asyncio.sleep(self._latency())
        for key in change.keys:
            self._seen(key)
        try:
            await self._repository.apply(change)
        finally:
            await asyncio.sleep(self._latency())
