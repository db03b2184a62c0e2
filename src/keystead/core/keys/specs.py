"""What each spec of a key can be for, and with which algorithms: one table (kms-developer-guide, "Key spec reference").

What the service model has and the cryptography library lacks is not here: SM2, ML_KEM_512, and of Ed25519 the
prehashed form.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from keystead.core.protocols.aws_json.shapes import KeySpec, KeyUsageType

Kind: TypeAlias = Literal["symmetric", "mac", "pair"]
"""What the material is: a key for sealing, a key for message authentication, or a private key."""

SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
ENCRYPT: Final = "ENCRYPT_DECRYPT"
SIGN: Final = "SIGN_VERIFY"
MAC: Final = "GENERATE_VERIFY_MAC"
AGREE: Final = "KEY_AGREEMENT"
ENCAPSULATE: Final = "ENCAPSULATE_DECAPSULATE"

_RSA: Final[dict[str, tuple[str, ...]]] = {
    ENCRYPT: ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"),
    SIGN: tuple(f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)),
}
_ML_DSA: Final[dict[str, tuple[str, ...]]] = {SIGN: ("ML_DSA_SHAKE_256",)}
_ML_KEM: Final[dict[str, tuple[str, ...]]] = {ENCAPSULATE: ("ML_KEM",)}


def _nist(bits: int) -> dict[str, tuple[str, ...]]:
    return {SIGN: (f"ECDSA_SHA_{bits}",), AGREE: ("ECDH",)}


ALGORITHMS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        SYMMETRIC: {ENCRYPT: (SYMMETRIC,)},
        "RSA_2048": _RSA,
        "RSA_3072": _RSA,
        "RSA_4096": _RSA,
        "ECC_NIST_P256": _nist(256),
        "ECC_NIST_P384": _nist(384),
        "ECC_NIST_P521": _nist(512),
        "ECC_SECG_P256K1": {SIGN: ("ECDSA_SHA_256",)},
        "ECC_NIST_EDWARDS25519": {SIGN: ("ED25519_SHA_512",)},
        "HMAC_224": {MAC: ("HMAC_SHA_224",)},
        "HMAC_256": {MAC: ("HMAC_SHA_256",)},
        "HMAC_384": {MAC: ("HMAC_SHA_384",)},
        "HMAC_512": {MAC: ("HMAC_SHA_512",)},
        "ML_DSA_44": _ML_DSA,
        "ML_DSA_65": _ML_DSA,
        "ML_DSA_87": _ML_DSA,
        "ML_KEM_768": _ML_KEM,
        "ML_KEM_1024": _ML_KEM,
    }
)
"""Algorithms by spec and usage. A key has one usage of its spec's."""

UNAVAILABLE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"ML_KEM_512": (ENCAPSULATE,), "SM2": (ENCRYPT, SIGN, AGREE)}
)
"""Usages of the specs of the service model that no key here can have."""


def usages(spec: KeySpec) -> tuple[str, ...]:
    """Return what keys of this spec can be for."""
    return UNAVAILABLE.get(spec) or tuple(ALGORITHMS[spec])


def algorithms(spec: KeySpec, usage: KeyUsageType) -> tuple[str, ...]:
    """Return the algorithms of a key of this spec and usage."""
    return ALGORITHMS[spec][usage]


def kind(spec: KeySpec) -> Kind:
    """Return what the material of such a key is."""
    if spec == SYMMETRIC:
        return "symmetric"
    return "mac" if spec.startswith("HMAC") else "pair"
