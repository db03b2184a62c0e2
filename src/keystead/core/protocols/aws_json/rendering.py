"""Answers and errors as bytes (spec/aws-json.md, "Answers")."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct, json

from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.shapes import ERRORS

CONTENT_TYPE: Final = "application/x-amz-json-1.1"

COMMON_ERRORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # What every operation may answer and no model lists. Clients decide by the name, and KMS answers what is the
        # caller's fault with 400; the generic table of AWS has 403, 404 and 413 for some.
        "AccessDeniedException": 400,
        "ExpiredTokenException": 400,
        "IncompleteSignatureException": 400,
        "InvalidSignatureException": 400,
        "MissingAuthenticationTokenException": 400,
        "RequestEntityTooLargeException": 400,
        "SerializationException": 400,
        "ThrottlingException": 400,
        "UnknownOperationException": 400,
        "UnrecognizedClientException": 400,
        "ValidationException": 400,
        "InternalFailure": 500,
        "ServiceUnavailableException": 503,
    }
)
"""HTTP status of the errors that the service model does not declare."""

INTERNAL_ERROR: Final = 500

_ENCODER: Final = json.Encoder()


class _ErrorBody(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"type": "__type"}):
    type: str
    message: str | None = None


def encode(answer: Shape | None) -> bytes:
    """The body of a successful answer; empty for None, the answer of an operation that has no output."""
    return b"" if answer is None else _ENCODER.encode(answer)


def error_body(code: str, message: str | None) -> bytes:
    """The body of an error; without a message it has no such member, as clients of the service expect."""
    return _ENCODER.encode(_ErrorBody(type=code, message=message))


def status_of(code: str) -> int:
    """The HTTP status of an error by its name; a name that nobody declared is a fault of ours, so 500."""
    modelled = ERRORS.get(code)
    return COMMON_ERRORS.get(code, INTERNAL_ERROR) if modelled is None else modelled.status
