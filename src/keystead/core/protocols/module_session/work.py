"""What a front end asks of a module in a frame, and what it is answered (``spec/module-session.md``, section 5).

A frame carries many items. They do not know of each other: a bad one has a bad outcome, and the others are served.
Outcomes stand in the order of their items and name the request that each one answers, so that no caller is given
another's.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import Bytes32
from keystead.core.records import Change, KeyRecord
from keystead.core.strict import StrictCodec
from keystead.errors import FormatError

if TYPE_CHECKING:
    Body = Buffer
else:
    Body = bytes  # what decoding gives; encoding takes any buffer, so that a module can wipe an answer that it has sent

WORK: Final = 1
"""First byte of a frame's content: Work one way, Outcomes the other. Other kinds will have other numbers."""
MAX_ITEMS: Final = 64


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request of a customer."""

    proof: bytes
    voucher: int
    """Which of the frame's vouchers made the proof."""
    body: bytes
    """The very bytes that the customer signed."""
    keys: tuple[KeyRecord, ...]
    """The sealed records that the operation needs, in the order of its lookup."""
    names: tuple[str, ...] = ()
    """The alias names of a page, in the order of ``keys``."""


class Work(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one frame asks."""

    vouchers: tuple[bytes, ...]
    """Operator key tokens of the authentication services whose proofs are in the items."""
    items: tuple[Item, ...]


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of one item."""

    request: Bytes32
    """SHA-256 of the body that was executed or refused."""
    code: str
    """Name of an error of the service model; empty if the operation was done."""
    message: str | None
    body: Body
    """The answer's JSON; empty if there is a code."""
    change: Change | None = None
    """What must be written before the customer is answered."""


class Outcomes(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one frame answers: one outcome for each item, in their order."""

    outcomes: tuple[Outcome, ...]


_work: Final[StrictCodec[Work]] = StrictCodec(Work, "work")
_outcomes: Final[StrictCodec[Outcomes]] = StrictCodec(Outcomes, "outcomes")
_changes: Final[StrictCodec[Change]] = StrictCodec(Change, "a change")
_KIND: Final = bytes((WORK,))
_FRAME_ROOM: Final = 16
_OUTCOME_ROOM: Final = 128
"""More than the digest, the code and the marks between fields take."""


def content_kind(content: Buffer) -> int:
    """Return the kind of a frame's content; raises FormatError if there is no content."""
    if len(content) == 0:
        raise FormatError("a frame without content")
    return content[0]


def encode_work(work: Work) -> bytes:
    """Return the content of a request frame."""
    return _KIND + _work.encode(work)


def decode_work(content: Buffer) -> Work:
    """Return the work that a request frame carries; raises FormatError, also for an item without a voucher."""
    work = _work.decode(_after_kind(content))
    vouchers = len(work.vouchers)
    if len(work.items) > MAX_ITEMS or any(not 0 <= item.voucher < vouchers for item in work.items):
        raise FormatError("not work: too many items, or one without a voucher")
    return work


def encode_outcomes(outcomes: Outcomes) -> bytearray:
    """Return the content of a response frame, in a buffer that the module wipes when it is sealed; the only copy."""
    content = bytearray(room_for(outcomes))
    content[0] = WORK
    _outcomes.encode_into(outcomes, content, 1)
    return content


def room_for(outcomes: Outcomes) -> int:
    """Return how many bytes are surely enough for the content of a response frame."""
    return _FRAME_ROOM + sum(map(_room, outcomes.outcomes))


def decode_outcomes(content: Buffer) -> Outcomes:
    """Return the outcomes that a response frame carries; raises FormatError."""
    return _outcomes.decode(_after_kind(content))


def _after_kind(content: Buffer) -> memoryview:
    if content_kind(content) != WORK:
        raise FormatError("content of an unknown kind")
    return memoryview(content)[1:]


def _room(outcome: Outcome) -> int:
    room = _OUTCOME_ROOM + len(outcome.body) + len(outcome.message or "") * 4
    if outcome.change is not None:
        room += len(_changes.encode(outcome.change))
    return room
