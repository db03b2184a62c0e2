"""Items on their way: what a fleet keeps of each, and how many become one frame."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.work import Item, Outcome, Outcomes, Work, decode_outcomes, encode_work
from keystead.errors import FormatError
from keystead.primitives.digest import sha256


class Submission:
    """One item, who waits for its outcome, and until when."""

    __slots__ = ("attempts", "due", "item", "outcome", "voucher")

    def __init__(self, item: Item, voucher: bytes, outcome: asyncio.Future[Outcome], due: float) -> None:
        """Take the item, the voucher of its proof, the promise of its outcome, and when (loop time) waiting ends."""
        self.item = item
        self.voucher = voucher
        self.outcome = outcome
        self.due = due
        self.attempts = 0


def encode(batch: Sequence[Submission]) -> bytes:
    """Return the content of a frame that asks for all of them; each voucher travels once."""
    first = batch[0].voucher
    if all(submission.voucher is first for submission in batch):
        return encode_work(Work((first,), tuple([submission.item for submission in batch])))
    numbers: dict[bytes, int] = {}
    items = [
        replace(submission.item, voucher=numbers.setdefault(submission.voucher, len(numbers))) for submission in batch
    ]
    return encode_work(Work(tuple(numbers), tuple(items)))


def outcomes_for(batch: Sequence[Submission], content: Buffer) -> Outcomes:
    """Return the outcomes in a response frame; raises FormatError unless each is the one of its item."""
    decoded = decode_outcomes(content)
    if len(decoded.outcomes) != len(batch):
        raise FormatError("not as many outcomes as items")
    for submission, outcome in zip(batch, decoded.outcomes, strict=True):
        if outcome.request != sha256(submission.item.body):
            raise FormatError("an outcome of another request")
    return decoded
