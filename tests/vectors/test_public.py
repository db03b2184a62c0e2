"""Public vectors through our layer (``tests/vectors/public/README.md`` says where they are from)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.errors import FormatError, SignatureError
from keystead.primitives import private_keys, public_keys
from keystead.primitives.authentication import authentication_code

FOLDER = Path(__file__).parent / "public"
CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
}
SIZES = {"ECC_NIST_P256": 32, "ECC_NIST_P384": 48, "ECC_NIST_P521": 66}
RAW_PUBLIC: dict[str, Any] = {
    "ML_DSA_44": mldsa.MLDSA44PublicKey,
    "ML_DSA_65": mldsa.MLDSA65PublicKey,
    "ML_DSA_87": mldsa.MLDSA87PublicKey,
    "ML_KEM_768": mlkem.MLKEM768PublicKey,
    "ML_KEM_1024": mlkem.MLKEM1024PublicKey,
    "ECC_NIST_EDWARDS25519": ed25519.Ed25519PublicKey,
}
Vector = dict[str, Any]


def vectors(name: str) -> list[Any]:
    """Return the vectors of a file."""
    found: list[Vector] = json.loads((FOLDER / f"{name}.json").read_text())
    return [pytest.param(vector, id=f"{number}") for number, vector in enumerate(found)]


def octets(vector: Vector, *names: str) -> tuple[bytes, ...]:
    """Return members that are hexadecimal."""
    return tuple(bytes.fromhex(vector[name]) for name in names)


def spki(key: Any) -> bytes:
    """Return a public key as it rests here."""
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def point(spec: str, vector: Vector) -> bytes:
    """Return a point as SubjectPublicKeyInfo, on the curve or not: the library's prefix, then the coordinates."""
    some = spki(ec.generate_private_key(CURVES[spec]).public_key())
    size = SIZES[spec]
    x, y = (int(vector[name], 16).to_bytes(size, "big") for name in ("x", "y"))
    return some[: -2 * size] + x + y


def holds(public: bytes, algorithm: str, message_type: str, message: bytes, signature: bytes) -> bool:
    """Whether the signature verifies."""
    try:
        public_keys.verify(public, algorithm, message_type, message, signature)
    except SignatureError:
        return False
    return True


@pytest.mark.parametrize("vector", vectors("hmac"))
def test_hmac(vector: Vector) -> None:
    """RFC 4231; some of its MACs are cut."""
    key, message, mac = octets(vector, "key", "message", "mac")
    assert authentication_code(key, vector["algorithm"], message)[: len(mac)] == mac


@pytest.mark.parametrize("vector", vectors("ecdsa"))
def test_ecdsa(vector: Vector) -> None:
    """Right signatures, and ones with a changed message, key or half."""
    signature = encode_dss_signature(int(vector["r"], 16), int(vector["s"], 16))
    (message,) = octets(vector, "message")
    public = point(vector["spec"], vector)
    assert holds(public, vector["algorithm"], "RAW", message, signature) is vector["valid"]
    digest = hashlib.new(f"sha{vector['algorithm'][-3:]}", message).digest()
    assert holds(public, vector["algorithm"], "DIGEST", digest, signature) is vector["valid"]


@pytest.mark.parametrize("vector", vectors("rsa_pkcs1"))
def test_rsa_pkcs1(vector: Vector) -> None:
    """Right signatures, and ones with a changed message, key, signature or padding."""
    public = spki(rsa.RSAPublicNumbers(int(vector["e"], 16), int(vector["n"], 16)).public_key())
    message, signature = octets(vector, "message", "signature")
    assert holds(public, vector["algorithm"], "RAW", message, signature) is vector["valid"]


@pytest.mark.parametrize("vector", vectors("ecdh"))
def test_ecdh(vector: Vector) -> None:
    """Right secrets, ones that differ, and points that are not on the curve, which are refused."""
    spec = vector["spec"]
    scalar = int(vector["scalar"], 16).to_bytes(SIZES[spec], "big")
    secret = int(vector["secret"], 16).to_bytes(SIZES[spec], "big")
    try:
        agreed = private_keys.agree(spec, scalar, point(spec, vector))
    except FormatError:
        assert vector["result"].startswith("F")
        assert "Z" not in vector["result"]
    else:
        # Of what is wrong in these vectors, a secret is the only thing that shows in it.
        assert (agreed == secret) or vector["result"].startswith("F")


@pytest.mark.parametrize("vector", vectors("ed25519"))
def test_ed25519(vector: Vector) -> None:
    """Public key and signature follow from seed and message."""
    seed, public, message, signature = octets(vector, "seed", "public", "message", "signature")
    spec, algorithm = "ECC_NIST_EDWARDS25519", "ED25519_SHA_512"
    assert private_keys.public_of(spec, seed)[-32:] == public
    assert private_keys.sign(spec, seed, algorithm, "RAW", message) == signature
    told = spki(RAW_PUBLIC[spec].from_public_bytes(public))
    assert holds(told, algorithm, "RAW", message, signature)
    assert not holds(told, algorithm, "RAW", message + b"x", signature)


@pytest.mark.parametrize("vector", vectors("ml_dsa"))
def test_ml_dsa(vector: Vector) -> None:
    """The public key follows from the seed; the signature, made with a context, is that of its representative."""
    seed, public, context, message, signature = octets(vector, "seed", "public", "context", "message", "signature")
    spec, algorithm = vector["spec"], "ML_DSA_SHAKE_256"
    told = spki(RAW_PUBLIC[spec].from_public_bytes(public))
    assert private_keys.public_of(spec, seed) == told
    digest = hashlib.shake_256(public).digest(64)
    mu = hashlib.shake_256(digest + b"\x00" + bytes((len(context),)) + context + message).digest(64)
    assert holds(told, algorithm, "EXTERNAL_MU", mu, signature)
    assert not holds(told, algorithm, "RAW", message, signature), "RAW has an empty context"
    assert holds(told, algorithm, "EXTERNAL_MU", mu, private_keys.sign(spec, seed, algorithm, "EXTERNAL_MU", mu))


@pytest.mark.parametrize("vector", vectors("ml_kem"))
def test_ml_kem(vector: Vector) -> None:
    """The public key follows from the seed, the secret from the encapsulation, another one from a changed one."""
    seed, public, encapsulation, secret = octets(vector, "seed", "public", "encapsulation", "secret")
    bad, implied = octets(vector, "bad_encapsulation", "bad_secret")
    spec = vector["spec"]
    assert private_keys.public_of(spec, seed) == spki(RAW_PUBLIC[spec].from_public_bytes(public))
    assert private_keys.decapsulate(spec, seed, encapsulation) == secret
    assert private_keys.decapsulate(spec, seed, bad) == implied


@pytest.mark.parametrize("vector", vectors("kbkdf"))
def test_one_block_of_hkdf_expand_is_the_counter_mode_of_sp_800_108(vector: Vector) -> None:
    """HMAC-SHA-512, an 8-bit counter after the fixed input: what ``primitives.derivation`` rests on."""
    key, fixed, output = octets(vector, "key", "fixed", "output")
    assert HKDFExpand(SHA512(), len(output), fixed).derive(key) == output
