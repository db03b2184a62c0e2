"""Other clients than boto3, unmodified: aioboto3, the AWS SDK for JavaScript v3, Tink, the AWS CLI.

Each is a program of its own in ``tests/clients``, in an environment of its own (``.venv-clients``), since they want
other versions of what the tests use. What one of them sealed or signed, boto3 opens and verifies.
"""

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import REPOSITORY, Service, aws, policy_without_use

pytestmark = pytest.mark.slow

PROGRAMS = REPOSITORY / "tests" / "clients"
BIN = REPOSITORY / ".venv-clients" / "bin"
AIOBOTO3 = (BIN / "python", PROGRAMS / "aioboto3_client.py")
JAVASCRIPT = (BIN / "node", PROGRAMS / "javascript_client.js")
TINK = (BIN / "python", PROGRAMS / "tink_client.py")
MESSAGE = b"attack at dawn"
CONTEXT = {"purpose": "clients"}
PLACE = {"associatedData": b"clients".hex()}
SIGNING = {"Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    """Return the ARNs of a key to encrypt with, one to sign with, and one that nobody may use."""
    kms = service.client()
    denied = kms.create_key()["KeyMetadata"]["Arn"]
    kms.put_key_policy(KeyId=denied, Policy=policy_without_use(denied))
    return {
        "sealing": kms.create_key()["KeyMetadata"]["Arn"],
        "signing": kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"],
        "denied": denied,
    }


def told(service: Service, program: Sequence[Path], keys: dict[str, str]) -> dict[str, Any]:
    """Return what a client prints, run with nothing but the variables of ``keystead env``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    ended = subprocess.run(
        [*map(str, program), json.dumps(keys)],
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **service.environment},
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


@pytest.mark.parametrize("program", [AIOBOTO3, JAVASCRIPT], ids=["aioboto3", "JavaScript"])
def test_sdks_encrypt_decrypt_sign_and_are_denied(
    service: Service, keys: dict[str, str], program: Sequence[Path]
) -> None:
    """Thirty-two requests at once are answered each with its own; refusals have the names that the SDK knows."""
    answer = told(service, program, keys)
    assert answer["opened"].encode() == MESSAGE
    assert answer["different"] == 32
    assert answer["verified"] is True
    assert answer["another context"] == "InvalidCiphertextException"
    assert answer["denied"] == "AccessDeniedException"
    kms = service.client()
    opened = kms.decrypt(CiphertextBlob=base64.b64decode(answer["sealed"]), EncryptionContext=CONTEXT)
    assert (opened["Plaintext"], opened["KeyId"]) == (MESSAGE, keys["sealing"])
    signature = base64.b64decode(answer["signature"])
    assert kms.verify(KeyId=keys["signing"], Signature=signature, **SIGNING)["SignatureValid"]


def test_tink_encrypts_by_a_key_and_by_data_keys(service: Service, keys: dict[str, str]) -> None:
    """Tink's associated data is an encryption context; refusals come through as Tink's errors."""
    answer = told(service, TINK, keys)
    assert answer["opened"].encode() == MESSAGE
    assert answer["enveloped"].encode() == MESSAGE
    assert "InvalidCiphertextException" in answer["another context"]
    assert "AccessDeniedException" in answer["denied"]
    opened = service.client().decrypt(CiphertextBlob=base64.b64decode(answer["sealed"]), EncryptionContext=PLACE)
    assert (opened["Plaintext"], opened["KeyId"]) == (MESSAGE, keys["sealing"])


def test_the_aws_cli_signs_and_is_denied(service: Service, keys: dict[str, str], tmp_path: Path) -> None:
    """A file is signed and verified, another one is not verified, and a denied call says who may not do what."""
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "other").write_bytes(b"attack at noon")
    by = ("--key-id", keys["signing"], "--signing-algorithm", "ECDSA_SHA_256")
    signed = json.loads(aws(service, "sign", *by, "--message", f"fileb://{tmp_path / 'message'}").stdout)
    (tmp_path / "signature").write_bytes(base64.b64decode(signed["Signature"]))
    with_signature = (*by, "--signature", f"fileb://{tmp_path / 'signature'}", "--message")
    verified = aws(service, "verify", *with_signature, f"fileb://{tmp_path / 'message'}")
    assert json.loads(verified.stdout)["SignatureValid"] is True
    refused = aws(service, "verify", *with_signature, f"fileb://{tmp_path / 'other'}")
    assert "(KMSInvalidSignatureException)" in refused.stderr
    denied = aws(service, "encrypt", "--key-id", keys["denied"], "--plaintext", f"fileb://{tmp_path / 'message'}")
    assert "(AccessDeniedException)" in denied.stderr
    assert f"is not authorized to perform: kms:Encrypt on resource: {keys['denied']}" in denied.stderr
