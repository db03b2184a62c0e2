"""Control messages and work: each comes back as it was sent, and no other bytes are taken."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.domain.release import Death
from keystead.core.domain.state import SlotKind
from keystead.core.protocols.module_session import messages, work
from keystead.core.protocols.module_session.messages import (
    AdoptGenesis,
    Answer,
    Attach,
    Attached,
    AttestDestruction,
    AttestDue,
    Attested,
    DueAttested,
    DueRotated,
    EndKey,
    Greeting,
    Identify,
    Identity,
    Ingest,
    Ingested,
    KeyEnded,
    MakeOffer,
    Negotiate,
    Negotiated,
    Offered,
    Promised,
    PromiseSuccessor,
    Propose,
    Proposed,
    ReceiptSigned,
    Refused,
    Released,
    ReleaseSuccessor,
    Request,
    RotateDue,
    Signed,
    SignGenesis,
    SignReceipt,
)
from keystead.core.protocols.module_session.work import MAX_ITEMS, Item, Outcome, Outcomes, Work
from keystead.core.records import AliasChange, Change, KeyChange, KeyRecord, TokenChange
from keystead.errors import REFUSALS, FormatError, Refusal, WrongBody
from keystead.identifiers import AccountId, AliasName, DomainId, DomainKeyId, KeyId, ModuleId, OperatorId, Region

REQUESTS: list[Request] = [
    Identify(),
    SignGenesis(b"document"),
    Propose(b"approved"),
    PromiseSuccessor(b"token"),
    PromiseSuccessor(b"token", Death(b"other token", b"approved", (b"release",))),
    ReleaseSuccessor(b"approved"),
    MakeOffer(),
    AttestDestruction(),
    SignReceipt(b"head", {1: b"token"}, OperatorId(bytes(16)), b"signature"),
    AttestDue((b"head", b"other")),
    EndKey(b"head", {"aliases": b"names"}, b"statement"),
    RotateDue((b"head", b"other")),
    Ingest(b"token", ()),
    Ingest(b"token", (b"promise", b"other")),
    AdoptGenesis(b"genesis"),
    Negotiate(b"hello"),
    Attach(OperatorId(bytes(16)), b"token", bytes(16)),
]
ANSWERS: list[Answer] = [
    Greeting(ModuleId(bytes(16)), bytes(16), bytes(16), None, 0, None, None),
    Greeting(ModuleId(bytes(16)), bytes(16), bytes(16), DomainId(bytes(32)), 7, bytes(32), bytes(32)),
    Identity(bytes(32), b"mldsa", b"sealing", SlotKind.FILE, "fingerprint"),
    Signed(b"signature"),
    Proposed(b"token"),
    Promised(b"promise"),
    Released(b"release"),
    Offered(b"offer"),
    Attested(b"attestation"),
    ReceiptSigned(b"body", b"signature"),
    DueAttested((b"statement", b"")),
    KeyEnded(Change(())),
    DueRotated((Change(()), None)),
    Ingested(1, bytes(32), b"statement"),
    Negotiated(b"accept"),
    Attached(1_700_000_000_000),
    Refused(44, "another body"),
]
RECORD = KeyRecord(b"head", {1: b"old", 2: b"new"}, {"policy": b"{}"})
CHANGE = Change(
    (
        KeyChange(
            KeyId("k"),
            AccountId("1" * 12),
            Region("eu-west-1"),
            b"",
            b"head",
            DomainKeyId(bytes(16)),
            (TokenChange(1, DomainKeyId(bytes(16)), b"token"),),
            {"tags": b"[]"},
        ),
    ),
    (AliasChange(AccountId("1" * 12), Region("eu-west-1"), AliasName("alias/a"), KeyId("k"), None),),
)
WORK = Work((b"voucher",), (Item(b"proof", 0, b"body", (RECORD,)), Item(b"proof", 0, b"page", (), ("alias/a",))))
OUTCOMES = Outcomes(
    (
        Outcome(bytes(32), "", None, b'{"Plaintext":"eA=="}', CHANGE),
        Outcome(bytes(32), "NotFoundException", "no such key ä", b""),
    )
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda value: type(value).__name__)
def test_a_call_comes_back(request_: Request) -> None:
    """Encoding and decoding a call gives the call."""
    assert messages.decode_call(messages.encode_call(7, request_)) == messages.Call(7, request_)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda value: type(value).__name__)
def test_a_reply_comes_back(answer: Answer) -> None:
    """Encoding and decoding a reply gives the reply."""
    assert messages.decode_reply(messages.encode_reply(7, answer)) == messages.Reply(7, answer)


def test_every_message_is_tried() -> None:
    """A message that is added is added here too."""
    assert {type(one) for one in REQUESTS} == set(get_args(Request))
    assert {type(one) for one in ANSWERS} == set(get_args(Answer))


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_a_refusal_crosses_with_its_kind(number: int) -> None:
    """What a module raised is what the other end raises."""
    raised = REFUSALS[number]("why")
    error = messages.refused(raised).error()
    assert (type(error), str(error)) == (type(raised), "why")


def test_an_unknown_refusal_is_still_one() -> None:
    """A number of a later version is a Refusal."""
    assert type(Refused(60_000, "new").error()) is Refusal
    assert messages.refused(WrongBody("x")) == Refused(44, "x")


def test_the_prefix_says_kind_and_version() -> None:
    """Other kinds and versions are refused, and so is nothing at all."""
    call = messages.encode_call(1, Identify())
    assert call[:2] == b"\x01\x01"
    for wrong in (b"", b"\x00", b"\x03" + call[1:]):
        with pytest.raises(FormatError):
            messages.kind_of(wrong)
    for wrong in (b"", b"\x01", b"\x01\x02" + call[2:], b"\x02\x01" + call[2:]):
        with pytest.raises(FormatError):
            messages.decode_call(wrong)


@pytest.mark.parametrize(
    "encoded",
    [
        messages.encode_call(1, Identify()) + b"\x00",
        messages.encode_call(1, Identify())[:-1],
        b"\x01\x01" + msgspec.msgpack.encode([1, [1, "another field"]]),
        b"\x01\x01" + msgspec.msgpack.encode([1, [99]]),
        b"\x01\x01" + msgspec.msgpack.encode([-1, [1]]),
        b"\x01\x01" + msgspec.msgpack.encode([1, [7, bytes(15), b"", bytes(16)]]),
        b"\x01\x01\x92\xcc\x01\x91\x01",
    ],
    ids=["trailing byte", "truncated", "extra field", "unknown tag", "negative number", "short id", "long integer"],
)
def test_a_wrong_call_is_refused(encoded: bytes) -> None:
    """One form is accepted."""
    with pytest.raises(FormatError):
        messages.decode_call(encoded)


def test_work_comes_back() -> None:
    """Encoding and decoding work gives the work; it begins with its kind."""
    encoded = work.encode_work(WORK)
    assert encoded[0] == work.content_kind(encoded) == work.WORK
    assert work.decode_work(encoded) == WORK


def test_outcomes_come_back() -> None:
    """Encoding and decoding outcomes gives the outcomes, in a buffer that can be wiped."""
    encoded = work.encode_outcomes(OUTCOMES)
    assert isinstance(encoded, bytearray)
    assert work.decode_outcomes(encoded) == OUTCOMES


def test_outcomes_may_be_made_of_a_buffer() -> None:
    """The body of an answer is encoded from a buffer that the module wipes."""
    outcome = Outcome(bytes(32), "", None, bytearray(b"{}"))
    assert work.decode_outcomes(work.encode_outcomes(Outcomes((outcome,)))).outcomes[0].body == b"{}"


@given(st.lists(st.binary(max_size=5000), max_size=MAX_ITEMS), st.text(max_size=200))
def test_the_buffer_of_outcomes_is_never_moved(bodies: list[bytes], message: str) -> None:
    """The room that is set aside is enough: the buffer is cut, never grown, so no copy is left behind."""
    outcomes = tuple(Outcome(bytes(32), "ValidationException", message, body, CHANGE) for body in bodies)
    room = work.room_for(Outcomes(outcomes))
    assert len(work.encode_outcomes(Outcomes(outcomes))) <= room


@pytest.mark.parametrize(
    "wrong",
    [
        Work((b"voucher",), (Item(b"proof", 1, b"body", ()),)),
        Work((b"voucher",), (Item(b"proof", -1, b"body", ()),)),
        Work((), (Item(b"proof", 0, b"body", ()),)),
        Work((b"voucher",), (Item(b"proof", 0, b"body", ()),) * (MAX_ITEMS + 1)),
    ],
    ids=["voucher beyond", "voucher before", "no voucher", "too many items"],
)
def test_wrong_work_is_refused(wrong: Work) -> None:
    """An item without a voucher of the frame, or too many items, is no work."""
    with pytest.raises(FormatError):
        work.decode_work(work.encode_work(wrong))


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x02" + work.encode_work(WORK)[1:]])
def test_content_of_another_kind_is_refused(content: bytes) -> None:
    """A kind that this version does not know is not guessed at."""
    with pytest.raises(FormatError):
        work.decode_work(content)
    with pytest.raises(FormatError):
        work.decode_outcomes(content)


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_canonical(garbage: bytes) -> None:
    """Every parser gives a value that has exactly these bytes, or a FormatError."""
    for prefix, decode in (
        (b"\x01\x01", messages.decode_call),
        (b"\x01\x01", messages.decode_reply),
        (b"\x01", work.decode_work),
        (b"\x01", work.decode_outcomes),
    ):
        try:
            decoded = decode(prefix + garbage)
        except FormatError:
            continue
        assert prefix + msgspec.msgpack.encode(decoded) == prefix + garbage


@given(st.data())
def test_a_flipped_bit_gives_another_value_or_a_refusal(data: st.DataObject) -> None:
    """No two byte strings mean the same work."""
    encoded = bytearray(work.encode_work(WORK))
    bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        assert work.decode_work(encoded) != WORK
    except FormatError:
        return
