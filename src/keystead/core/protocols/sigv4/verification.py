"""Whether a request was signed with a credential, for this service, now, and over all that decides what it does."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from keystead.core.protocols.aws_json.targets import EXTENSION, KMS
from keystead.core.protocols.sigv4.authorization import Authorization, mismatch, parse
from keystead.core.protocols.sigv4.canonical import canonical_request, string_to_sign
from keystead.core.protocols.sigv4.request import SignedRequest, header_values
from keystead.errors import ServiceError, SignatureError
from keystead.primitives.authentication import Mac

SERVICE: Final = "kms"
WINDOW: Final = 300
"""Seconds that a client's clock may differ from ours."""
_ALWAYS_SIGNED: Final = ("host", "x-amz-target")
_TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
_BASIC_FORMAT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_REMEMBERED: Final = 64
"""Moments that are kept ready: requests of one second state the same one."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that is well formed, in time, and says who signed it; the signature itself is not checked yet."""

    request: SignedRequest
    authorization: Authorization
    values: dict[str, str]
    timestamp: str

    @property
    def session_token(self) -> str | None:
        """Return the session token that came along; it is among the signed headers."""
        return self.values.get("x-amz-security-token")

    @property
    def action(self) -> str:
        """Return the operation's name as the signed target gives it; empty if the target is not of this service.

        An operation beside those of AWS KMS keeps the prefix of its target: its name can be no other's.
        """
        target = self.values.get("x-amz-target", "")
        prefix, separator, name = target.rpartition(".")
        if prefix + separator == EXTENSION:
            return target
        return name if prefix + separator == KMS else ""


def claimed(request: SignedRequest, regions: frozenset[str], now: int) -> Claimed:
    """Return what the request claims, after every check that needs no secret.

    ``now`` is in milliseconds. Raises ServiceError: MissingAuthenticationTokenException, IncompleteSignatureException,
    InvalidSignatureException (scope, time, an unsigned header that must be signed), UnrecognizedClientException.
    """
    values = header_values(request)
    header = values.get("authorization")
    if header is None or "x-amz-signature=" in request.query.lower():
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    authorization = parse(header)
    _check_scope(authorization, regions)
    _check_signed_headers(authorization, values)
    timestamp = _timestamp(values)
    _check_time(authorization, timestamp, now)
    _check_body_digest(values, request)
    return Claimed(request=request, authorization=authorization, values=values, timestamp=timestamp)


def verify(claim: Claimed, key: Mac) -> None:
    """Return if the signature is the one that ``key`` makes of this request, compared in constant time.

    Raises ServiceError InvalidSignatureException.
    """
    canonical = canonical_request(claim.request, claim.values, claim.authorization.signed_headers)
    try:
        key.verify(claim.authorization.signature, string_to_sign(claim.authorization, claim.timestamp, canonical))
    except SignatureError:
        raise mismatch() from None


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message)


def _check_scope(authorization: Authorization, regions: frozenset[str]) -> None:
    if authorization.region not in regions:
        raise _invalid(f"Credential should be scoped to a valid region, not '{authorization.region}'.")
    if authorization.service != SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")


def _check_signed_headers(authorization: Authorization, values: dict[str, str]) -> None:
    signed = authorization.signed_headers
    for name in signed:
        if name not in values:
            raise mismatch()
    for name in _ALWAYS_SIGNED:
        if name not in signed:
            raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    for name in values:
        if name.startswith("x-amz-") and name not in signed:
            raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _timestamp(values: dict[str, str]) -> str:
    text = values.get("x-amz-date") or values.get("date")
    if text is None:
        raise ServiceError(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    return text


@lru_cache(_REMEMBERED)
def _moment(text: str) -> int:
    """Return seconds since the epoch of an ISO 8601 time in basic format, UTC."""
    if _BASIC_FORMAT.fullmatch(text) is not None:
        try:
            return int(datetime.fromisoformat(text).timestamp())
        except ValueError:
            pass
    raise ServiceError(
        "IncompleteSignatureException",
        f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601",
    )


def _check_time(authorization: Authorization, timestamp: str, now: int) -> None:
    moment = _moment(timestamp)
    if authorization.date != timestamp[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{authorization.date}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    late = now / 1000 - moment
    if late > WINDOW:
        limits = f"{_written(now / 1000 - WINDOW)} ({_written(now / 1000)} - 5 min.)"
        raise _invalid(f"Signature expired: {timestamp} is now earlier than {limits}")
    if late < -WINDOW:
        limits = f"{_written(now / 1000 + WINDOW)} ({_written(now / 1000)} + 5 min.)"
        raise _invalid(f"Signature not yet current: {timestamp} is still later than {limits}")


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIMESTAMP)


def _check_body_digest(values: dict[str, str], request: SignedRequest) -> None:
    stated = values.get("x-amz-content-sha256")
    if stated is not None and stated != request.body_digest.hex():
        raise mismatch()
