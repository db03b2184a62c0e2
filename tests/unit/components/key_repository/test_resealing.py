"""What every implementation promises who lists and replaces what rests under an old domain key."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace

from keystead.components.key_repository.sqlite_resealing import (
    COUNT_HEADS,
    IDS_BY_HEAD,
    IDS_BY_TOKEN,
    PAGE,
    TOGETHER,
    SqliteResealWriter,
    SqliteRestingReader,
    replace_heads,
    replace_tokens,
    replaced_heads,
)
from keystead.components.key_repository.sqlite_writing import SqliteDomainKeyFence, SqliteKeyWriter
from keystead.core.protocols.module_session.resealing import KeyUsage, RestingKey
from keystead.core.records import Change, KeyChange, TokenChange
from keystead.core.rotation.repository import ListedKey, MovedKey, Resting, Usage
from keystead.core.rotation.rotation import Cause, Rotation
from keystead.core.rotation.stages import Stage
from keystead.errors import ConflictError, FencedError
from keystead.identifiers import DomainKeyId, KeyId, ModuleId
from keystead.transport.sql import WriterThread, connect_to_read
from tests.unit.components.key_repository.test_contract import ACCOUNT, KEY, NEW, OLD, OTHER, REGION, new_key, next_head

Script: TypeAlias = Callable[[Any], Awaitable[None]]
FIRST = KeyId("")
ROTATION = Rotation(number=1, cause=Cause.ORDER, begun=5, old=(OLD,))
MODULE = ModuleId(bytes(16))


def run(ports: Any, script: Script) -> None:
    """Run the script with both domain keys admitted, and a rotation begun."""

    async def _run() -> None:
        await ports.fence.admit(OLD, 1)
        await ports.fence.admit(NEW, 2)
        await ports.rotations.begin(ROTATION)
        await script(ports)

    asyncio.run(_run())


def moved(listed: ListedKey, *, left_behind: bool = False) -> MovedKey:
    """What a module makes of a key that was listed."""
    head = b"new " + listed.resting.head
    tokens = () if left_behind else tuple(TokenChange(n, NEW, b"new " + t) for n, t in listed.resting.tokens.items())
    replaces = sha256(listed.resting.head).digest()
    return MovedKey(listed, KeyChange(listed.key_id, ACCOUNT, REGION, replaces, head, NEW, tokens), left_behind)


def listed(change: KeyChange) -> ListedKey:
    """A key as it is listed after this change made it."""
    return ListedKey(change.key_id, RestingKey(change.head, {token.version: token.token for token in change.tokens}))


@pytest.mark.requirement("P21-07", "CL-03", "CL-22")
def test_the_list_has_each_key_under_the_old_domain_key_in_order(ports: Any) -> None:
    """With its head and all its tokens, page by page; a key under another domain key is not in it."""

    async def script(ports: Any) -> None:
        keys = [new_key(KeyId(f"{number:08x}-1111-8111-8111-111111111111")) for number in range(5)]
        await ports.writer.apply(Change((*reversed(keys), new_key(OTHER, NEW))))
        first = await ports.resting.page_under(OLD, FIRST, 3)
        assert first == [listed(key) for key in keys[:3]]
        assert await ports.resting.page_under(OLD, first[-1].key_id, 3) == [listed(key) for key in keys[3:]]
        assert await ports.resting.page_under(OLD, keys[-1].key_id, 3) == []
        assert await ports.resting.resting_under(OLD) == Resting(5, 0)
        assert await ports.resting.resting_under(NEW) == Resting(1, 0)

    run(ports, script)


def test_a_key_is_listed_as_long_as_any_of_its_tokens_is_there(ports: Any) -> None:
    """A change by a customer moved its head alone."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        await ports.writer.apply(Change((next_head(b"head 2", new_key().head, head_domain_key=NEW),)))
        (one,) = await ports.resting.page_under(OLD, FIRST, 9)
        assert one == ListedKey(KEY, RestingKey(b"head 2", {1: b"token 1"}))
        assert await ports.resting.resting_under(OLD) == Resting(1, 0)
        assert (await ports.reseal.reseal(1, [moved(one)], 7)).replaced == 1
        assert await ports.resting.resting_under(OLD) == Resting(0, 0)

    run(ports, script)


@pytest.mark.requirement("P21-13", "CL-07", "CL-39")
def test_what_was_sealed_anew_takes_the_place_of_what_was_listed(ports: Any) -> None:
    """Head and tokens are replaced, attachments stay; the rotation counts the keys and knows when it was."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(), new_key(OTHER))))
        batch = [moved(one) for one in await ports.resting.page_under(OLD, FIRST, 9)]
        assert (await ports.reseal.reseal(1, batch, 7)).replaced == 2
        record = await ports.reader.record(KEY)
        assert (record.head, record.tokens) == (b"new " + new_key().head, {1: b"new token 1"})
        assert record.attachments == new_key().attachments
        assert await ports.resting.page_under(OLD, FIRST, 9) == []
        rotation = await ports.rotations.newest()
        assert (rotation.resealed, rotation.last_reseal) == (2, 7)

    run(ports, script)


def test_a_key_that_was_changed_since_is_passed_over(ports: Any) -> None:
    """The change stays, the others are replaced, and the key is listed again."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(), new_key(OTHER))))
        batch = [moved(one) for one in await ports.resting.page_under(OLD, FIRST, 9)]
        await ports.writer.apply(Change((next_head(b"head 2", new_key().head),)))
        assert (await ports.reseal.reseal(1, batch, 7)).replaced == 1
        record = await ports.reader.record(KEY)
        assert (record.head, record.tokens) == (b"head 2", {1: b"token 1"})
        assert [one.key_id for one in await ports.resting.page_under(OLD, FIRST, 9)] == [KEY]

    run(ports, script)


def test_of_a_batch_of_any_size_exactly_those_are_replaced_that_are_as_they_were_listed(ports: Any) -> None:
    """Also where a batch takes several statements; what a customer changed meanwhile stays as he changed it."""

    async def script(ports: Any) -> None:
        count = 2 * TOGETHER + 3
        keys = [new_key(KeyId(f"{number:08x}-1111-8111-8111-111111111111")) for number in range(count)]
        for key in keys:
            await ports.writer.apply(Change((key,)))
        batch = [moved(one) for one in await ports.resting.page_under(OLD, FIRST, count)]
        changed = [keys[0], keys[TOGETHER], keys[-1]]
        for key in changed:
            await ports.writer.apply(Change((replace(next_head(b"head 2", key.head), key_id=key.key_id),)))
        assert (await ports.reseal.reseal(1, batch, 7)).replaced == count - 3
        left = await ports.resting.page_under(OLD, FIRST, count)
        assert [one.key_id for one in left] == [key.key_id for key in changed]
        assert {one.resting.head for one in left} == {b"head 2"}
        record = await ports.reader.record(keys[1].key_id)
        assert (record.head, record.tokens) == (b"new " + keys[1].head, {1: b"new " + keys[1].tokens[0].token})
        assert (await ports.rotations.newest()).resealed == count - 3

    run(ports, script)


def test_a_token_that_is_not_the_one_that_was_listed_undoes_all(ports: Any) -> None:
    """The head is the one that was listed, so somebody edits rows: nothing of the batch is written."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(), new_key(OTHER))))
        one, other = await ports.resting.page_under(OLD, FIRST, 9)
        lying = ListedKey(other.key_id, replace(other.resting, tokens={1: b"another"}))
        with pytest.raises(ConflictError):
            await ports.reseal.reseal(1, [moved(one), moved(lying)], 7)
        assert await ports.resting.page_under(OLD, FIRST, 9) == [one, other]
        assert (await ports.rotations.newest()).resealed == 0

    run(ports, script)


def test_a_batch_tells_whether_others_write(database: Path) -> None:
    """Changes that came through another connection since the batch before; its own are none."""

    async def script() -> list[bool]:
        ours, theirs = WriterThread(database), WriterThread(database)
        fence, writer, reseal = SqliteDomainKeyFence(ours), SqliteKeyWriter(theirs), SqliteResealWriter(ours)
        reading = SqliteRestingReader(connect_to_read(database))
        await fence.admit(OLD, 1)
        await fence.admit(NEW, 2)
        told = []
        for number in range(4):
            if number < 2:
                await writer.apply(Change((new_key(KeyId(f"{number:08x}-1111-8111-8111-111111111111")),)))
            batch = [moved(one) for one in await reading.page_under(OLD, FIRST, 9)]
            told.append((await reseal.reseal(1, batch, 7)).others_write)
        for one in (ours, theirs):
            one.close()
        return told

    assert asyncio.run(script()) == [True, True, False, False]


def test_nothing_is_sealed_anew_under_a_domain_key_that_is_fenced(ports: Any) -> None:
    """The newest was fenced meanwhile: another rotation goes on from here."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        batch = [moved(one) for one in await ports.resting.page_under(OLD, FIRST, 9)]
        await ports.fence.fence(NEW)
        with pytest.raises(FencedError):
            await ports.reseal.reseal(1, batch, 7)
        assert len(await ports.resting.page_under(OLD, FIRST, 9)) == 1

    run(ports, script)


@pytest.mark.requirement("P21-09", "P21-10", "CL-36")
def test_a_key_left_behind_is_listed_no_more_until_it_is_changed(ports: Any) -> None:
    """Its tokens stay; that counts as long as the head is the one that was marked to be shredded."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(), new_key(OTHER))))
        one, other = await ports.resting.page_under(OLD, FIRST, 9)
        assert (await ports.reseal.reseal(1, [moved(one, left_behind=True)], 7)).replaced == 1
        assert await ports.resting.page_under(OLD, FIRST, 9) == [other]
        assert await ports.resting.resting_under(OLD) == Resting(1, 1)
        record = await ports.reader.record(KEY)
        assert record.tokens == {1: b"token 1"}
        await ports.writer.apply(Change((next_head(b"head 3", record.head, head_domain_key=NEW),)))
        (again, _) = await ports.resting.page_under(OLD, FIRST, 9)
        assert again == ListedKey(KEY, RestingKey(b"head 3", {1: b"token 1"}))
        assert await ports.resting.resting_under(OLD) == Resting(2, 0)
        await ports.reseal.reseal(1, [MovedKey(again, None, left_behind=True)], 8)
        assert await ports.resting.resting_under(OLD) == Resting(1, 1)

    run(ports, script)


def test_one_rotation_is_open_at_a_time(ports: Any) -> None:
    """Whoever is slower learns it from the repository."""

    async def script(ports: Any) -> None:
        with pytest.raises(ConflictError):
            await ports.rotations.begin(ROTATION)
        with pytest.raises(ConflictError):
            await ports.rotations.begin(replace(ROTATION, number=2))
        await ports.rotations.keep(replace(ROTATION, stage=Stage.ABORTED))
        with pytest.raises(ConflictError):
            await ports.rotations.begin(ROTATION)
        await ports.rotations.begin(replace(ROTATION, number=2, old=(OLD, NEW)))
        assert await ports.rotations.newest() == replace(ROTATION, number=2, old=(OLD, NEW))

    run(ports, script)


def test_a_rotation_is_kept_as_it_is(ports: Any) -> None:
    """Each field comes back, and a change of what is not the newest revision is refused."""

    async def script(ports: Any) -> None:
        changed = replace(
            ROTATION, stage=Stage.RETIRED, paused=True, limit=8, orders=3, waived=True, retired=9, resealed=0
        )
        kept = await ports.rotations.keep(changed)
        assert kept == replace(changed, revision=1) == await ports.rotations.newest()
        with pytest.raises(ConflictError):
            await ports.rotations.keep(changed)

    run(ports, script)


def test_how_much_was_sealed_anew_does_not_compete_with_orders(ports: Any) -> None:
    """A batch that is written meanwhile neither undoes an order nor is undone by it."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        batch = [moved(one) for one in await ports.resting.page_under(OLD, FIRST, 9)]
        before = await ports.rotations.newest()
        await ports.reseal.reseal(1, batch, 7)
        await ports.rotations.keep(replace(before, paused=True))
        rotation = await ports.rotations.newest()
        assert (rotation.paused, rotation.resealed) == (True, 1)

    run(ports, script)


def test_operations_of_all_modules_and_starts_are_added_up(ports: Any) -> None:
    """What is reported twice counts once; what is less than was reported is a lie or late."""

    async def script(ports: Any) -> None:
        count = ports.rotations.count
        await count(MODULE, b"a" * 16, [KeyUsage(OLD, 5, 0), KeyUsage(NEW, 1, 0)])
        await count(MODULE, b"a" * 16, [KeyUsage(OLD, 7, 2)])
        await count(MODULE, b"a" * 16, [KeyUsage(OLD, 6, 2)])
        await count(MODULE, b"b" * 16, [KeyUsage(OLD, 10, 0)])
        await count(ModuleId(b"m" * 16), b"a" * 16, [KeyUsage(OLD, 100, 1)])
        assert await ports.rotations.usage() == {OLD: Usage(117, 3), NEW: Usage(1, 0)}

    run(ports, script)


def test_when_a_domain_key_was_added_is_known(ports: Any) -> None:
    """It is when records were first taken under it."""

    async def script(ports: Any) -> None:
        await ports.fence.admit(NEW, 99)
        assert await ports.rotations.added(NEW) == 2
        assert await ports.rotations.added(DomainKeyId(bytes(16))) == 0
        assert await ports.rotations.newest_backup() == 0

    run(ports, script)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (IDS_BY_HEAD, 3),
        (IDS_BY_TOKEN, 3),
        (PAGE, 7),
        (COUNT_HEADS, 1),
        (replace_heads(2), 14),
        (replaced_heads(2), 4),
        (replace_tokens(2), 10),
    ],
)
def test_every_statement_of_a_rotation_is_served_by_an_index(database: Path, statement: str, values: int) -> None:
    """No page reads the whole table, however many keys there are."""
    plan = connect_to_read(database).execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * values).fetchall()
    details = [row[3] for row in plan]
    tables = ("keys", "key_tokens", "keys_left_behind")
    assert not [detail for detail in details if detail.startswith(tuple(f"SCAN {table}" for table in tables))], details
