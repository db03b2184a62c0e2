"""Receipts of shredding at real modules: what members sign, for whom, and that no byte of it can be altered."""

import msgspec
import pytest

from keystead.core.keys import receipt as receipts
from keystead.core.protocols.module_session.messages import ReceiptSigned
from keystead.errors import (
    NotPermitted,
    NotShredded,
    ReceiptRefused,
    RecordError,
    Refusal,
    SignatureError,
    UnknownOperator,
)
from keystead.primitives.digest import sha256
from keystead.primitives.openssh import OperatorKey
from tests.simulators.modules import FrontEnd
from tests.simulators.shredded import ShreddedKey
from tests.simulators.world import SeededRandomness


@pytest.fixture(scope="module")
def story() -> ShreddedKey:
    """The whole story, to the drop."""
    return ShreddedKey().rotate()


@pytest.mark.requirement("P21-19", "P21-20")
def test_a_receipt_says_what_became_of_the_key_and_of_every_holder(story: ShreddedKey) -> None:
    """Signed by every member, complete, and borne out by the domain's documents."""
    body = receipts.verified(story.receipt(), story.states())
    assert body.key_id == story.key
    assert [(one.version, [key.id for key in one.domain_keys]) for one in body.materials] == [(1, [story.old])]
    assert body.outstanding == ()
    assert [(one.slot.name, one.fate.name) for one in body.holders] == [("FILE", "RENEWED")] * 2


def test_no_byte_of_a_receipt_may_change(story: ShreddedKey) -> None:
    """Nor may a signature be missing, or the domain be another."""
    encoded, states = story.receipt(), story.states()
    for position in range(0, len(encoded), 101):
        altered = encoded[:position] + bytes((encoded[position] ^ 1,)) + encoded[position + 1 :]
        with pytest.raises(Refusal):
            receipts.verified(altered, states)
    receipt = receipts.CODEC.decode(encoded)
    with pytest.raises(SignatureError, match="every active member"):
        receipts.verified(receipts.joined(receipt.body, receipt.signatures[:1]), states)
    with pytest.raises(ReceiptRefused, match="do not lead to"):
        receipts.verified(encoded, {})


@pytest.mark.parametrize("field", ["holders", "materials", "version"])
def test_what_the_history_does_not_bear_out_is_refused(story: ShreddedKey, field: str) -> None:
    """Whoever signed it: here every member would have."""
    receipt = receipts.CODEC.decode(story.receipt())
    body = receipts.BODY_CODEC.decode(receipt.body)
    other = {"holders": body.holders[:1], "materials": (), "version": body.version + 1}[field]
    lie = receipts.BODY_CODEC.encode(msgspec.structs.replace(body, **{field: other}))
    members = [host.module.identity for host in story.domain.hosts]
    signed = receipts.joined(lie, [receipts.sign(lie, member.id, member.signing) for member in members])
    with pytest.raises(ReceiptRefused):
        receipts.verified(signed, story.states())


def test_nothing_is_signed_before_the_domain_key_is_dropped() -> None:
    """A mark alone is no shredding."""
    assert isinstance(ShreddedKey().ask(), NotShredded)


def test_nothing_is_signed_of_a_key_that_lives(story: ShreddedKey) -> None:
    """Whatever is dropped."""
    living = FrontEnd(story.domain)
    key = living.create()
    record = living.records[key]
    asking = story.domain.keys["carrier"]
    signature = asking.sign(receipts.NAMESPACE, sha256(record.head))
    answer = story.ask(by=asking, head=record.head, tokens=record.tokens, signature=signature)
    assert isinstance(answer, NotShredded)


def test_only_operators_who_govern_or_carry_are_answered(story: ShreddedKey) -> None:
    """A receipt tells whose key it was; strangers and front ends do not learn that here."""
    assert isinstance(story.ask(by=story.domain.keys["carrier"]), ReceiptSigned)
    assert isinstance(story.ask(by=story.domain.keys["front-end"]), NotPermitted)
    stranger = OperatorKey.generate(SeededRandomness(5, "stranger"), "stranger")
    assert isinstance(story.ask(by=stranger), UnknownOperator)
    assert isinstance(story.ask(signature=stranger.sign(receipts.NAMESPACE, b"")), SignatureError)


def test_a_record_that_is_not_whole_is_not_signed(story: ShreddedKey) -> None:
    """No material may be left unsaid, and no head believed that does not open."""
    assert isinstance(story.ask(tokens={}), RecordError)
    head = story.record.head
    asking = story.domain.keys["officer"]
    altered = head[:-1] + bytes((head[-1] ^ 1,))
    signature = asking.sign(receipts.NAMESPACE, sha256(altered))
    assert isinstance(story.ask(head=altered, signature=signature), RecordError)
