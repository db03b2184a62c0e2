"""The material in key tokens: its size by the spec of the key, and what identifies it (``spec/key-token.md``)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystead.core.ports import Buffer
from keystead.identifiers import KeyId
from keystead.primitives.derivation import derive
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label

SECRET_SIZES: Final[Mapping[str, int]] = MappingProxyType(
    {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
)
"""Bytes of the material of keys that are no key pairs."""
PRIVATE_SIZES: Final[Mapping[str, range]] = MappingProxyType(
    {
        "ECC_NIST_P256": range(32, 33),
        "ECC_NIST_P384": range(48, 49),
        "ECC_NIST_P521": range(66, 67),
        "ECC_SECG_P256K1": range(32, 33),
        "ECC_NIST_EDWARDS25519": range(32, 33),
        "RSA_2048": range(1152, 1280),
        "RSA_3072": range(1728, 1920),
        "RSA_4096": range(2304, 2560),
        "ML_DSA_44": range(32, 33),
        "ML_DSA_65": range(32, 33),
        "ML_DSA_87": range(32, 33),
        "ML_KEM_768": range(64, 65),
        "ML_KEM_1024": range(64, 65),
    }
)
"""Bytes of the material of key pairs. PKCS #8 of an RSA key is a few bytes shorter now and then."""
_MATERIAL_ID: Final = 32


def material_sizes(spec: str) -> range:
    """Return how many bytes the material of a key of this spec may have."""
    if spec in SECRET_SIZES:
        return range(SECRET_SIZES[spec], SECRET_SIZES[spec] + 1)
    return PRIVATE_SIZES[spec]


def material_id(key_id: KeyId, material: Buffer, public_key: bytes) -> bytes:
    """Return what identifies the material: the digest of the public key if there is one, else derived from it."""
    if public_key:
        return sha256(public_key)
    derived = bytearray(_MATERIAL_ID)
    derive(material, Label.KEY_MATERIAL_ID, key_id.encode(), derived)
    return bytes(derived)
