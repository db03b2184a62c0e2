"""Private keys of customers: made, and used for the length of one call. Only the security module may import this file.

The material of each spec has one form (``spec/key-token.md``, section 3): the scalar of an elliptic curve, the seed of
Ed25519, ML-DSA or ML-KEM, PKCS #8 of an RSA key. The library's key objects live for one call; it clears what it freed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keystead.errors import FormatError, SealError
from keystead.primitives.customer_algorithms import oaep, signing
from keystead.primitives.public_keys import peer
from keystead.primitives.secret import Buffer, Secret, Source, drained, wipe

RSA_BITS: Final[Mapping[str, int]] = MappingProxyType({"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096})
EXPONENT: Final = 65537
_EC_PUBLIC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_VERSION_0: Final = b"\x02\x01\x00"
_VERSION_1: Final = b"\x02\x01\x01"


class _Curve:
    """A curve of prime order: how its private keys are written, and below what they must be."""

    def __init__(self, identifier: str, order: str) -> None:
        self.order = bytes.fromhex(order)
        self.size = len(self.order)
        self.identifier = bytes.fromhex(identifier)
        # PrivateKeyInfo (RFC 5958) around ECPrivateKey (RFC 5915), up to the scalar; no length exceeds 127.
        inner = _VERSION_1 + bytes((4, self.size))
        outer = bytes((0x30, len(inner) + self.size))
        names = _EC_PUBLIC_KEY + self.identifier
        algorithm = bytes((0x30, len(names))) + names
        octets = bytes((4, len(outer) + len(inner) + self.size))
        length = len(_VERSION_0) + len(algorithm) + len(octets) + octets[1]
        self.prefix = bytes((0x30, length)) + _VERSION_0 + algorithm + octets + outer + inner

    def scalar(self, source: Source) -> Secret:
        """Return a private key by rejection sampling (FIPS 186-5, section A.2.2)."""
        secret = Secret.random(self.size, source)
        secret.view[0] &= (1 << self.order[0].bit_length()) - 1
        while not any(secret.view) or bytearray(secret.view) >= self.order:
            source.fill(secret.view)
            secret.view[0] &= (1 << self.order[0].bit_length()) - 1
        return secret


_CURVES: Final[Mapping[str, _Curve]] = MappingProxyType(
    {
        "ECC_NIST_P256": _Curve(
            "06082a8648ce3d030107", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
        ),
        "ECC_NIST_P384": _Curve("06052b81040022", "ff" * 24 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
        "ECC_NIST_P521": _Curve(
            "06052b81040023",
            "01" + "ff" * 32 + "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        ),
        "ECC_SECG_P256K1": _Curve("06052b8104000a", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
    }
)
_SEEDED: Final[Mapping[str, tuple[int, Any]]] = MappingProxyType(
    {
        "ECC_NIST_EDWARDS25519": (32, ed25519.Ed25519PrivateKey.from_private_bytes),
        "ML_DSA_44": (32, mldsa.MLDSA44PrivateKey.from_seed_bytes),
        "ML_DSA_65": (32, mldsa.MLDSA65PrivateKey.from_seed_bytes),
        "ML_DSA_87": (32, mldsa.MLDSA87PrivateKey.from_seed_bytes),
        "ML_KEM_768": (64, mlkem.MLKEM768PrivateKey.from_seed_bytes),
        "ML_KEM_1024": (64, mlkem.MLKEM1024PrivateKey.from_seed_bytes),
    }
)


def generate(spec: str, source: Source) -> Secret:
    """Return fresh material of a key that is no RSA key."""
    if spec in _CURVES:
        return _CURVES[spec].scalar(source)
    return Secret.random(_SEEDED[spec][0], source)


def generate_rsa(spec: str) -> bytearray:
    """Return fresh material of an RSA key in a buffer that the caller wipes.

    It takes a tenth of a second and more, in which other threads run; its randomness is the library's.
    """
    return _written(rsa.generate_private_key(EXPONENT, RSA_BITS[spec]))


def public_of(spec: str, material: Buffer) -> bytes:
    """Return the public key, as SubjectPublicKeyInfo in DER."""
    public: bytes = _loaded(spec, material).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public


def written(spec: str, material: Buffer) -> bytearray:
    """Return the private key as PKCS #8 in DER, in a buffer that the caller wipes."""
    return _written(_loaded(spec, material))


def sign(spec: str, material: Buffer, algorithm: str, message_type: str, message: Buffer) -> bytes:
    """Return the signature. ``message_type`` is RAW, DIGEST or EXTERNAL_MU, and fits the algorithm."""
    key = _loaded(spec, material)
    make = key.sign_mu if message_type == "EXTERNAL_MU" else key.sign
    signature: bytes = make(message, *signing(algorithm, digested=message_type == "DIGEST"))
    return signature


def decrypt(spec: str, material: Buffer, algorithm: str, ciphertext: bytes) -> bytearray:
    """Return what was encrypted to an RSA key, in a buffer that the caller wipes; raises SealError."""
    try:
        return drained(_loaded(spec, material).decrypt(ciphertext, oaep(algorithm)))
    except ValueError:
        raise SealError("the ciphertext does not open") from None


def agree(spec: str, material: Buffer, public: bytes) -> bytearray:
    """Return the secret shared with another party (SP 800-56A, section 5.7.1.2), in a buffer that the caller wipes.

    Raises FormatError if ``public`` is no public key of the same curve.
    """
    other = peer(spec, public)
    try:
        return drained(_loaded(spec, material).exchange(ec.ECDH(), other))
    except ValueError:
        raise FormatError("not a public key to agree with") from None


def decapsulate(spec: str, material: Buffer, encapsulated: bytes) -> bytearray:
    """Return the shared secret, in a buffer that the caller wipes; raises SealError for another length (FIPS 203)."""
    try:
        return drained(_loaded(spec, material).decapsulate(encapsulated))
    except ValueError:
        raise SealError("an encapsulation of another length") from None


def _loaded(spec: str, material: Buffer) -> Any:  # noqa: ANN401, one of the library's classes
    if spec in RSA_BITS:
        # It was checked when it was made, and is authenticated; to check it again takes 40 ms.
        return load_der_private_key(material, None, unsafe_skip_rsa_key_validation=True)
    if spec in _CURVES:
        return _loaded_scalar(_CURVES[spec].prefix, material)
    return _SEEDED[spec][1](material)


def _loaded_scalar(prefix: bytes, scalar: Buffer) -> Any:  # noqa: ANN401, one of the library's classes
    encoded = bytearray(prefix)
    encoded += bytes(len(scalar))
    encoded[len(prefix) :] = scalar
    try:
        return load_der_private_key(encoded, None)
    finally:
        wipe(encoded)


def _written(key: Any) -> bytearray:  # noqa: ANN401, one of the library's classes
    return drained(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
