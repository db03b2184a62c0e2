"""Checks that several operations make of a request and its key; each raises, or returns what was proven."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystead.core.keys.head import KeyHead
from keystead.errors import ServiceError

SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
MAX_ENCRYPTION_CONTEXT: Final = 8192
NO_CONTEXT: Final[Mapping[str, str]] = MappingProxyType({})


def usable_for(head: KeyHead, operation: str, algorithm: str | None = SYMMETRIC) -> None:
    """Raise InvalidKeyUsageException unless the key encrypts, with this algorithm (None: the default)."""
    if head.usage != "ENCRYPT_DECRYPT":
        raise ServiceError(
            "InvalidKeyUsageException", f"{head.arn} key usage is {head.usage} which is not valid for {operation}."
        )
    if algorithm is not None and algorithm != head.spec:
        raise ServiceError(
            "InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {head.spec}."
        )


def encryption_context(context: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the encryption context, empty if there is none; ValidationException if it is too long."""
    if not context:
        return NO_CONTEXT
    if sum(len(name.encode()) + len(value.encode()) for name, value in context.items()) > MAX_ENCRYPTION_CONTEXT:
        raise ServiceError(
            "ValidationException", f"The encryption context is longer than {MAX_ENCRYPTION_CONTEXT} bytes."
        )
    return context


def not_dry_run(dry_run: bool | None) -> None:  # noqa: FBT001, a member of the request
    """Raise DryRunOperationException if the caller asked only whether the request would succeed."""
    if dry_run:
        raise ServiceError(
            "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."
        )


def no_recipient(recipient: object | None) -> None:
    """Raise UnsupportedOperationException for an attested recipient: no platform's attestation is verified here."""
    if recipient is not None:
        raise ServiceError("UnsupportedOperationException", "Recipient is not supported.")


def in_range(member: str, value: int, least: int, most: int) -> int:
    """Return the value; ValidationException in the service's words if it is outside of what the operation allows."""
    if value > most:
        bound = f"less than or equal to {most}"
    elif value < least:
        bound = f"greater than or equal to {least}"
    else:
        return value
    raise invalid(f"Value '{value}' at '{member}' failed to satisfy constraint: Member must have value {bound}")


def invalid(clause: str) -> ServiceError:
    """Return the ValidationException of one constraint that is not met."""
    return ServiceError("ValidationException", f"1 validation error detected: {clause}")
