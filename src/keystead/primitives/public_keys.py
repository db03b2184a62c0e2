"""Public keys of customers, as SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): verify, encrypt to, encapsulate to."""

from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.errors import FormatError, SealError, SignatureError
from keystead.primitives.customer_algorithms import oaep, signing
from keystead.primitives.secret import Buffer, drained, wipe

_CURVES: Final = {"ECC_NIST_P256": "secp256r1", "ECC_NIST_P384": "secp384r1", "ECC_NIST_P521": "secp521r1"}


def verify(public: bytes, algorithm: str, message_type: str, message: Buffer, signature: bytes) -> None:
    """Return if the signature is the holder's over this message; raises SignatureError.

    ``message_type`` is RAW, DIGEST or EXTERNAL_MU, and fits the algorithm.
    """
    key = _loaded(public)
    check = key.verify_mu if message_type == "EXTERNAL_MU" else key.verify
    try:
        check(signature, message, *signing(algorithm, digested=message_type == "DIGEST"))
    except (InvalidSignature, ValueError):
        raise SignatureError("the signature does not verify") from None


def encrypt(public: bytes, algorithm: str, plaintext: Buffer) -> bytes:
    """Return the plaintext encrypted to an RSA key; raises SealError if it is too long."""
    held = bytes(memoryview(plaintext))  # the library takes nothing else; a copy of our own, to be overwritten
    try:
        sealed: bytes = _loaded(public).encrypt(held, oaep(algorithm))
    except ValueError:
        raise SealError("too long for this key and algorithm") from None
    finally:
        wipe(drained(held))
    return sealed


def encapsulate(public: bytes) -> tuple[bytearray, bytes]:
    """Return a fresh shared secret, in a buffer that the caller wipes, and its encapsulation to an ML-KEM key."""
    shared, encapsulated = _loaded(public).encapsulate()
    return drained(shared), encapsulated


def peer(spec: str, public: bytes) -> EllipticCurvePublicKey:
    """Return another party's public key for an agreement with a key of this spec; raises FormatError if it is none."""
    try:
        key = _loaded(public)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError("not a public key") from None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != _CURVES[spec]:
        raise FormatError("not a public key of this curve")
    return key


def _loaded(public: bytes) -> Any:  # noqa: ANN401, one of the library's classes, which the algorithm fits
    return load_der_public_key(public)
