"""Sign, Verify and GetPublicKey, with the library itself as the verifier."""

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.core.keys.specs import ALGORITHMS, SIGN
from keystead.core.records import KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import KeyId
from keystead.primitives.digest import sha256
from tests.simulators.operations import SimulatedService, refused

MESSAGE = b"pay 100 to Alice"
PAIRS = [(spec, algorithm) for spec, row in ALGORITHMS.items() for algorithm in row.get(SIGN, ())]
DIGESTING = [(spec, algorithm) for spec, algorithm in PAIRS if algorithm.startswith(("RSASSA", "ECDSA"))]
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


class Signers(SimulatedService):
    """A service with one signing key of each spec."""

    def key(self, spec: str) -> KeyId:
        """Return the key of that spec."""
        for key_id in self.records:
            head = self.head(key_id)
            if (head.spec, head.usage) == (spec, SIGN):
                return key_id
        return self.create(key_spec=spec, key_usage=SIGN)

    def sign(self, spec: str, algorithm: str, message: bytes = MESSAGE, **members: Any) -> bytes:
        """Sign."""
        answer = self.call("Sign", key_id=self.key(spec), message=message, signing_algorithm=algorithm, **members)
        return bytes(answer.signature)

    def public(self, spec: str) -> Any:
        """Return the public key as the library's."""
        return load_der_public_key(self.call("GetPublicKey", key_id=self.key(spec)).public_key)


@pytest.fixture(scope="module")
def signers() -> Signers:
    """Keys are made once: an RSA key takes a second."""
    return Signers()


def check(public: Any, algorithm: str, signature: bytes, message: bytes = MESSAGE) -> None:
    """Verify without any code of ours."""
    if algorithm.startswith(("ED25519", "ML_DSA")):
        public.verify(signature, message)
        return
    chosen = HASHES[algorithm[-3:]]
    if not isinstance(public, RSAPublicKey):
        public.verify(signature, message, ECDSA(chosen))
    elif "PSS" in algorithm:
        public.verify(signature, message, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    else:
        public.verify(signature, message, padding.PKCS1v15(), chosen)


@pytest.mark.parametrize(("spec", "algorithm"), PAIRS)
def test_others_verify_what_was_signed_with_the_public_key_that_is_told(
    signers: Signers, spec: str, algorithm: str
) -> None:
    """Every algorithm of every spec, and our own Verify says the same."""
    signature = signers.sign(spec, algorithm)
    check(signers.public(spec), algorithm, signature)
    answer = signers.call(
        "Verify", key_id=signers.key(spec), message=MESSAGE, signature=signature, signing_algorithm=algorithm
    )
    assert answer.present() == ("key_id", "signature_valid", "signing_algorithm")
    assert (answer.key_id, answer.signature_valid) == (signers.head(signers.key(spec)).arn, True)


@pytest.mark.parametrize(("spec", "algorithm"), DIGESTING)
def test_a_digest_is_signed_as_its_message_would_be(signers: Signers, spec: str, algorithm: str) -> None:
    """The digest's length must be the algorithm's."""
    digest = hashlib.new(f"sha{algorithm[-3:]}", MESSAGE).digest()
    check(signers.public(spec), algorithm, signers.sign(spec, algorithm, digest, message_type="DIGEST"))
    signature = signers.sign(spec, algorithm)
    members: dict[str, Any] = {"key_id": signers.key(spec), "signing_algorithm": algorithm, "message_type": "DIGEST"}
    assert signers.call("Verify", signature=signature, message=digest, **members).signature_valid
    for wrong in (digest[:-1], digest + b"\x00"):
        both: tuple[tuple[str, dict[str, Any]], ...] = (("Sign", {}), ("Verify", {"signature": signature}))
        for call, more in both:
            with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
                signers.call(call, message=wrong, **members, **more)


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_the_message_representative_of_ml_dsa_is_signed_as_its_message(signers: Signers, spec: str) -> None:
    """EXTERNAL_MU: SHAKE-256 over the digest of the public key, an empty context, and the message (FIPS 204)."""
    public = signers.public(spec)
    tr = hashlib.shake_256(public.public_bytes_raw()).digest(64)
    mu = hashlib.shake_256(tr + b"\x00\x00" + MESSAGE).digest(64)
    signature = signers.sign(spec, "ML_DSA_SHAKE_256", mu, message_type="EXTERNAL_MU")
    public.verify(signature, MESSAGE)
    members: dict[str, Any] = {
        "key_id": signers.key(spec),
        "signing_algorithm": "ML_DSA_SHAKE_256",
        "message_type": "EXTERNAL_MU",
    }
    assert signers.call("Verify", signature=signature, message=mu, **members).signature_valid
    with refused("ValidationException", "Digest is invalid length for algorithm ML_DSA_SHAKE_256."):
        signers.call("Sign", message=mu[:-1], **members)


@pytest.mark.parametrize(
    ("spec", "algorithm", "message_type"),
    [
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "DIGEST"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "EXTERNAL_MU"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256", "DIGEST"),
        ("ECC_NIST_P256", "ECDSA_SHA_256", "EXTERNAL_MU"),
        ("RSA_2048", "RSASSA_PSS_SHA_512", "EXTERNAL_MU"),
    ],
)
def test_message_types_that_an_algorithm_does_not_have_are_refused(
    signers: Signers, spec: str, algorithm: str, message_type: str
) -> None:
    """Whatever the length."""
    message = f"MessageType {message_type} is incompatible with algorithm {algorithm}."
    with refused("ValidationException", message):
        signers.sign(spec, algorithm, bytes(64), message_type=message_type)


@pytest.mark.parametrize(("spec", "algorithm"), PAIRS)
def test_any_other_signature_is_refused_without_a_word(signers: Signers, spec: str, algorithm: str) -> None:
    """A changed message, a changed signature, none at all."""
    signature = signers.sign(spec, algorithm)
    middle = len(signature) // 2
    changed = signature[:middle] + bytes((signature[middle] ^ 1,)) + signature[middle + 1 :]
    for wrong, message in (
        (signature, MESSAGE + b"0"),
        (changed, MESSAGE),
        (signature[:-1], MESSAGE),
        (signature + b"\x00", MESSAGE),
        (b"\x00", MESSAGE),
    ):
        with refused("KMSInvalidSignatureException", None):
            signers.call(
                "Verify", key_id=signers.key(spec), message=message, signature=wrong, signing_algorithm=algorithm
            )


@pytest.mark.parametrize("operation", ["Sign", "Verify"])
def test_keys_and_algorithms_that_do_not_fit_are_told_so(signers: Signers, operation: str) -> None:
    """First the usage, then the algorithm; a dry run ends after both, before the key is opened."""
    members: dict[str, Any] = {"message": MESSAGE} | ({"signature": b"x"} if operation == "Verify" else {})
    symmetric, key_id = signers.create(), signers.key("ECC_NIST_P256")
    usage = f"{signers.head(symmetric).arn} key usage is ENCRYPT_DECRYPT which is not valid for {operation}."
    with refused("InvalidKeyUsageException", usage):
        signers.call(operation, key_id=symmetric, signing_algorithm="ECDSA_SHA_256", **members)
    for spec, algorithm in (
        ("ECC_NIST_P256", "ECDSA_SHA_384"),
        ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512"),
        ("RSA_2048", "SM2DSA"),
    ):
        with refused("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {spec}."):
            signers.call(operation, key_id=signers.key(spec), signing_algorithm=algorithm, dry_run=True, **members)
    opened = signers.vault.opened
    with refused("DryRunOperationException"):
        signers.call(operation, key_id=key_id, signing_algorithm="ECDSA_SHA_256", dry_run=True, **members)
    assert signers.vault.opened == opened + 1, "the head alone was opened"


def test_policies_may_ask_for_algorithm_and_message_type(signers: Signers) -> None:
    """Condition keys of the service; the message is raw where nothing is said."""
    signers.sign("ECC_NIST_P256", "ECDSA_SHA_256")
    values = signers.judge.asked[-1].conditions()
    assert (values["kms:signingalgorithm"], values["kms:messagetype"]) == ("ECDSA_SHA_256", "RAW")
    signers.sign("ECC_NIST_P256", "ECDSA_SHA_256", bytes(32), message_type="DIGEST")
    values = signers.judge.asked[-1].conditions()
    assert (values["kms:messagetype"], values["kms:keyspec"]) == ("DIGEST", "ECC_NIST_P256")


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in PAIRS}))
def test_a_public_key_is_told_without_the_private_one(signers: Signers, spec: str) -> None:
    """From the attachment, which the material id of the version binds; no token is supplied."""
    key_id = signers.key(spec)
    answer = signers.call("GetPublicKey", key_id=key_id)
    head = signers.head(key_id)
    assert sha256(answer.public_key) == head.newest.material_id
    assert (answer.key_id, answer.key_spec, answer.key_usage) == (head.arn, spec, SIGN)
    assert tuple(answer.signing_algorithms) == ALGORITHMS[spec][SIGN]
    assert answer.customer_master_key_spec == (None if "25519" in spec or "ML" in spec else spec)
    assert answer.encryption_algorithms is answer.key_agreement_algorithms is None
    told = signers.call("DescribeKey", key_id=key_id).key_metadata
    assert (told.signing_algorithms, told.current_key_material_id) == (answer.signing_algorithms, None)


def test_another_public_key_than_the_heads_is_refused(signers: Signers) -> None:
    """A repository cannot have a signature verified under a key of its own, nor leave the key away."""
    key_id, other = signers.key("ECC_NIST_P256"), signers.key("ECC_NIST_EDWARDS25519")
    foreign = signers.records[other].attachments["public_key"]
    record = signers.records[key_id]
    without = {kind: content for kind, content in record.attachments.items() if kind != "public_key"}
    for attachments in (without | {"public_key": foreign}, without):
        signers.records[key_id] = KeyRecord(record.head, record.tokens, attachments)
        with pytest.raises(RecordError):
            signers.call("GetPublicKey", key_id=key_id)
    signers.records[key_id] = record
