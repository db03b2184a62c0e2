"""The one way from a request body to a request of the service model (spec/aws-json.md, "Requests")."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from msgspec import json

from keystead.core.protocols.aws_json.extension import OPERATIONS
from keystead.core.protocols.aws_json.limits import body_limit
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.validation import UNREADABLE, is_utf8, read
from keystead.errors import ServiceError

# What may stand before the padding: the bits of these letters that encode nothing are zero (RFC 4648, section 3.5).
_BEFORE_ONE_PAD: Final = b"AEIMQUYcgkosw048"
_BEFORE_TWO_PADS: Final = b"AQgw"
_PAD, _QUOTE, _BACKSLASH = b'="\\'  # octets, because bytes finds a number three times as fast as a slice


@dataclass(frozen=True, slots=True)
class _Plan:
    shape: type[Shape]
    decode: Callable[[bytes], Shape]
    limit: int


def decode(operation: str, body: bytes) -> Shape:
    """The request that a body encodes: an ``OPERATIONS[operation].input`` that meets all constraints of the model.

    Unknown members are ignored, null is absent, of equal names the last one counts.

    Raises:
        ServiceError: UnknownOperationException; RequestEntityTooLargeException for more than ``body_limit(operation)``
            octets; SerializationException for anything but a JSON object with members of the declared types;
            ValidationException naming the constraints that are not met, with what was sent unless it is a secret.
    """
    plan = _plan(operation)
    if len(body) > plan.limit:
        raise ServiceError("RequestEntityTooLargeException", f"The request body exceeds {plan.limit} bytes.")
    request: Shape | None
    try:
        request = plan.decode(body)
    except UNREADABLE:
        request = None
    # msgspec looks into no string that it skips, and drops the stray bits of base64; what it refuses, it tells in words
    # of its own. The precise reading decides all of that.
    if request is None or not is_utf8(body) or _may_have_stray_bits(body):
        return read(plan.shape, body)
    return request


@cache
def _plan(operation: str) -> _Plan:
    modelled = OPERATIONS.get(operation)
    if modelled is None:
        raise ServiceError("UnknownOperationException")
    return _Plan(modelled.input, json.Decoder(modelled.input).decode, body_limit(operation))


def _may_have_stray_bits(body: bytes) -> bool:
    """Whether a string of this JSON may end as base64 must not; never misses one, and may take other text for one.

    Letters and padding could be written as escapes of ASCII, so these count as a yes.
    """
    if _BACKSLASH in body and b"\\u00" in body:
        return True
    pad = body.find(_PAD)
    while pad >= 0:
        two_pads = body[pad + 1] == _PAD
        before = _BEFORE_TWO_PADS if two_pads else _BEFORE_ONE_PAD
        if body[pad - 1] not in before and body[pad + 1 + two_pads] == _QUOTE:
            return True
        pad = body.find(_PAD, pad + 2)
    return False
