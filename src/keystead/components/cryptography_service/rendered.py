"""The last stage: an answer as it goes over HTTP."""

from typing import Final, TypeAlias

import msgspec

from keystead.components.cryptography_service.executed import Executed
from keystead.core.ports import Buffer
from keystead.core.protocols.aws_json.rendering import CONTENT_TYPE, error_body, status_of
from keystead.errors import PeerUnavailable, ServiceError

Headers: TypeAlias = list[tuple[bytes, bytes]]

OK: Final = 200
_CONSTANT: Final[Headers] = [
    (b"content-type", CONTENT_TYPE.encode()),
    (b"cache-control", b"no-cache, no-store, must-revalidate, private"),
    (b"expires", b"0"),
    (b"pragma", b"no-cache"),
]
UNAVAILABLE: Final = ServiceError(
    "DependencyTimeoutException", "The system timed out while trying to fulfill the request."
)
INTERNAL: Final = ServiceError("KMSInternalException", "The request was rejected because an internal error occurred.")


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer."""

    status: int
    headers: Headers
    body: Buffer


def rendered(executed: Executed, request_id: str) -> Rendered:
    """Return the answer that a module gave: its body to the letter, or its error."""
    outcome = executed.outcome
    if outcome.code:
        return _error(outcome.code, outcome.message, request_id)
    return _answer(OK, outcome.body, request_id)


def rendered_error(error: Exception, request_id: str) -> Rendered:
    """Return the answer to a request that failed; nothing is told of a failure that is not the caller's."""
    known = seen_by_caller(error)
    return _error(known.code, known.message, request_id)


def seen_by_caller(error: Exception) -> ServiceError:
    """Return what the caller is told: his own errors as they are, of ours only whether trying again may help."""
    if isinstance(error, ServiceError):
        return error
    return UNAVAILABLE if isinstance(error, PeerUnavailable) else INTERNAL


def _error(code: str, message: str | None, request_id: str) -> Rendered:
    return _answer(status_of(code), error_body(code, message), request_id)


def _answer(status: int, body: Buffer, request_id: str) -> Rendered:
    return Rendered(
        status,
        [
            *_CONSTANT,
            (b"x-amzn-requestid", request_id.encode()),
            (b"content-length", str(len(body)).encode()),
        ],
        body,
    )
