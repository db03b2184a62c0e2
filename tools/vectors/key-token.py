"""Vectors of ``spec/key-token.md``."""

from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.core.tokens.key_token import binding
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives.sealing import seal
from tools.sealed_vectors import Vector, replaced, sealed_vectors, seeded

_DOMAIN_KEY = seeded("key token domain key", 32)
_DOMAIN_KEY_ID = DomainKeyId(seeded("key token domain key id", 16))
_MATERIAL = seeded("key token material", 32)
_BOUND = {
    "account": "111122223333",
    "region": "eu-central-1",
    "key_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "version": 3,
    "usage": "ENCRYPT_DECRYPT",
}
_OTHERS = {
    "account": "444455556666",
    "region": "us-east-1",
    "key_id": "00000000-4b5a-6978-8796-a5b4c3d2e1f0",
    "version": 4,
    "usage": "GENERATE_VERIFY_MAC",
}
_WRONG = {"SYMMETRIC_DEFAULT": 31, "HMAC_512": 63, "ECC_NIST_P521": 65, "ML_KEM_768": 32, "RSA_2048": 1280}
_SHORTEST = 2 + 16 + 16 + 48


_SIZES = {
    "HMAC_224": 28,
    "HMAC_256": 32,
    "HMAC_384": 48,
    "HMAC_512": 64,
    "ECC_NIST_P256": 32,
    "ECC_NIST_P384": 48,
    "ECC_NIST_P521": 66,
    "ECC_SECG_P256K1": 32,
    "ECC_NIST_EDWARDS25519": 32,
    "ML_DSA_44": 32,
    "ML_DSA_65": 32,
    "ML_DSA_87": 32,
    "ML_KEM_768": 64,
    "ML_KEM_1024": 64,
    "RSA_2048": 1218,
    "RSA_3072": 1793,
    "RSA_4096": 2374,
}
"""Bytes of the material of each spec; what they are does not matter here."""


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    good = _vector(SealedClass.KEY_TOKEN)
    token = bytes.fromhex(good["token"])
    parts = {"id of the domain key": 2, "nonce": 18, "ciphertext": 40, "tag": -33, "commitment": -1}
    return [
        *(_of_spec(spec, size, "ok") for spec, size in _SIZES.items()),
        *(_of_spec(spec, size, "FormatError") for spec, size in _WRONG.items()),
        *sealed_vectors(good, "token", _SHORTEST, parts),
        good | {"name": "other domain key", "outcome": "SealError", "domain_key": seeded("other", 32).hex()},
        *(good | {"name": f"other {field}", "outcome": "SealError", field: other} for field, other in _OTHERS.items()),
        good | {"name": "a key head", "outcome": "FormatError", "token": _vector(SealedClass.KEY_HEAD)["token"]},
        good
        | {"name": "relabelled as a key head", "outcome": "FormatError", "token": replaced(token, 1, b"\x01").hex()},
        good | {"name": "an unknown class", "outcome": "FormatError", "token": replaced(token, 1, b"\x00").hex()},
        good
        | {
            "name": "a key head relabelled as a key token",
            "outcome": "SealError",
            "token": replaced(bytes.fromhex(_vector(SealedClass.KEY_HEAD)["token"]), 1, b"\x02").hex(),
        },
    ]


def _of_spec(spec: str, size: int, outcome: str) -> Vector:
    vector = _vector(SealedClass.KEY_TOKEN, spec, seeded(f"key token material {spec}", size))
    name = spec if outcome == "ok" else f"{spec}, {size} bytes"
    return vector | {"name": name, "outcome": outcome}


def _vector(sealed_class: SealedClass, spec: str = "SYMMETRIC_DEFAULT", material: bytes = _MATERIAL) -> Vector:
    bound = binding(
        AccountId(str(_BOUND["account"])),
        Region(str(_BOUND["region"])),
        KeyId(str(_BOUND["key_id"])),
        int(str(_BOUND["version"])),
        str(_BOUND["usage"]),
    )
    nonce = seeded("key token nonce", 16)
    aad = Envelope(sealed_class, _DOMAIN_KEY_ID, nonce, b"").aad(bound)
    sealed = seal(_DOMAIN_KEY, sealed_class.label, nonce, material, aad)
    return {
        "name": "ok",
        "outcome": "ok",
        "domain_key": _DOMAIN_KEY.hex(),
        "domain_key_id": _DOMAIN_KEY_ID.hex(),
        **_BOUND,
        "spec": spec,
        "token": Envelope(sealed_class, _DOMAIN_KEY_ID, nonce, sealed).encode().hex(),
        "material": material.hex(),
    }
