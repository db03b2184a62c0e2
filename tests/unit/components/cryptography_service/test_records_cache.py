"""What the cache keeps, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from keystead.components.cryptography_service import records_cache
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.core.operations.references import AliasNamed
from keystead.core.records import AliasChange, Change, KeyRecord
from keystead.identifiers import AccountId, AliasName, KeyId, Region
from tests.unit.components.cryptography_service.fakes import (
    ACCOUNT,
    DOMAIN_KEY,
    KEY,
    REGION,
    ManualClock,
    WatchedRepository,
    first_state,
    next_state,
)

IDS = [KeyId(f"{number}1111111-1111-4111-8111-111111111111") for number in range(2, 6)]


class Pausing(WatchedRepository):
    """Lets something happen between reading and returning."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Read, then let it happen."""
        found = await super().record(key_id)
        await self._pause()
        return found

    async def alias(self, account: AccountId, region: Region, name: AliasName) -> KeyId | None:
        """Read, then let it happen."""
        found = await super().alias(account, region, name)
        await self._pause()
        return found

    async def _pause(self) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()


async def stored() -> Pausing:
    """A repository of some keys."""
    repository = Pausing()
    await repository.admit(DOMAIN_KEY, 1)
    await repository.apply(Change(tuple(first_state(each) for each in (KEY, *IDS))))
    return repository


def test_only_so_many_records_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first; so memory is bounded whatever is asked."""
    monkeypatch.setattr(records_cache, "MOST", 3)

    async def script() -> None:
        cache = RecordsCache(await stored(), ManualClock())
        for key_id in (*IDS[:3], IDS[0], IDS[3]):
            await cache.record(key_id)
        kept = [cache.kept_record(key_id) is not None for key_id in IDS]
        assert kept == [True, False, True, True]

    asyncio.run(script())


def test_what_is_too_old_makes_room() -> None:
    """Old records do not wait for newer ones to be pushed out."""

    async def script() -> None:
        clock = ManualClock()
        cache = RecordsCache(await stored(), clock)
        await cache.record(IDS[0])
        clock.seconds += 1.5
        assert cache.kept_record(IDS[0]) is None
        await cache.record(IDS[1])
        clock.seconds -= 1.5
        assert cache.kept_record(IDS[0]) is None

    asyncio.run(script())


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    """A slow read that began before our own write must not hide it."""

    async def script() -> None:
        repository = await stored()
        cache = RecordsCache(repository, ManualClock())
        alias = AliasNamed(ACCOUNT, REGION, AliasName("alias/a"))
        change = Change(
            (next_state(KeyRecord(b"head 0", {}, {}), b"head 1"),),
            (AliasChange(ACCOUNT, REGION, alias.alias, KEY, None),),
        )
        await repository.apply(Change((), (AliasChange(ACCOUNT, REGION, alias.alias, IDS[0], None),)))

        async def changed() -> None:
            cache.changed(change)

        repository.meanwhile = changed
        assert (await cache.record(KEY)) is not None
        assert (await cache.alias(alias)) == IDS[0]
        assert cache.kept_record(KEY) is None
        assert cache.kept_alias(alias) is None

    asyncio.run(script())
