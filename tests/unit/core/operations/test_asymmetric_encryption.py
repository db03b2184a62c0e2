"""Encrypt, Decrypt and ReEncrypt with RSA keys."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.identifiers import KeyId
from keystead.primitives.customer_algorithms import oaep
from tests.simulators.operations import SimulatedService, refused

LIMITS = {
    ("RSA_2048", "RSAES_OAEP_SHA_1"): 214,
    ("RSA_2048", "RSAES_OAEP_SHA_256"): 190,
    ("RSA_3072", "RSAES_OAEP_SHA_1"): 342,
    ("RSA_3072", "RSAES_OAEP_SHA_256"): 318,
    ("RSA_4096", "RSAES_OAEP_SHA_1"): 470,
    ("RSA_4096", "RSAES_OAEP_SHA_256"): 446,
}
OAEP: dict[str, Any] = {"encryption_algorithm": "RSAES_OAEP_SHA_256"}
NO_CIPHERTEXT = b"\x00" * 256


@pytest.fixture(scope="module")
def service() -> SimulatedService:
    """Keys are made once: an RSA key takes a second."""
    service = SimulatedService()
    for spec in ("RSA_2048", "RSA_3072", "RSA_4096"):
        service.create(key_spec=spec, key_usage="ENCRYPT_DECRYPT")
    return service


def key(service: SimulatedService, spec: str = "RSA_2048") -> KeyId:
    """Return the key of this spec."""
    return next(key_id for key_id in service.records if service.head(key_id).spec == spec)


@pytest.mark.parametrize(("spec", "algorithm"), LIMITS)
def test_the_longest_plaintext_is_encrypted_and_one_byte_more_is_refused(
    service: SimulatedService, spec: str, algorithm: str
) -> None:
    """The limits of RFC 8017, in the service's words; the answers name key and algorithm and no material."""
    key_id, most = key(service, spec), LIMITS[spec, algorithm]
    answer = service.call("Encrypt", key_id=key_id, plaintext=bytes(most), encryption_algorithm=algorithm)
    assert answer.present() == ("ciphertext_blob", "key_id", "encryption_algorithm")
    assert (len(answer.ciphertext_blob), answer.encryption_algorithm) == (int(spec[4:]) // 8, algorithm)
    opened = service.call(
        "Decrypt", key_id=key_id, ciphertext_blob=answer.ciphertext_blob, encryption_algorithm=algorithm
    )
    assert opened.present() == ("key_id", "plaintext", "encryption_algorithm")
    assert (opened.plaintext, opened.encryption_algorithm) == (bytes(most), algorithm)
    assert service.done is not None
    assert service.done.secrets == (opened.plaintext,), "the plaintext is wiped when the answer is written"
    message = f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes."
    with refused("ValidationException", message):
        service.encrypt(key_id, bytes(most + 1), encryption_algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_what_others_encrypt_to_the_public_key_is_decrypted(service: SimulatedService, algorithm: str) -> None:
    """With the library alone, from the key that GetPublicKey tells."""
    answer = service.call("GetPublicKey", key_id=key(service))
    assert answer.encryption_algorithms == ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    public = load_der_public_key(answer.public_key)
    assert isinstance(public, RSAPublicKey)
    ciphertext = public.encrypt(b"attack", oaep(algorithm))
    assert service.decrypt(ciphertext, key_id=key(service), encryption_algorithm=algorithm) == b"attack"


@pytest.mark.parametrize("ciphertext", [b"x", NO_CIPHERTEXT, NO_CIPHERTEXT + b"x", b"\xff" * 256], ids=len)
def test_what_does_not_open_is_refused_without_a_word(service: SimulatedService, ciphertext: bytes) -> None:
    """Whatever the cause."""
    with refused("InvalidCiphertextException", None):
        service.decrypt(ciphertext, key_id=key(service), **OAEP)


def test_the_other_algorithm_and_the_other_key_do_not_open(service: SimulatedService) -> None:
    """An RSA ciphertext names neither."""
    ciphertext = service.encrypt(key(service), **OAEP)
    with refused("InvalidCiphertextException", None):
        service.decrypt(ciphertext, key_id=key(service), encryption_algorithm="RSAES_OAEP_SHA_1")
    with refused("InvalidCiphertextException", None):
        service.decrypt(ciphertext, key_id=key(service, "RSA_3072"), **OAEP)
    with refused("InvalidCiphertextException", None):
        service.decrypt(ciphertext, **OAEP)


def test_the_algorithm_must_be_named(service: SimulatedService) -> None:
    """Without it the symmetric one is meant, which no RSA key has; and none of RSA is a symmetric key's."""
    message = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    with refused("InvalidKeyUsageException", message):
        service.encrypt(key(service))
    for ciphertext in (service.encrypt(key(service), **OAEP), service.encrypt(service.create())):
        with refused("InvalidKeyUsageException", message):
            service.decrypt(ciphertext, key_id=key(service))
    with refused(
        "InvalidKeyUsageException", "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    ):
        service.decrypt(NO_CIPHERTEXT, key_id=service.create(), **OAEP)
    for operation in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"):
        with refused("InvalidKeyUsageException", message):
            service.call(operation, key_id=key(service), key_spec="AES_256")


def test_an_encryption_context_is_refused(service: SimulatedService) -> None:
    """RSA binds none; an empty one is none."""
    ciphertext = service.encrypt(key(service), encryption_context={}, **OAEP)
    message = "EncryptionContext is not valid for key spec RSA_2048."
    context: dict[str, Any] = {"encryption_context": {"a": "1"}}
    with refused("ValidationException", message):
        service.encrypt(key(service), **OAEP, **context)
    with refused("ValidationException", message):
        service.decrypt(ciphertext, key_id=key(service), **OAEP, **context)


def test_a_plaintext_moves_between_symmetric_and_rsa_keys(service: SimulatedService) -> None:
    """ReEncrypt in both directions, each side with its algorithm; material ids are told of symmetric keys only."""
    symmetric, rsa = service.create(), key(service)
    out = service.call(
        "ReEncrypt",
        ciphertext_blob=service.encrypt(symmetric, encryption_context={"a": "1"}),
        source_encryption_context={"a": "1"},
        destination_key_id=rsa,
        destination_encryption_algorithm="RSAES_OAEP_SHA_1",
    )
    assert (out.source_encryption_algorithm, out.destination_encryption_algorithm) == (
        "SYMMETRIC_DEFAULT",
        "RSAES_OAEP_SHA_1",
    )
    assert out.source_key_material_id == service.head(symmetric).newest.material_id.hex()
    assert out.destination_key_material_id is None
    back = service.call(
        "ReEncrypt",
        ciphertext_blob=out.ciphertext_blob,
        source_key_id=rsa,
        source_encryption_algorithm="RSAES_OAEP_SHA_1",
        destination_key_id=symmetric,
    )
    assert back.source_key_material_id is None
    assert service.decrypt(back.ciphertext_blob) == b"attack at dawn"
    with refused("ValidationException"):
        service.call(
            "ReEncrypt",
            ciphertext_blob=service.encrypt(symmetric, bytes(300)),
            destination_key_id=rsa,
            destination_encryption_algorithm="RSAES_OAEP_SHA_1",
        )


def test_a_dry_run_ends_after_every_check(service: SimulatedService) -> None:
    """Encrypt and Decrypt."""
    ciphertext = service.encrypt(key(service), **OAEP)
    with refused("DryRunOperationException"):
        service.encrypt(key(service), dry_run=True, **OAEP)
    with refused("ValidationException"):
        service.encrypt(key(service), bytes(191), dry_run=True, **OAEP)
    with refused("DryRunOperationException"):
        service.decrypt(ciphertext, key_id=key(service), dry_run=True, **OAEP)
    with refused("InvalidCiphertextException"):
        service.decrypt(NO_CIPHERTEXT, key_id=key(service), dry_run=True, **OAEP)


def test_policies_may_ask_for_the_algorithm(service: SimulatedService) -> None:
    """Of both sides of ReEncrypt too."""
    ciphertext = service.encrypt(key(service), **OAEP)
    assert service.judge.asked[-1].conditions()["kms:encryptionalgorithm"] == "RSAES_OAEP_SHA_256"
    destination = service.create()
    service.call(
        "ReEncrypt",
        ciphertext_blob=ciphertext,
        source_key_id=key(service),
        source_encryption_algorithm="RSAES_OAEP_SHA_256",
        destination_key_id=destination,
    )
    asked = [access.conditions()["kms:encryptionalgorithm"] for access in service.judge.asked[-2:]]
    assert asked == ["RSAES_OAEP_SHA_256", "SYMMETRIC_DEFAULT"]
