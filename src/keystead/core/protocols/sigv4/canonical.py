"""The bytes that a client must have signed, rebuilt from the request that will be executed.

Steps and names are those of the Signature Version 4 documentation: canonical request, string to sign, signing key.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from keystead.core.protocols.sigv4.authorization import ALGORITHM, TERMINATOR, Authorization, mismatch
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import sha256

_UNRESERVED: Final = "-_.~"


def canonical_request(request: SignedRequest, values: Mapping[str, str], signed_headers: Iterable[str]) -> bytes:
    """Return the canonical request over the named headers; ``values`` has each of them.

    Raises ServiceError InvalidSignatureException for characters that no byte of an HTTP request stands for.
    """
    names = tuple(signed_headers)
    headers = "".join([f"{name}:{_trimmed(values[name])}\n" for name in names])
    text = (
        f"{request.method}\n{_canonical_path(request.path)}\n{_canonical_query(request.query)}\n"
        f"{headers}\n{';'.join(names)}\n{request.body_digest.hex()}"
    )
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise mismatch() from None


def string_to_sign(authorization: Authorization, timestamp: str, canonical: bytes) -> bytes:
    """Return what the signature is a MAC of."""
    return f"{ALGORITHM}\n{timestamp}\n{authorization.scope}\n{sha256(canonical).hex()}".encode("ascii")


def signing_key(secret_access_key: bytes, date: str, region: str, service: str) -> Mac:
    """Return the keyed MAC of one day, region and service; good for every request of that scope."""
    key = b"AWS4" + secret_access_key
    for part in (date, region, service, TERMINATOR):
        key = Mac(key).tag(part.encode("ascii"))
    return Mac(key)


def _trimmed(value: str) -> str:
    value = value.strip(" ")
    return value if "  " not in value else " ".join([part for part in value.split(" ") if part])


def _canonical_path(path: str) -> str:
    if path == "/":
        return path
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    trailing = "/" if segments and path.endswith("/") else ""
    return quote(f"/{'/'.join(segments)}{trailing}", safe="/" + _UNRESERVED)


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
