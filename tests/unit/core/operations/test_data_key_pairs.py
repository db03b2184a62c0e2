"""GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext."""

from typing import get_args

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from keystead.core.keys.specs import UNAVAILABLE
from keystead.core.protocols.aws_json.shapes import DataKeyPairSpec
from tests.simulators.operations import SimulatedService, refused

SPECS = [spec for spec in get_args(DataKeyPairSpec) if spec not in UNAVAILABLE]
BOTH = ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")
CONTEXT = {"a": "1"}


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


def public_of(private_key: bytes) -> bytes:
    """Return the public key of PKCS #8 in DER."""
    return (
        load_der_private_key(private_key, None)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.mark.requirement("P23-01")
@pytest.mark.parametrize("spec", SPECS)
def test_a_pair_comes_in_plaintext_and_under_the_key(service: SimulatedService, spec: str) -> None:
    """The private key as PKCS #8, bound to the encryption context where it is encrypted."""
    key_id = service.create()
    answer = service.call("GenerateDataKeyPair", key_id=key_id, key_pair_spec=spec, encryption_context=CONTEXT)
    assert answer.present() == (
        "private_key_ciphertext_blob",
        "private_key_plaintext",
        "public_key",
        "key_id",
        "key_pair_spec",
        "key_material_id",
    )
    assert public_of(bytes(answer.private_key_plaintext)) == answer.public_key
    assert (
        service.decrypt(answer.private_key_ciphertext_blob, encryption_context=CONTEXT) == answer.private_key_plaintext
    )
    with refused("InvalidCiphertextException"):
        service.decrypt(answer.private_key_ciphertext_blob)
    assert (answer.key_id, answer.key_pair_spec) == (service.head(key_id).arn, spec)
    assert answer.key_material_id == service.head(key_id).newest.material_id.hex()
    assert isinstance(answer.private_key_plaintext, bytearray)


def test_a_private_key_can_stay_hidden(service: SimulatedService) -> None:
    """Without plaintext the answer holds the ciphertext only."""
    answer = service.call(BOTH[1], key_id=service.create(), key_pair_spec="ECC_NIST_P256")
    assert answer.present() == (
        "private_key_ciphertext_blob",
        "public_key",
        "key_id",
        "key_pair_spec",
        "key_material_id",
    )
    assert public_of(service.decrypt(answer.private_key_ciphertext_blob)) == answer.public_key


@pytest.mark.parametrize("operation", BOTH)
def test_what_cannot_be_made_is_refused(service: SimulatedService, operation: str) -> None:
    """Specs that the library lacks, keys that are not symmetric, and dry runs after both."""
    key_id = service.create()
    for spec in ("SM2", "ML_KEM_512"):
        with refused("UnsupportedOperationException", f"KeyPairSpec {spec} is not supported."):
            service.call(operation, key_id=key_id, key_pair_spec=spec)
    signing = service.create(key_spec="ECC_NIST_P256", key_usage="SIGN_VERIFY")
    message = f"{service.head(signing).arn} key usage is SIGN_VERIFY which is not valid for {operation}."
    with refused("InvalidKeyUsageException", message):
        service.call(operation, key_id=signing, key_pair_spec="ECC_NIST_P256")
    with refused("DryRunOperationException"):
        service.call(operation, key_id=key_id, key_pair_spec="ECC_NIST_P384", dry_run=True)
    values = service.judge.asked[-1].conditions()
    assert (values["kms:datakeypairspec"], values["kms:encryptionalgorithm"]) == ("ECC_NIST_P384", "SYMMETRIC_DEFAULT")
