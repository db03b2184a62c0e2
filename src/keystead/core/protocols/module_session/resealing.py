"""What the coordinator asks of a module in a frame: to seal records anew, and to count (``spec/module-session.md``).

Neither tells the coordinator anything that is secret. Outcomes stand in the order of the records they answer.
"""

from typing import Annotated, Final

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import Bytes16
from keystead.core.protocols.module_session.work import content_kind
from keystead.core.records import KeyChange
from keystead.core.strict import StrictCodec
from keystead.errors import REFUSALS, FormatError, Refusal

RESEAL: Final = 2
"""First byte of a frame's content: Reseal one way, Resealed the other."""
USAGE: Final = 3
"""First byte of a frame's content: nothing more one way, Usages the other."""
MAX_RECORDS: Final = 256

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class RestingKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What of a key rests under domain keys: its sealed head, and the tokens of all its versions."""

    head: bytes
    tokens: dict[int, bytes]


class Reseal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Asks for the same content under the newest domain key."""

    records: tuple[RestingKey, ...]


class ResealedKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of one record."""

    change: KeyChange | None = None
    """What is to be written; None if all rests under the newest domain key already, or the record was refused."""
    left_behind: bool = False
    """Whether tokens stay where they rest because the key is marked to be shredded."""
    refused: int = 0
    """The number of the refusal, 0 if there is none."""

    def error(self) -> Refusal:
        """Return the refusal of the module."""
        return REFUSALS.get(self.refused, Refusal)("the module does not seal this record anew")


class Resealed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One outcome for each record, in their order."""

    outcomes: tuple[ResealedKey, ...]
    meanwhile: Count
    """Items of customers' work that the module did since the frame of records before."""


class KeyUsage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a module did under one domain key since it started."""

    domain_key: Bytes16
    operations: Count
    """How often something was sealed or opened under it."""
    refusals: Count
    """How often something was refused because the domain key is retired."""


class Usages(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of every domain key that the module used since it started."""

    usages: tuple[KeyUsage, ...]


_reseal: Final[StrictCodec[Reseal]] = StrictCodec(Reseal, "records to be sealed anew")
_resealed: Final[StrictCodec[Resealed]] = StrictCodec(Resealed, "records that were sealed anew")
_usages: Final[StrictCodec[Usages]] = StrictCodec(Usages, "usages")


def encode_reseal(records: tuple[RestingKey, ...]) -> bytes:
    """Return the content of a request frame."""
    return bytes((RESEAL,)) + _reseal.encode(Reseal(records))


def decode_reseal(content: Buffer) -> Reseal:
    """Return the records that a request frame carries; raises FormatError, also for more than MAX_RECORDS."""
    asked = _reseal.decode(_after(RESEAL, content))
    if len(asked.records) > MAX_RECORDS:
        raise FormatError("more records than a frame may carry")
    return asked


def encode_resealed(outcomes: tuple[ResealedKey, ...], meanwhile: int) -> bytes:
    """Return the content of a response frame."""
    return bytes((RESEAL,)) + _resealed.encode(Resealed(outcomes, meanwhile))


def decode_resealed(content: Buffer) -> Resealed:
    """Return what a response frame carries; raises FormatError."""
    return _resealed.decode(_after(RESEAL, content))


def encode_usage_request() -> bytes:
    """Return the content of a request frame that asks for usages."""
    return bytes((USAGE,))


def decode_usage_request(content: Buffer) -> None:
    """Return if the content asks for usages and nothing more; raises FormatError."""
    if len(_after(USAGE, content)) > 0:
        raise FormatError("not a request for usages")


def encode_usages(usages: tuple[KeyUsage, ...]) -> bytes:
    """Return the content of a response frame."""
    return bytes((USAGE,)) + _usages.encode(Usages(usages))


def decode_usages(content: Buffer) -> Usages:
    """Return the usages that a response frame carries; raises FormatError."""
    return _usages.decode(_after(USAGE, content))


def _after(kind: int, content: Buffer) -> memoryview:
    if content_kind(content) != kind:
        raise FormatError("content of an unknown kind")
    return memoryview(content)[1:]
