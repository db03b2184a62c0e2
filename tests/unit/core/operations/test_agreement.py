"""DeriveSharedSecret, Encapsulate and Decapsulate."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from keystead.identifiers import KeyId
from tests.simulators.operations import SimulatedService, refused

CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
}
ENCAPSULATIONS = {"ML_KEM_768": 1088, "ML_KEM_1024": 1568}
ECDH: dict[str, Any] = {"key_agreement_algorithm": "ECDH"}
ML_KEM: dict[str, Any] = {"encapsulation_algorithm": "ML_KEM"}


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


def agreeing(service: SimulatedService, spec: str = "ECC_NIST_P256") -> KeyId:
    """Create a key to agree with."""
    return service.create(key_spec=spec, key_usage="KEY_AGREEMENT")


def encapsulating(service: SimulatedService, spec: str = "ML_KEM_768") -> KeyId:
    """Create a key to encapsulate to."""
    return service.create(key_spec=spec, key_usage="ENCAPSULATE_DECAPSULATE")


def spki(key: Any) -> bytes:
    """Return a public key as it travels."""
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("spec", CURVES)
def test_both_sides_derive_the_same_secret(service: SimulatedService, spec: str) -> None:
    """The raw one of SP 800-56A; it is wiped when the answer is written."""
    key_id, peer = agreeing(service, spec), ec.generate_private_key(CURVES[spec])
    answer = service.call("DeriveSharedSecret", key_id=key_id, public_key=spki(peer), **ECDH)
    told = service.call("GetPublicKey", key_id=key_id)
    public = load_der_public_key(told.public_key)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert answer.shared_secret == peer.exchange(ec.ECDH(), public)
    assert answer.present() == ("key_id", "shared_secret", "key_agreement_algorithm", "key_origin")
    assert (answer.key_id, answer.key_origin) == (service.head(key_id).arn, "AWS_KMS")
    assert told.key_agreement_algorithms == ["ECDH"]
    assert isinstance(answer.shared_secret, bytearray)


@pytest.mark.parametrize("wrong", ["another curve", "another kind", "a point off the curve", "no key", "cut short"])
def test_what_is_no_public_key_of_the_curve_is_refused_without_a_word(service: SimulatedService, wrong: str) -> None:
    """A point off the curve above all, which would tell of the private key."""
    good = spki(ec.generate_private_key(ec.SECP256R1()))
    public = {
        "another curve": spki(ec.generate_private_key(ec.SECP256K1())),
        "another kind": spki(ed25519.Ed25519PrivateKey.generate()),
        "a point off the curve": good[:-1] + bytes((good[-1] ^ 1,)),
        "no key": b"x",
        "cut short": good[:-1],
    }[wrong]
    with refused("ValidationException", None):
        service.call("DeriveSharedSecret", key_id=agreeing(service), public_key=public, **ECDH)


def test_agreement_needs_a_key_for_it(service: SimulatedService) -> None:
    """A signing key of the same curve does not agree; a dry run ends after that."""
    signing = service.create(key_spec="ECC_NIST_P256", key_usage="SIGN_VERIFY")
    message = f"{service.head(signing).arn} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret."
    with refused("InvalidKeyUsageException", message):
        service.call("DeriveSharedSecret", key_id=signing, public_key=b"x", **ECDH)
    with refused("DryRunOperationException"):
        service.call("DeriveSharedSecret", key_id=agreeing(service), public_key=b"x", dry_run=True, **ECDH)
    assert service.judge.asked[-1].conditions()["kms:keyagreementalgorithm"] == "ECDH"


@pytest.mark.parametrize("spec", ENCAPSULATIONS)
def test_an_encapsulated_secret_is_recovered(service: SimulatedService, spec: str) -> None:
    """Of 32 bytes, wiped when the answers are written; the encapsulation has the size of FIPS 203."""
    key_id = encapsulating(service, spec)
    made = service.call("Encapsulate", key_id=key_id, **ML_KEM)
    assert made.present() == ("key_id", "shared_secret", "shared_secret_ciphertext_blob", "encapsulation_algorithm")
    assert (len(made.shared_secret), len(made.shared_secret_ciphertext_blob)) == (32, ENCAPSULATIONS[spec])
    members = {"key_id": key_id, "shared_secret_ciphertext_blob": made.shared_secret_ciphertext_blob, **ML_KEM}
    opened = service.call("Decapsulate", **members)
    assert opened.present() == ("key_id", "shared_secret", "encapsulation_algorithm")
    assert opened.shared_secret == made.shared_secret
    assert isinstance(opened.shared_secret, bytearray)


def test_what_others_encapsulate_to_the_public_key_is_recovered(service: SimulatedService) -> None:
    """With the library alone, from the key that GetPublicKey tells."""
    key_id = encapsulating(service)
    told = service.call("GetPublicKey", key_id=key_id)
    assert told.encapsulation_algorithms == ["ML_KEM"]
    public = load_der_public_key(told.public_key)
    assert isinstance(public, mlkem.MLKEM768PublicKey)
    shared, encapsulated = public.encapsulate()
    answer = service.call("Decapsulate", key_id=key_id, shared_secret_ciphertext_blob=encapsulated, **ML_KEM)
    assert answer.shared_secret == shared


def test_only_the_length_of_an_encapsulation_is_told(service: SimulatedService) -> None:
    """A changed one, or another key's, gives a secret that nobody has (implicit rejection)."""
    key_id, other = encapsulating(service), encapsulating(service)
    made = service.call("Encapsulate", key_id=other, **ML_KEM)
    blob = made.shared_secret_ciphertext_blob
    seen = {bytes(made.shared_secret)}
    for encapsulated in (blob, blob[:-1] + bytes((blob[-1] ^ 1,))):
        answer = service.call("Decapsulate", key_id=key_id, shared_secret_ciphertext_blob=encapsulated, **ML_KEM)
        seen.add(bytes(answer.shared_secret))
    assert {len(secret) for secret in seen} == {32}
    assert len(seen) == 3
    for encapsulated in (blob[:-1], blob + b"\x00", b"x"):
        with refused("InvalidCiphertextException", None):
            service.call("Decapsulate", key_id=key_id, shared_secret_ciphertext_blob=encapsulated, **ML_KEM)


@pytest.mark.parametrize("operation", ["Encapsulate", "Decapsulate"])
def test_encapsulation_needs_a_key_for_it(service: SimulatedService, operation: str) -> None:
    """A dry run ends after that."""
    members = ML_KEM | ({"shared_secret_ciphertext_blob": b"x"} if operation == "Decapsulate" else {})
    with refused("InvalidKeyUsageException"):
        service.call(operation, key_id=agreeing(service), **members)
    with refused("DryRunOperationException"):
        service.call(operation, key_id=encapsulating(service), dry_run=True, **members)
    assert service.judge.asked[-1].conditions()["kms:encapsulationalgorithm"] == "ML_KEM"
