"""What the Authorization header claims: whose key signed, for what scope, over which headers."""

import re
from functools import lru_cache
from typing import Final

import msgspec

from keystead.errors import ServiceError

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
_SCOPE_PARTS: Final = 5
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9_]{16,128}")
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_KEYS: Final = ("Credential", "Signature", "SignedHeaders")
_REMEMBERED: Final = 64
"""Scopes and lists of signed headers that are kept ready, few as their length is not bounded: clients repeat them."""


class Authorization(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The claims of one Authorization header, well formed and not yet believed."""

    access_key_id: str
    date: str
    """Day of the scope, ``YYYYMMDD``."""
    region: str
    service: str
    signed_headers: tuple[str, ...]
    """Lower case, sorted, without repetition."""
    signature: bytes

    @property
    def scope(self) -> str:
        """Return the credential scope as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def parse(header: str) -> Authorization:
    """Return the claims of the header's value.

    Raises ServiceError: IncompleteSignatureException when it is not of the header form, InvalidSignatureException when
    the scope has another terminator, UnrecognizedClientException when what stands for the access key id cannot be one.
    """
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    fields = _fields(rest, header)
    access_key_id, date, region, service = _scope(fields["Credential"])
    if _SIGNATURE.fullmatch(fields["Signature"]) is None:
        raise mismatch()
    return Authorization(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=_signed_headers(fields["SignedHeaders"]),
        signature=bytes.fromhex(fields["Signature"]),
    )


def mismatch() -> ServiceError:
    """Return the error for a signature that is not the one we calculate."""
    return ServiceError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )


def unrecognized() -> ServiceError:
    """Return the error for an access key or a session token that is not ours."""
    return ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")


def _incomplete(message: str) -> ServiceError:
    return ServiceError("IncompleteSignatureException", message)


def _fields(text: str, header: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.strip(" ").partition("=")
        if not equals:
            raise _incomplete(
                f"'{key}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
            )
        if key in fields or key not in _KEYS:
            raise _incomplete(f"Authorization header has an unexpected '{key}' parameter. Authorization={header}")
        fields[key] = value
    missing = [key for key in _KEYS if not fields.get(key)]
    if missing:
        needs = " ".join(f"Authorization header requires '{key}' parameter." for key in missing)
        raise _incomplete(f"{needs} Authorization={header}")
    return fields


@lru_cache(_REMEMBERED)
def _scope(credential: str) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != _SCOPE_PARTS:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{credential}'"
        )
    access_key_id, date, region, service, terminator = parts
    if terminator != TERMINATOR:
        raise ServiceError(
            "InvalidSignatureException",
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'.",
        )
    if _ACCESS_KEY.fullmatch(access_key_id) is None:
        raise unrecognized()
    return access_key_id, date, region, service


@lru_cache(_REMEMBERED)
def _signed_headers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if any(_HEADER_NAME.fullmatch(name) is None for name in names) or list(names) != sorted(set(names)):
        raise _incomplete("'SignedHeaders' must be header names in lower case, sorted, each once.")
    return names
