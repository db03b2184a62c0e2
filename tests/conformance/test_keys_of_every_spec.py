"""Keys of every spec by boto3, with OpenSSL and the cryptography library as the other side."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, mlkem, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

pytestmark = pytest.mark.slow

MESSAGE = b"pay 100 to Alice"
SIGNING = {
    "RSA_2048": ("RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512"),
    "RSA_3072": ("RSASSA_PSS_SHA_384",),
    "RSA_4096": ("RSASSA_PKCS1_V1_5_SHA_256",),
    "ECC_NIST_P256": ("ECDSA_SHA_256",),
    "ECC_NIST_P384": ("ECDSA_SHA_384",),
    "ECC_NIST_P521": ("ECDSA_SHA_512",),
    "ECC_SECG_P256K1": ("ECDSA_SHA_256",),
    "ECC_NIST_EDWARDS25519": ("ED25519_SHA_512",),
    "ML_DSA_44": ("ML_DSA_SHAKE_256",),
    "ML_DSA_65": ("ML_DSA_SHAKE_256",),
    "ML_DSA_87": ("ML_DSA_SHAKE_256",),
}
PAIRS = ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "ML_KEM_768")


def create(kms: Any, spec: str, usage: str) -> str:
    """Create a key and return its ARN."""
    told = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    assert (told["KeySpec"], told["KeyUsage"], told["KeyState"]) == (spec, usage, "Enabled")
    return str(told["Arn"])


def code(call: Any, **members: Any) -> str:
    """Return the name of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    return str(caught.value.response["Error"]["Code"])


def check(public: Any, algorithm: str, signature: bytes) -> None:
    """Verify with the library alone."""
    if isinstance(public, (Ed25519PublicKey, mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)):
        public.verify(signature, MESSAGE)
        return
    chosen = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, MESSAGE, ec.ECDSA(chosen))
    elif "PSS" in algorithm:
        public.verify(signature, MESSAGE, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    else:
        public.verify(signature, MESSAGE, padding.PKCS1v15(), chosen)


@pytest.mark.parametrize("spec", SIGNING)
def test_signatures_are_verified_here_and_elsewhere(kms: Any, spec: str) -> None:
    """With the public key that is told; what was changed is refused."""
    key = create(kms, spec, "SIGN_VERIFY")
    told = kms.get_public_key(KeyId=key)
    public = load_der_public_key(told["PublicKey"])
    for algorithm in SIGNING[spec]:
        assert algorithm in told["SigningAlgorithms"]
        members = {"KeyId": key, "Message": MESSAGE, "SigningAlgorithm": algorithm}
        signature = kms.sign(**members)["Signature"]
        check(public, algorithm, signature)
        assert kms.verify(Signature=signature, **members)["SignatureValid"] is True
        members["Message"] = MESSAGE + b"0"
        assert code(kms.verify, Signature=signature, **members) == "KMSInvalidSignatureException"


def test_openssl_verifies_what_was_signed(kms: Any, tmp_path: Path) -> None:
    """From the digest alone, with the tool that every operator has."""
    key = create(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    digest = hashlib.sha256(MESSAGE).digest()
    signature = kms.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    (tmp_path / "public").write_bytes(kms.get_public_key(KeyId=key)["PublicKey"])
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "message").write_bytes(MESSAGE)
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-verify",
        "public",
        "-keyform",
        "DER",
        "-signature",
        "signature",
        "message",
    ]
    verified = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert verified.stdout == "Verified OK\n", verified.stderr


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_rsa_encrypts_here_and_elsewhere(kms: Any, algorithm: str) -> None:
    """Decrypt opens both; without the algorithm it is a symmetric key that is meant."""
    key = create(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, RSAPublicKey)
    chosen = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()  # noqa: S303 - what it is
    ours = kms.encrypt(KeyId=key, Plaintext=MESSAGE, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    theirs = public.encrypt(MESSAGE, padding.OAEP(padding.MGF1(chosen), chosen, None))
    for ciphertext in (ours, theirs):
        opened = kms.decrypt(KeyId=key, CiphertextBlob=ciphertext, EncryptionAlgorithm=algorithm)
        assert (opened["Plaintext"], opened["EncryptionAlgorithm"]) == (MESSAGE, algorithm)
        assert "KeyMaterialId" not in opened
    changed = bytes(256)
    assert code(kms.decrypt, KeyId=key, CiphertextBlob=changed, EncryptionAlgorithm=algorithm) == (
        "InvalidCiphertextException"
    )
    assert code(kms.encrypt, KeyId=key, Plaintext=MESSAGE) == "InvalidKeyUsageException"


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_macs_are_verified(kms: Any, bits: int) -> None:
    """And refused for another message."""
    key = create(kms, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
    members = {"KeyId": key, "Message": MESSAGE, "MacAlgorithm": f"HMAC_SHA_{bits}"}
    mac = kms.generate_mac(**members)["Mac"]
    assert len(mac) == bits // 8
    assert kms.verify_mac(Mac=mac, **members)["MacValid"] is True
    members["Message"] = MESSAGE + b"0"
    assert code(kms.verify_mac, Mac=mac, **members) == "KMSInvalidMacException"


@pytest.mark.parametrize(
    ("spec", "curve"),
    [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P384", ec.SECP384R1()), ("ECC_NIST_P521", ec.SECP521R1())],
)
def test_a_secret_is_agreed_on(kms: Any, spec: str, curve: ec.EllipticCurve) -> None:
    """With a peer that has the library alone."""
    key, peer = create(kms, spec, "KEY_AGREEMENT"), ec.generate_private_key(curve)
    told = kms.get_public_key(KeyId=key)
    public = load_der_public_key(told["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    own = peer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(KeyId=key, PublicKey=own, KeyAgreementAlgorithm="ECDH")
    assert answer["SharedSecret"] == peer.exchange(ec.ECDH(), public)
    assert code(kms.derive_shared_secret, KeyId=key, PublicKey=b"x", KeyAgreementAlgorithm="ECDH") == (
        "ValidationException"
    )


@pytest.mark.parametrize(
    ("spec", "kind"), [("ML_KEM_768", mlkem.MLKEM768PublicKey), ("ML_KEM_1024", mlkem.MLKEM1024PublicKey)]
)
def test_a_secret_is_encapsulated_here_and_elsewhere(kms: Any, spec: str, kind: type[Any]) -> None:
    """Decapsulate recovers both."""
    key = create(kms, spec, "ENCAPSULATE_DECAPSULATE")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, kind)
    members = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
    ours = kms.encapsulate(**members)
    shared, encapsulated = public.encapsulate()
    for secret, blob in ((ours["SharedSecret"], ours["SharedSecretCiphertextBlob"]), (shared, encapsulated)):
        assert kms.decapsulate(SharedSecretCiphertextBlob=blob, **members)["SharedSecret"] == secret


@pytest.mark.parametrize("spec", PAIRS)
def test_a_data_key_pair_is_made(kms: Any, spec: str) -> None:
    """The private key opens from its ciphertext, and is the public key's."""
    key = str(kms.create_key()["KeyMetadata"]["KeyId"])
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public == made["PublicKey"]
    assert kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"] == made["PrivateKeyPlaintext"]
    assert "PrivateKeyPlaintext" not in kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)


def test_dry_runs_do_nothing(kms: Any) -> None:
    """Each says that it would have succeeded."""
    signing = create(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    mac = create(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    sign = {"KeyId": signing, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256", "DryRun": True}
    assert code(kms.sign, **sign) == "DryRunOperationException"
    assert code(kms.generate_mac, KeyId=mac, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256", DryRun=True) == (
        "DryRunOperationException"
    )
