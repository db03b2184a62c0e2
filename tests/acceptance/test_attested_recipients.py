"""An attested environment, as a real client speaks for it: boto3 asks, OpenSSL opens."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.acceptance.service import keystead, running
from tests.simulators.attestation import IMAGE, Platform

pytestmark = pytest.mark.slow


def opened(folder: Path, platform: Platform, enveloped: bytes) -> bytes:
    """Return what OpenSSL finds with the environment's key."""
    key, sealed = folder / "environment.pem", folder / "enveloped.der"
    key.write_bytes(platform.environment.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealed.write_bytes(enveloped)
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(sealed), "-inkey", str(key)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def policy(account: str, image: bytes) -> str:
    """Return a policy by which only environments with this image may decrypt."""
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    condition = {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": image.hex()}}
    others = {"Effect": "Allow", "Principal": root, "NotAction": "kms:Decrypt", "Resource": "*"}
    use = {"Effect": "Allow", "Principal": root, "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [others, use]})


def test_only_the_attested_environment_decrypts(tmp_path: Path) -> None:
    """It opens what its image is allowed; another image, another platform and the caller himself get nothing."""
    platform, stranger = Platform(), Platform()
    root = tmp_path / "root.pem"
    root.write_bytes(platform.root.pem)

    def recipient(attesting: Platform, **members: Any) -> dict[str, Any]:
        document = attesting.document(int(time.time() * 1000), **members)
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}

    with running(tmp_path / "data", "--attestation-root", str(root)) as service:
        client = service.client()
        created = client.create_key()["KeyMetadata"]
        key = created["KeyId"]
        client.put_key_policy(KeyId=key, Policy=policy(created["AWSAccountId"], IMAGE))
        sealed = client.encrypt(KeyId=key, Plaintext=b"attack at dawn")["CiphertextBlob"]
        answer = client.decrypt(CiphertextBlob=sealed, Recipient=recipient(platform))
        assert "Plaintext" not in answer
        assert "KeyMaterialId" not in answer
        assert opened(tmp_path, platform, answer["CiphertextForRecipient"]) == b"attack at dawn"
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("AccessDeniedException", {}),
            ("AccessDeniedException", {"Recipient": recipient(platform, pcrs={0: bytes(48)})}),
            ("ValidationException", {"Recipient": recipient(stranger)}),
        ]
        for code, more in wrong:
            with pytest.raises(ClientError) as refused:
                client.decrypt(CiphertextBlob=sealed, **more)
            assert refused.value.response["Error"]["Code"] == code


def test_a_root_that_is_none_is_told(tmp_path: Path) -> None:
    """Before anything is started."""
    refused = keystead("up", "--data", str(tmp_path / "data"), "--port", "0", "--attestation-root", "nowhere.pem")
    assert refused.returncode == 1
    assert "there is no file nowhere.pem" in refused.stderr
