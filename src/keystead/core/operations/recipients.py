"""Attested recipients: who gets an answer's secret in the place of the caller, and what policies may ask about them."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.attestation import Document
from keystead.core.protocols.aws_json.shapes import RecipientInfo
from keystead.errors import FormatError, ServiceError, SignatureError


class Attested(msgspec.Struct, frozen=True, gc=False):
    """An environment whose attestation document was verified."""

    envelop: Callable[[Buffer], bytes]
    """Returns a plaintext as CMS EnvelopedData for the RSA key that only this environment holds."""
    conditions: Mapping[str, str]
    """Its measurements, under the names by which policies ask for them."""


class Attestation(Protocol):
    """Verifies attestation documents. What is believed is configured, and nothing is by default."""

    def attested(self, document: bytes, now: int) -> Attested:
        """Return the environment that a document attests now.

        Raises:
            FormatError: it is no document, or brings no RSA key.
            SignatureError: it does not lead to a root of trust, is not signed, or not of these five minutes.
            ServiceError: UnsupportedOperationException if there is no root of trust.
        """


class NothingBelieved:
    """The attestation of a module that has no root of trust."""

    def attested(self, _document: bytes, _now: int) -> Attested:
        """Raise UnsupportedOperationException."""
        raise ServiceError(
            "UnsupportedOperationException",
            "Recipient is not supported: no root of trust for attestation is configured.",
        )


def measurements(document: Document) -> dict[str, str]:
    """Return what policies may ask of a verified document, by the names that they use.

    They are in the AWS KMS Developer Guide, "Condition keys for attested platforms".

    The image of an enclave is its register 0.
    """
    prefix = "kms:recipientattestation:"
    conditions = {f"{prefix}pcr{number}": value.hex() for number, value in document.enclave.items()}
    conditions |= {f"{prefix}nitrotpmpcr{number}": value.hex() for number, value in document.tpm.items()}
    if 0 in document.enclave:
        conditions[f"{prefix}imagesha384"] = document.enclave[0].hex()
    return conditions


def recipient_of(request: object, attestation: Attestation, now: int) -> Attested | None:
    """Return who gets what is secret of the answer; None if it is the caller.

    Raises:
        ServiceError: ValidationException for a recipient that is not attested, or no algorithm or document;
            UnsupportedOperationException if there is no root of trust.
    """
    recipient: RecipientInfo | None = getattr(request, "recipient", None)
    if recipient is None:
        return None
    if recipient.key_encryption_algorithm is None or recipient.attestation_document is None:
        raise ServiceError("ValidationException", "Recipient needs KeyEncryptionAlgorithm and AttestationDocument.")
    try:
        return attestation.attested(recipient.attestation_document, now)
    except (FormatError, SignatureError) as error:
        raise ServiceError("ValidationException", "The attestation document is not valid.") from error
