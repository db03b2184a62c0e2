"""What every implementation of the ports of the key repository promises."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, TypeAlias

import pytest

from keystead.core.keys.attachments import KeyGrant, write_grants
from keystead.core.records import ALIASES, GRANTS, POLICY, AliasChange, Change, KeyChange, KeyRecord, TokenChange
from keystead.errors import ConflictError, DuplicateError, FencedError
from keystead.identifiers import AccountId, AliasName, DomainKeyId, KeyId, Region

ACCOUNT = AccountId("111122223333")
REGION = Region("eu-central-1")
OLD, NEW, UNKNOWN = (DomainKeyId(bytes([number]) * 16) for number in (1, 2, 3))
KEY = KeyId("11111111-1111-8111-8111-111111111111")
OTHER = KeyId("22222222-2222-8222-8222-222222222222")
NAME = AliasName("alias/payroll")

Script: TypeAlias = Callable[[Any], Awaitable[None]]


def run(ports: Any, script: Script) -> None:
    """Run the script with both domain keys admitted."""

    async def _run() -> None:
        await ports.fence.admit(OLD, 1)
        await ports.fence.admit(NEW, 2)
        await script(ports)

    asyncio.run(_run())


def new_key(key_id: KeyId = KEY, domain_key: DomainKeyId = OLD, **changes: Any) -> KeyChange:
    """A key that does not exist yet."""
    fields = {
        "key_id": key_id,
        "account": ACCOUNT,
        "region": REGION,
        "replaces": b"",
        "head": b"head 1 of " + key_id.encode(),
        "head_domain_key": domain_key,
        "tokens": (TokenChange(1, domain_key, b"token 1"),),
        "attachments": {POLICY: b"{}", ALIASES: b"[]"},
    }
    return KeyChange(**(fields | changes))


def next_head(head: bytes, replaces: bytes, **changes: Any) -> KeyChange:
    """A new head in place of the one before."""
    return new_key(head=head, replaces=sha256(replaces).digest(), **({"tokens": (), "attachments": {}} | changes))


def pointing(name: AliasName, target: KeyId | None, replaces: KeyId | None) -> AliasChange:
    """A change of one name."""
    return AliasChange(ACCOUNT, REGION, name, target, replaces)


def test_a_new_key_is_read_as_it_was_written(ports: Any) -> None:
    """Head, tokens and attachments come back in one record; an unknown id is None."""

    async def script(ports: Any) -> None:
        change = new_key()
        await ports.writer.apply(Change((change,)))
        expected = KeyRecord(change.head, {1: b"token 1"}, {POLICY: b"{}", ALIASES: b"[]"})
        assert await ports.reader.record(KEY) == expected
        assert await ports.reader.record(OTHER) is None
        assert await ports.reader.count() == 1

    run(ports, script)


def test_an_empty_attachment_is_kept(ports: Any) -> None:
    """Empty content is content."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(attachments={POLICY: b""}),)))
        record = await ports.reader.record(KEY)
        assert record.attachments == {POLICY: b""}

    run(ports, script)


def test_a_change_replaces_what_it_names_and_keeps_the_rest(ports: Any) -> None:
    """Tokens are added and replaced by version, attachments by kind."""

    async def script(ports: Any) -> None:
        first = new_key()
        await ports.writer.apply(Change((first,)))
        tokens = (TokenChange(1, NEW, b"token 1 again"), TokenChange(2, NEW, b"token 2"))
        await ports.writer.apply(
            Change(
                (next_head(b"head 2", first.head, head_domain_key=NEW, tokens=tokens, attachments={POLICY: b"{2}"}),)
            )
        )
        expected = KeyRecord(b"head 2", {1: b"token 1 again", 2: b"token 2"}, {POLICY: b"{2}", ALIASES: b"[]"})
        assert await ports.reader.record(KEY) == expected

    run(ports, script)


CONFLICTS: dict[str, Change] = {
    "a head that was replaced meanwhile": Change((next_head(b"head 2", b"head 0"),)),
    "a key of another account": Change(
        (next_head(b"head 2", new_key().head, account=AccountId("999999999999")),),
    ),
    "a key of another region": Change((next_head(b"head 2", new_key().head, region=Region("eu-west-1")),)),
    "a key that is not there": Change((next_head(b"head 2", new_key().head, key_id=OTHER),)),
    "an alias that points elsewhere": Change((), (pointing(NAME, KEY, OTHER),)),
    "an alias that is not there, moved": Change((), (pointing(AliasName("alias/none"), KEY, KEY),)),
    "an alias that is not there, removed": Change((), (pointing(AliasName("alias/none"), None, KEY),)),
    "an alias that points elsewhere, removed": Change((), (pointing(NAME, None, OTHER),)),
    "a name that is neither given nor taken": Change((), (pointing(AliasName("alias/none"), None, None),)),
    "an alias for a key that is not there": Change((), (pointing(AliasName("alias/new"), OTHER, None),)),
}


@pytest.mark.parametrize("change", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_a_change_of_what_is_not_as_it_was_read_is_refused(ports: Any, change: Change) -> None:
    """Compare and swap, for heads and for names."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),), (pointing(NAME, KEY, None),)))
        before = await ports.reader.record(KEY)
        with pytest.raises(ConflictError):
            await ports.writer.apply(change)
        assert await ports.reader.record(KEY) == before
        assert await ports.reader.alias(ACCOUNT, REGION, NAME) == KEY

    run(ports, script)


def test_a_key_id_and_a_name_are_taken_once(ports: Any) -> None:
    """The second CreateKey with the same id, and the second CreateAlias with the same name, change nothing."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),), (pointing(NAME, KEY, None),)))
        with pytest.raises(DuplicateError):
            await ports.writer.apply(Change((new_key(head=b"another"),)))
        with pytest.raises(DuplicateError):
            await ports.writer.apply(Change((new_key(OTHER),), (pointing(NAME, OTHER, None),)))
        assert (await ports.reader.record(KEY)).head == new_key().head
        assert await ports.reader.record(OTHER) is None
        assert await ports.reader.alias(ACCOUNT, REGION, NAME) == KEY

    run(ports, script)


def test_a_name_moves_and_goes(ports: Any) -> None:
    """An alias is given, moved and removed; in another region the same name is another."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(), new_key(OTHER)), (pointing(NAME, KEY, None),)))
        await ports.writer.apply(Change((), (pointing(NAME, OTHER, KEY),)))
        assert await ports.reader.alias(ACCOUNT, REGION, NAME) == OTHER
        assert await ports.reader.alias(ACCOUNT, Region("eu-west-1"), NAME) is None
        await ports.writer.apply(Change((), (pointing(NAME, None, OTHER),)))
        assert await ports.reader.alias(ACCOUNT, REGION, NAME) is None

    run(ports, script)


FENCED: dict[str, KeyChange] = {
    "a head under a fenced domain key": next_head(b"head 2", new_key().head, head_domain_key=OLD),
    "a token under a fenced domain key": next_head(
        b"head 2", new_key().head, head_domain_key=NEW, tokens=(TokenChange(2, OLD, b"token 2"),)
    ),
    "a head under an unknown domain key": next_head(b"head 2", new_key().head, head_domain_key=UNKNOWN),
    "a token under an unknown domain key": next_head(
        b"head 2", new_key().head, head_domain_key=NEW, tokens=(TokenChange(2, UNKNOWN, b"token 2"),)
    ),
    "a new key under a fenced domain key": new_key(OTHER),
}


@pytest.mark.parametrize("change", FENCED.values(), ids=FENCED.keys())
def test_nothing_is_written_behind_the_fence(ports: Any, change: KeyChange) -> None:
    """Once a domain key is fenced no record under it is taken, and admitting it again does not open it."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        before = await ports.reader.record(KEY)
        await ports.fence.fence(OLD)
        await ports.fence.fence(UNKNOWN)
        await ports.fence.admit(OLD, 3)
        with pytest.raises(FencedError):
            await ports.writer.apply(Change((change,)))
        assert await ports.reader.record(KEY) == before
        assert await ports.reader.count() == 1

    run(ports, script)


def test_a_record_that_rests_behind_the_fence_can_be_moved_in_front_of_it(ports: Any) -> None:
    """Re-sealing replaces head and tokens by ones under a writable domain key."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        await ports.fence.fence(OLD)
        resealed = next_head(b"head 2", new_key().head, head_domain_key=NEW, tokens=(TokenChange(1, NEW, b"resealed"),))
        await ports.writer.apply(Change((resealed,)))
        assert (await ports.reader.record(KEY)).tokens == {1: b"resealed"}

    run(ports, script)


def test_a_change_is_applied_wholly_or_not_at_all(ports: Any) -> None:
    """The last part fails, so the first parts are not there."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(),)))
        with pytest.raises(ConflictError):
            await ports.writer.apply(
                Change((new_key(OTHER), next_head(b"head 2", new_key().head)), (pointing(NAME, KEY, OTHER),))
            )
        assert await ports.reader.record(OTHER) is None
        assert (await ports.reader.record(KEY)).head == new_key().head

    run(ports, script)


def test_changes_that_wait_together_do_not_share_their_failures(ports: Any) -> None:
    """Of three changes at once, the one that conflicts fails and the others are durable."""

    async def script(ports: Any) -> None:
        changes = [Change((new_key(),)), Change((new_key(head=b"second"),)), Change((new_key(OTHER),))]
        results = await asyncio.gather(*(ports.writer.apply(each) for each in changes), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), DuplicateError, type(None)]
        assert await ports.reader.count() == 2
        assert (await ports.reader.record(KEY)).head == new_key().head

    run(ports, script)


def test_pages_of_keys_follow_the_order_of_ids(ports: Any) -> None:
    """A page has heads alone, ends at its limit, and leaves other accounts and regions out."""

    async def script(ports: Any) -> None:
        ids = [KeyId(f"{number}0000000-0000-8000-8000-000000000000") for number in (3, 1, 2)]
        await ports.writer.apply(Change(tuple(new_key(each) for each in ids)))
        await ports.writer.apply(Change((new_key(KEY, account=AccountId("999999999999")),)))
        await ports.writer.apply(Change((new_key(OTHER, region=Region("eu-west-1"), attachments={}),)))
        first = await ports.reader.page_of_keys(ACCOUNT, REGION, KeyId(""), 2)
        assert first == [KeyRecord(new_key(each).head, {}, {}) for each in (ids[1], ids[2])]
        rest = await ports.reader.page_of_keys(ACCOUNT, REGION, ids[2], 2)
        assert [record.head for record in rest] == [new_key(ids[0]).head]
        elsewhere = await ports.reader.page_of_keys(ACCOUNT, Region("eu-west-1"), KeyId(""), 2)
        assert elsewhere == [KeyRecord(new_key(OTHER).head, {}, {})]

    run(ports, script)


def test_pages_of_heads_have_every_owner(ports: Any) -> None:
    """In order of id, whoever owns the keys."""

    async def script(ports: Any) -> None:
        await ports.writer.apply(Change((new_key(OTHER, account=AccountId("999999999999")), new_key())))
        heads = sorted((each, new_key(each).head) for each in (KEY, OTHER))
        assert await ports.reader.page_of_heads(KeyId(""), 2) == heads
        assert await ports.reader.page_of_heads(KeyId(""), 1) == heads[:1]
        assert await ports.reader.page_of_heads(heads[0][0], 2) == heads[1:]

    run(ports, script)


def test_pages_of_aliases_follow_the_order_of_names(ports: Any) -> None:
    """Each name comes with its key's head and aliases; order is that of bytes, so capitals come first."""

    async def script(ports: Any) -> None:
        names = [AliasName("alias/b"), AliasName("alias/B"), AliasName("alias/a")]
        await ports.writer.apply(Change((new_key(),), tuple(pointing(each, KEY, None) for each in names)))
        page = await ports.reader.page_of_aliases(ACCOUNT, REGION, AliasName(""), 2)
        listed = KeyRecord(new_key().head, {}, {ALIASES: b"[]"})
        assert page == [("alias/B", listed), ("alias/a", listed)]
        assert await ports.reader.page_of_aliases(ACCOUNT, REGION, AliasName("alias/a"), 2) == [("alias/b", listed)]
        assert await ports.reader.page_of_aliases(ACCOUNT, Region("eu-west-1"), AliasName(""), 2) == []

    run(ports, script)


BOB, CAROL = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("bob", "carol"))


def granting(*retiring: str) -> dict[str, bytes]:
    """Return an attachment with a grant for each of these retiring principals."""
    grants = [
        KeyGrant(f"{number:064}", 1, ACCOUNT, BOB, principal, ("Encrypt",), None, "")
        for number, principal in enumerate(retiring)
    ]
    return {GRANTS: write_grants(tuple(grants))}


def test_keys_are_found_by_who_may_retire_their_grants(ports: Any) -> None:
    """In one region, of any account, from an id on, in order; with head and grants alone."""

    async def script(ports: Any) -> None:
        ids = sorted(KeyId(f"{number}0000000-0000-8000-8000-000000000000") for number in range(1, 5))
        accounts = (ACCOUNT, AccountId("999999999999"), ACCOUNT, ACCOUNT)
        retiring = ((BOB,), (CAROL, BOB), (CAROL, ""), ("",))
        keys = [
            new_key(each, account=account, attachments={POLICY: b"{}"} | granting(*who))
            for each, account, who in zip(ids, accounts, retiring, strict=True)
        ]
        await ports.writer.apply(Change(tuple(keys)))
        await ports.writer.apply(Change((new_key(KEY, region=Region("eu-west-1"), attachments=granting(BOB)),)))
        listed = [KeyRecord(key.head, {}, {GRANTS: key.attachments[GRANTS]}) for key in keys]
        page = ports.reader.page_of_retirable
        assert await page(REGION, BOB, KeyId(""), 5) == listed[:2]
        assert await page(REGION, CAROL, KeyId(""), 5) == listed[1:3]
        assert await page(REGION, CAROL, KeyId(""), 1) == listed[1:2]
        assert await page(REGION, CAROL, ids[2], 5) == listed[2:3]
        assert await page(REGION, "", KeyId(""), 5) == []
        assert len(await page(Region("eu-west-1"), BOB, KeyId(""), 5)) == 1

    run(ports, script)


def test_who_may_retire_follows_the_grants_of_a_key(ports: Any) -> None:
    """An account has one name; another change leaves what was; grants that end, or are all gone, are found no more."""

    async def script(ports: Any) -> None:
        async def found(principal: str) -> int:
            return len(await ports.reader.page_of_retirable(REGION, principal, KeyId(""), 5))

        first = new_key(attachments=granting(BOB, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT))
        await ports.writer.apply(Change((first,)))
        assert [await found(each) for each in (BOB, ACCOUNT, CAROL)] == [1, 1, 0]
        await ports.writer.apply(Change((next_head(b"2", first.head),)))
        assert [await found(each) for each in (BOB, ACCOUNT, CAROL)] == [1, 1, 0]
        await ports.writer.apply(Change((next_head(b"3", b"2", attachments=granting(CAROL)),)))
        assert [await found(each) for each in (BOB, ACCOUNT, CAROL)] == [0, 0, 1]
        with pytest.raises(ConflictError):
            await ports.writer.apply(Change((next_head(b"4", b"2", attachments=granting(BOB)),)))
        assert [await found(each) for each in (BOB, ACCOUNT, CAROL)] == [0, 0, 1]
        await ports.writer.apply(Change((next_head(b"4", b"3", attachments={GRANTS: b""}),)))
        assert [await found(each) for each in (BOB, ACCOUNT, CAROL)] == [0, 0, 0]

    run(ports, script)
