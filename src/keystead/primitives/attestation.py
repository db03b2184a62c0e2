"""Who signed an attestation document: a chain of certificates (RFC 5280) and ES384 of COSE (RFC 9053, section 2.1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NewType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    KeyUsage,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from keystead.errors import FormatError, SignatureError

Roots = NewType("Roots", Store)
"""The certificates that chains must end at."""

SIGNATURE: Final = 96
"""Bytes of an ES384 signature: two numbers of 48."""


def read_roots(pem: bytes) -> Roots:
    """Return the certificates in PEM text as roots; raises FormatError if there are none, or others than P-384."""
    try:
        certificates = load_pem_x509_certificates(pem)
    except ValueError:
        raise FormatError("not certificates in PEM") from None
    for certificate in certificates:
        _key(certificate)
    return Roots(Store(certificates))


def verify(
    signed: bytes, signature: bytes, certificate: bytes, bundle: Sequence[bytes], roots: Roots, now: int
) -> None:
    """Return if the certificate's key signed this, and the bundle leads from the certificate to a root.

    Certificates are DER; all must be valid ``now``, in milliseconds since the epoch.

    Raises:
        FormatError: a certificate is none, or has another key than P-384.
        SignatureError: the chain is not valid now, or the signature does not verify.
    """
    leaf, *others = (_loaded(one) for one in (certificate, *bundle))
    key = _key(leaf)
    if len(signature) != SIGNATURE:
        raise FormatError("not an ES384 signature")
    _verify_chain(leaf, others, roots, now)
    half = SIGNATURE // 2
    der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    try:
        key.verify(der, signed, ECDSA(SHA384()))
    except InvalidSignature:
        raise SignatureError("the attestation document is not signed by its certificate") from None


def _loaded(der: bytes) -> Certificate:
    try:
        return load_der_x509_certificate(der)
    except Exception:  # noqa: BLE001 - hostile bytes; the library has errors of several kinds for them
        raise FormatError("not a certificate") from None


def _key(certificate: Certificate) -> EllipticCurvePublicKey:
    try:
        key = certificate.public_key()
    except Exception:  # noqa: BLE001 - as above
        raise FormatError("a certificate of a key that is not known") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP384R1):
        raise FormatError("a certificate of another key than P-384")
    return key


def _verify_chain(leaf: Certificate, others: list[Certificate], roots: Roots, now: int) -> None:
    moment = datetime.fromtimestamp(now / 1000, UTC).replace(tzinfo=None)
    verifier = (
        PolicyBuilder().store(roots).time(moment).extension_policies(ca_policy=_AUTHORITY, ee_policy=_SIGNER)
    ).build_client_verifier()
    try:
        verifier.verify(leaf, others)
    except VerificationError:
        raise SignatureError("the attestation document's certificate does not lead to a root of trust") from None


def _may_certify(_policy: Policy, _certificate: Certificate, constraints: BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not an authority's certificate")


def _signs_certificates(_policy: Policy, _certificate: Certificate, usage: KeyUsage) -> None:
    if not usage.key_cert_sign:
        raise ValueError("not a key that signs certificates")


def _signs(_policy: Policy, _certificate: Certificate, usage: KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("not a key that signs")


# The platforms' certificates are no web server's: they name no host, so that the library's own profile does not fit.
_AUTHORITY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(BasicConstraints, Criticality.AGNOSTIC, _may_certify)
    .require_present(KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
)
_SIGNER: Final = ExtensionPolicy.permit_all().may_be_present(KeyUsage, Criticality.AGNOSTIC, _signs)
