"""An HTTP request as far as its signature covers it."""

import msgspec

from keystead.errors import ServiceError


class SignedRequest(msgspec.Struct, frozen=True, array_like=True):
    """A request as it came over the wire; nothing of it is believed yet."""

    method: str
    path: str
    """As received, still percent-encoded."""
    query: str
    """As received, without the question mark."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Every header as received, names in lower case."""
    body_digest: bytes
    """SHA-256 of the body as received."""


def header_values(request: SignedRequest) -> dict[str, str]:
    """Return the headers by name; values of a repeated name are joined by a comma, as the canonical form wants them.

    Raises ServiceError IncompleteSignatureException when a header that the verification reads comes twice: which of
    them a later reader would take could differ from what was signed.
    """
    values: dict[str, str] = {}
    for raw_name, raw_value in request.headers:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        if name in values:
            if name in _SINGLE:
                raise ServiceError("IncompleteSignatureException", f"Header '{name}' must not be repeated.")
            value = f"{values[name]},{value}"
        values[name] = value
    return values


_SINGLE = frozenset(
    {
        "authorization",
        "host",
        "x-amz-target",
        "x-amz-date",
        "date",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "content-type",
    }
)
