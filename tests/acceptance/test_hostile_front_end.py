"""A captured front end with a rightful session and rightful proofs obtains nothing that no customer asked for."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import json
from msgspec.structs import replace

from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.protocols.proof import LIFETIME, Claims, Prover, proof_key
from keystead.core.records import KeyRecord
from keystead.errors import PeerUnavailable
from keystead.identifiers import KeyId
from keystead.primitives.digest import sha256
from tests.acceptance.hostile import Captured, captured, until_connected
from tests.simulation.installation import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_FRONT_END,
    OTHER_REGION,
    REGION,
)

Attack = Callable[[Captured], Awaitable[None]]
SECRET = b"a secret of the customer"
REFUSED = "KMSInternalException"
"""What a caller is told when a module refuses what his front end sent: nothing."""


def attack(story: Attack) -> Callable[[], None]:
    """Make a test of an attack."""

    def test() -> None:
        captured(story)

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


def nothing(outcome: Outcome) -> None:
    """Assert that an outcome is empty but for its error."""
    assert outcome.code == REFUSED
    assert outcome.message is None
    assert outcome.change is None
    assert bytes(outcome.body) == b""


async def refused(front_end: Captured, item: Item, voucher: bytes, kind: str) -> None:
    """Assert that an item is refused for one reason."""
    nothing(await front_end.send(item, voucher))
    assert front_end.refusals()[-1] == kind


async def sealed(front_end: Captured, key: KeyId) -> bytes:
    """Return a ciphertext that a customer has."""
    blob: bytes = (await front_end.served("Encrypt", KeyId=key, Plaintext=SECRET))["CiphertextBlob"]
    return blob


@attack
async def test_an_honest_item_is_served(front_end: Captured) -> None:
    """What the attacks begin with works: otherwise their failure would say nothing."""
    key = await front_end.key()
    opened = await front_end.served("Decrypt", CiphertextBlob=await sealed(front_end, key))
    assert opened["Plaintext"] == SECRET
    assert front_end.refusals() == []


@attack
async def test_another_body(front_end: Captured) -> None:
    """A proof is of no use for another body of the same operation."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=b"what was signed")
    other, _ = await front_end.item("Encrypt", KeyId=key, Plaintext=b"something else")
    await refused(front_end, replace(item, body=other.body), voucher, "WrongBody")


@attack
async def test_another_action(front_end: Captured) -> None:
    """A proof for one action performs that action, whatever operation the same body would also fit."""
    key = await front_end.key()
    item, voucher = await front_end.item("DescribeKey", KeyId=key)
    meant, _ = await front_end.item("DisableKey", KeyId=key)
    assert meant.body == item.body
    outcome = await front_end.send(replace(meant, proof=item.proof), voucher)
    assert outcome.change is None
    assert json.decode(outcome.body)["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.requirement("ENV-12")
@attack
async def test_an_action_that_needs_another_body(front_end: Captured) -> None:
    """A customer who encrypts gives no right to decrypt."""
    key = await front_end.key()
    encrypting, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=b"x")
    decrypting, _ = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    await refused(front_end, replace(decrypting, proof=encrypting.proof), voucher, "WrongBody")


@attack
async def test_another_key(front_end: Captured) -> None:
    """The record of another key than the one that was named is not used."""
    asked, other = await front_end.key(), await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=asked, Plaintext=SECRET)
    await refused(front_end, replace(item, keys=(await front_end.record(other),)), voucher, "RecordError")


@attack
async def test_no_key_or_too_many(front_end: Captured) -> None:
    """An item without the record that it needs, or with more, is refused."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    await refused(front_end, replace(item, keys=()), voucher, "RecordError")
    await refused(front_end, replace(item, keys=(*item.keys, *item.keys)), voucher, "RecordError")


@pytest.mark.requirement("ENV-06")
@attack
async def test_another_account(front_end: Captured) -> None:
    """A customer of one account cannot have a key of another used for him, though the front end brings its record."""
    theirs = await front_end.key(OTHER_ACCOUNT)
    blob = (await front_end.served("Encrypt", OTHER_ACCOUNT, KeyId=theirs, Plaintext=SECRET))["CiphertextBlob"]
    item, voucher = await front_end.item("Decrypt", ACCOUNT, CiphertextBlob=blob)
    outcome = await front_end.send(item, voucher)
    assert outcome.code == "AccessDeniedException"
    assert bytes(outcome.body) == b""


@attack
async def test_another_region(front_end: Captured) -> None:
    """A request that was signed for one region does not use a key of another."""
    here, there = await front_end.key(), await front_end.key(region=OTHER_REGION)
    item, voucher = await front_end.item("Encrypt", KeyId=here, Plaintext=SECRET)
    await refused(front_end, replace(item, keys=(await front_end.record(there),)), voucher, "RecordError")


@attack
async def test_another_audience(front_end: Captured) -> None:
    """A proof that was given to one front end is of no use to another, who replays what it saw."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    thief = Captured(front_end.at, OTHER_FRONT_END)
    await until_connected()
    await refused(thief, item, voucher, "WrongAudience")
    assert json.decode((await front_end.send(item, voucher)).body)["KeyId"].endswith(key)


@attack
async def test_a_change_happens_once(front_end: Captured) -> None:
    """What changes a key is refused when it comes again after it was written, and collides if it was made twice."""
    key = await front_end.key()
    item, voucher = await front_end.item("DisableKey", KeyId=key)
    first = await front_end.send(item, voucher)
    assert first.change is not None
    await front_end.at.keys.apply(first.change)
    await front_end.served("EnableKey", KeyId=key)
    again = replace(item, keys=(await front_end.record(key),))
    await refused(front_end, again, voucher, "ProofReplayed")
    created, voucher = await front_end.item("CreateKey")
    once, twice = await front_end.send(created, voucher), await front_end.send(created, voucher)
    assert once.change is not None
    assert twice.change is not None
    assert once.change.keys[0].key_id == twice.change.keys[0].key_id


@attack
async def test_a_proof_that_is_too_old(front_end: Captured) -> None:
    """A proof that was kept is of no use after half a minute."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    for name in ("module-1", "module-2"):
        front_end.at.clocks[name].error += LIFETIME
    await refused(front_end, item, voucher, "ProofExpired")


@pytest.mark.requirement("ENV-14")
@attack
async def test_every_byte_of_a_proof_counts(front_end: Captured) -> None:
    """A proof that was altered anywhere, cut or lengthened is forged."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    proof = item.proof
    altered = [proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :] for place in range(len(proof))]
    for forged in [*altered, proof[:-1], proof + b"\0", b""]:
        await refused(front_end, replace(item, proof=forged), voucher, "ProofForged")


def claims_of(front_end: Captured, body: bytes, **stated: str) -> Claims:
    """Return claims that a front end would like to be true."""
    now = front_end.at.clocks["module-1"].now()
    return Claims(
        id=bytes(16),
        principal=stated.get("principal", f"arn:aws:iam::{ACCOUNT}:root"),
        account=stated.get("account", ACCOUNT),
        region=REGION,
        action=stated.get("action", "Decrypt"),
        body=sha256(body),
        audience=front_end.operator,
        issued=now,
        expires=now + LIFETIME,
        context={},
    )


@attack
async def test_its_own_session_proves_nothing(front_end: Captured) -> None:
    """A front end whose own session is a key for proofs is no voucher: it may serve, and only that."""
    key = await front_end.key()
    item, _ = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    session = front_end.fleet.session
    derived = bytearray(32)
    proof_key(session.key.view, derived)
    forged = Prover(derived).prove(claims_of(front_end, item.body))
    await refused(front_end, replace(item, proof=forged), session.operator_key_token, "UnknownVoucher")


@attack
async def test_a_proof_under_a_guessed_key(front_end: Captured) -> None:
    """With the voucher's token but not its key nobody makes a proof."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    forged = Prover(bytes(32)).prove(claims_of(front_end, item.body))
    await refused(front_end, replace(item, proof=forged), voucher, "ProofForged")


@attack
async def test_a_voucher_that_is_none(front_end: Captured) -> None:
    """An operator key token that was altered, or is none, vouches for nothing."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    for forged in (voucher[:-1] + bytes([voucher[-1] ^ 1]), voucher[:-1], voucher + b"\0", b"", bytes(len(voucher))):
        await refused(front_end, item, forged, "UnknownVoucher")


@attack
async def test_another_items_proof(front_end: Captured) -> None:
    """Of two customers whose requests travel together neither's proof serves the other's request."""
    mine, theirs = await front_end.key(), await front_end.key(OTHER_ACCOUNT)
    one, voucher = await front_end.item("Encrypt", KeyId=mine, Plaintext=b"mine")
    other, _ = await front_end.item("Encrypt", OTHER_ACCOUNT, KeyId=theirs, Plaintext=b"theirs")
    await refused(front_end, replace(one, proof=other.proof), voucher, "WrongBody")
    await refused(front_end, replace(other, proof=one.proof), voucher, "WrongBody")


@attack
async def test_tokens_of_another_key(front_end: Captured) -> None:
    """A head does not go with the material of another key."""
    one, other = await front_end.key(), await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=one, Plaintext=SECRET)
    stolen = replace(await front_end.record(one), tokens=(await front_end.record(other)).tokens)
    await refused(front_end, replace(item, keys=(stolen,)), voucher, "RecordError")


@attack
async def test_versions_that_are_mixed(front_end: Captured) -> None:
    """The material of one version does not pass for another's, nor does a head with a token that it does not name."""
    key = await front_end.key()
    before = await front_end.record(key)
    await front_end.served("RotateKeyOnDemand", KeyId=key)
    after = await front_end.record(key)
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    swapped = {1: after.tokens[2], 2: after.tokens[1]}
    for mixed in (
        replace(after, tokens=swapped),
        replace(after, tokens={2: after.tokens[1]}),
        replace(before, tokens={1: after.tokens[2]}),
        replace(after, tokens={3: after.tokens[2]}),
        replace(after, tokens={}),
    ):
        await refused(front_end, replace(item, keys=(mixed,)), voucher, "RecordError")


@attack
async def test_another_keys_attachments(front_end: Captured) -> None:
    """A policy, tags or alias names that are not the key's own are not believed."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    record = item.keys[0]
    forged = [
        replace(record, attachments=record.attachments | {"policy": b"{}"}),
        replace(record, attachments={}),
        replace(record, attachments=record.attachments | {"tags": b"[]"}),
        replace(record, attachments=record.attachments | {"unknown": b"x"}),
    ]
    for altered in forged:
        await refused(front_end, replace(item, keys=(altered,)), voucher, "RecordError")


@attack
async def test_every_byte_of_a_record_counts(front_end: Captured) -> None:
    """A head or a key token that was altered anywhere does not open."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    record = item.keys[0]
    ((version, token),) = record.tokens.items()
    altered = [replace(record, head=changed) for changed in changes(record.head)]
    altered += [replace(record, tokens={version: changed}) for changed in changes(token)]
    for forged in altered:
        await refused(front_end, replace(item, keys=(forged,)), voucher, "RecordError")


def changes(content: bytes) -> list[bytes]:
    """Return the content altered at some places of every part of it, cut and lengthened."""
    places = [*range(40), *range(40, len(content), 7), len(content) - 1]
    return [
        *(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in places),
        content[:-1],
        content + b"\0",
        b"",
    ]


@attack
async def test_a_head_that_is_a_token(front_end: Captured) -> None:
    """What was sealed for one purpose does not open for another."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    record = item.keys[0]
    ((version, token),) = record.tokens.items()
    for forged in (KeyRecord(token, record.tokens, record.attachments), replace(record, tokens={version: record.head})):
        await refused(front_end, replace(item, keys=(forged,)), voucher, "RecordError")


@pytest.mark.requirement("ENV-06")
@attack
async def test_a_ciphertext_of_another_key(front_end: Captured) -> None:
    """A ciphertext is not opened with the key of another account that the front end would like to have used."""
    mine, theirs = await front_end.key(), await front_end.key(OTHER_ACCOUNT)
    blob = (await front_end.served("Encrypt", OTHER_ACCOUNT, KeyId=theirs, Plaintext=SECRET))["CiphertextBlob"]
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, mine))
    await refused(front_end, replace(item, keys=(await front_end.record(theirs),)), voucher, "RecordError")
    renamed = blob[:2] + bytes.fromhex(mine.replace("-", "")) + blob[18:]
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=renamed)
    assert (await front_end.send(item, voucher)).code == "InvalidCiphertextException"


@attack
async def test_a_bad_item_harms_no_other(front_end: Captured) -> None:
    """In one frame with items that are refused, the honest ones are served."""
    key = await front_end.key()
    item, voucher = await front_end.item("Encrypt", KeyId=key, Plaintext=SECRET)
    bad = replace(item, proof=b"")
    sent = [front_end.fleet.submit(one, voucher) for one in (bad, item, bad, item)]
    assert [(await outcome).code for outcome in sent] == [REFUSED, "", REFUSED, ""]


@attack
async def test_who_may_not_serve_is_not_served(front_end: Captured) -> None:
    """An operator with another permission, the coordinator say, has no work done with a stolen item."""
    key = await front_end.key()
    item, voucher = await front_end.item("Decrypt", CiphertextBlob=await sealed(front_end, key))
    coordinator = Captured(front_end.at, "coordinator")
    await until_connected()
    with pytest.raises(PeerUnavailable):
        await coordinator.send(item, voucher)
