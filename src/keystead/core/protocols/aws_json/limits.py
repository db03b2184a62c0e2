"""How long the body of a request may be, derived from the constraints of the service model."""

from functools import cache
from typing import Final

from msgspec import inspect

from keystead.core.protocols.aws_json.constraints import kind_of
from keystead.core.protocols.aws_json.extension import OPERATIONS

LEAST_BODY_LIMIT: Final = 128 * 1024
"""Octets that every operation accepts: what nearly all of them need, whitespace and unknown members included."""

UNBOUNDED_MEMBER: Final = 64 * 1024
"""Octets for a member that the model leaves unbounded (encryption contexts, tags): service limits are far below."""

OCTETS_PER_CHARACTER: Final = 2
"""Most characters take one octet of JSON; quotes, backslashes and line ends, which fill a policy, take two."""

PUNCTUATION: Final = 8
"""Quotes, colon, comma and spaces around one member or element."""

WORD: Final = 64
"""Octets of the longest number, truth value or enumerated value."""


@cache
def body_limit(operation: str) -> int:
    """The most octets that a body of this operation may have; KeyError if the model has no such operation.

    Whatever the model allows passes in its usual encoding: base64 for blobs, few escapes in text.
    """
    return max(LEAST_BODY_LIMIT, _octets(inspect.type_info(OPERATIONS[operation].input)))


def _octets(declared: inspect.Type) -> int:
    match kind_of(declared).type:
        case inspect.StructType(fields=fields):
            return sum(len(field.encode_name) + PUNCTUATION + _octets(field.type) for field in fields)
        case inspect.ListType(item_type=item, max_length=int(most)):
            return most * (_octets(item) + PUNCTUATION)
        case inspect.BytesType(max_length=int(most)):
            return 4 * (most // 3 + 1)
        case inspect.StrType(max_length=int(most)):
            return OCTETS_PER_CHARACTER * most
        case inspect.ListType() | inspect.DictType() | inspect.BytesType() | inspect.StrType():
            return UNBOUNDED_MEMBER
        case _:
            return WORD
