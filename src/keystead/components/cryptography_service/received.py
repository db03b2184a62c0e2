"""The first stage: what came over HTTP is a request for an operation of the service, not yet known to be anyone's."""

from typing import Any, Final, TypeAlias

import msgspec

from keystead.core.operations.operation import Operation
from keystead.core.operations.table import OPERATIONS, find
from keystead.core.protocols.authentication import Request
from keystead.core.protocols.aws_json.rendering import CONTENT_TYPE
from keystead.core.protocols.aws_json.targets import KMS
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.errors import ServiceError
from keystead.primitives.digest import sha256

Scope: TypeAlias = dict[str, Any]
"""A connection scope of ASGI 3, type http."""

PATH: Final = b"/"
_CONTENT_TYPE: Final = CONTENT_TYPE.encode()
_TARGETS: Final = {operation.target.encode(): operation for operation in OPERATIONS.values()}


class Received(msgspec.Struct, frozen=True, gc=False):
    """A request for one operation."""

    operation: Operation
    body: bytes
    """The very bytes that were sent."""
    request: Request
    """What the authentication service judges."""


def received(scope: Scope, body: bytes) -> Received:
    """Return the request that was sent.

    Raises:
        ServiceError: UnknownOperationException for another method or path and for no operation of the service,
            UnsupportedOperationException for one that is not built, SerializationException for another content type.
    """
    if scope["method"] != "POST" or scope["raw_path"] != PATH:
        raise ServiceError("UnknownOperationException")
    headers = scope["headers"]
    # Of a repeated header the last one is taken; the authentication service refuses repetitions of these two.
    values = dict(headers)
    target = values.get(b"x-amz-target", b"")
    operation = _TARGETS.get(target) or _unusual(target)
    content_type = values.get(b"content-type", b"")
    if content_type != _CONTENT_TYPE:
        _check_content_type(content_type)
    client = scope["client"]
    signed = SignedRequest("POST", "/", scope["query_string"].decode("latin-1"), tuple(headers), sha256(body))
    return Received(operation, body, Request(signed, "" if client is None else client[0], scope["scheme"] == "https"))


def _unusual(target: bytes) -> Operation:
    """The row of a target that no row was made for, which does not exist: always raises."""
    prefix, _, name = target.decode("latin-1").rpartition(".")
    if f"{prefix}." != KMS:
        raise ServiceError("UnknownOperationException")
    return find(name)


def _check_content_type(value: bytes) -> None:
    """Accept parameters and other capitals (RFC 9110, section 8.3.1)."""
    if value.partition(b";")[0].strip().lower() != _CONTENT_TYPE:
        raise ServiceError("SerializationException", f"The content type must be {CONTENT_TYPE}.")
