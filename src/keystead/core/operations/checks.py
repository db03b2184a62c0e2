"""Checks that several operations make of a request and its key; each raises, or returns what was proven."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystead.core.keys.head import KeyHead
from keystead.core.keys.specs import ENCRYPT, SYMMETRIC, algorithms
from keystead.core.protocols.aws_json.shapes import KeyUsageType
from keystead.errors import ServiceError

MAX_ENCRYPTION_CONTEXT: Final = 8192
_OAEP_DIGESTS: Final = {"RSAES_OAEP_SHA_1": 20, "RSAES_OAEP_SHA_256": 32}
NO_CONTEXT: Final[Mapping[str, str]] = MappingProxyType({})


def usable_for(head: KeyHead, operation: str, algorithm: str | None = SYMMETRIC, usage: KeyUsageType = ENCRYPT) -> None:
    """Raise InvalidKeyUsageException unless the key has this usage and algorithm (None: that of symmetric keys)."""
    if head.usage != usage:
        raise ServiceError(
            "InvalidKeyUsageException", f"{head.arn} key usage is {head.usage} which is not valid for {operation}."
        )
    chosen = algorithm or SYMMETRIC
    if chosen not in algorithms(head.spec, head.usage):
        raise ServiceError("InvalidKeyUsageException", f"Algorithm {chosen} is incompatible with key spec {head.spec}.")


def encryption_context(context: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the encryption context, empty if there is none; ValidationException if it is too long."""
    if not context:
        return NO_CONTEXT
    if sum(len(name.encode()) + len(value.encode()) for name, value in context.items()) > MAX_ENCRYPTION_CONTEXT:
        raise ServiceError(
            "ValidationException", f"The encryption context is longer than {MAX_ENCRYPTION_CONTEXT} bytes."
        )
    return context


def no_encryption_context(head: KeyHead, context: Mapping[str, str] | None) -> None:
    """Raise ValidationException if there is an encryption context: RSA keys bind none."""
    if context:
        raise ServiceError("ValidationException", f"EncryptionContext is not valid for key spec {head.spec}.")


def fits(head: KeyHead, algorithm: str, size: int) -> None:
    """Raise ValidationException for a plaintext that is too long for an RSA key (RFC 8017, section 7.1.1)."""
    if algorithm == SYMMETRIC:
        return
    most = int(head.spec.removeprefix("RSA_")) // 8 - 2 * _OAEP_DIGESTS[algorithm] - 2
    if size > most:
        raise ServiceError(
            "ValidationException",
            f"Algorithm {algorithm} and key spec {head.spec} cannot encrypt data larger than {most} bytes.",
        )


def rotates(head: KeyHead) -> None:
    """Raise UnsupportedOperationException, without a word, unless the key is one for symmetric encryption."""
    if head.spec != SYMMETRIC:
        raise ServiceError("UnsupportedOperationException")


def rotates_by_itself(head: KeyHead) -> None:
    """Raise UnsupportedOperationException unless the key encrypts symmetrically with material that we made."""
    rotates(head)
    if head.origin != "AWS_KMS":
        raise ServiceError(
            "UnsupportedOperationException",
            f"{head.arn} origin is {head.origin} which is not valid for this operation.",
        )


def not_dry_run(dry_run: bool | None) -> None:  # noqa: FBT001, a member of the request
    """Raise DryRunOperationException if the caller asked only whether the request would succeed."""
    if dry_run:
        raise ServiceError(
            "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."
        )


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
