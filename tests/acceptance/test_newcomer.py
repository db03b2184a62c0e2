"""The first five minutes: start it, point the unmodified AWS CLI at it, create, encrypt, decrypt."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.service import REPOSITORY, Service, aws, keystead, running, status

pytestmark = pytest.mark.slow


@pytest.mark.requirement("FIG2-01", "FIG11-01", "FIG11-09", "FIG26-01", "APICK-14", "ENV-21", "FIG14-07", "FIG2-03")
def test_create_encrypt_decrypt_with_the_aws_cli(service: Service, tmp_path: Path) -> None:
    """A key and an alias are created, a file is encrypted and decrypted again, byte for byte."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(256)) * 8)
    created = json.loads(aws(service, "create-key", "--description", "my first key").stdout)["KeyMetadata"]
    assert created["KeyState"] == "Enabled"
    assert (
        aws(service, "create-alias", "--alias-name", "alias/first", "--target-key-id", created["KeyId"]).returncode == 0
    )

    sealed = json.loads(aws(service, "encrypt", "--key-id", "alias/first", "--plaintext", f"fileb://{secret}").stdout)
    assert sealed["KeyId"] == created["Arn"]
    (tmp_path / "sealed.bin").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    opened = json.loads(aws(service, "decrypt", "--ciphertext-blob", f"fileb://{tmp_path / 'sealed.bin'}").stdout)
    assert base64.b64decode(opened["Plaintext"]) == secret.read_bytes()


@pytest.mark.requirement("ENV-21")
def test_a_wrong_secret_is_told_as_the_service_tells_it(service: Service) -> None:
    """With another secret access key the AWS CLI prints the service's own error."""
    environment = {**os.environ, **service.environment, "AWS_SECRET_ACCESS_KEY": "x" * 40}
    program = REPOSITORY / ".venv" / "bin" / "aws"
    refused = subprocess.run(
        [str(program), "kms", "list-keys"], capture_output=True, text=True, check=False, env=environment
    )
    assert refused.returncode != 0
    assert "(InvalidSignatureException)" in refused.stderr


@pytest.mark.requirement("CONS-15", "DOM-02", "CKEY-01", "CKEY-03")
def test_it_starts_again_with_all_keys(tmp_path: Path) -> None:
    """Stopped and started again on the same directory, it knows its keys, its credentials and its choices."""
    data = tmp_path / "data"
    with running(data, "--region", "eu-central-1", "--account-id", "123456789012") as first:
        client = first.client()
        key = client.create_key()["KeyMetadata"]
        assert key["Arn"].startswith("arn:aws:kms:eu-central-1:123456789012:key/")
        sealed = client.encrypt(KeyId=key["KeyId"], Plaintext=b"kept")["CiphertextBlob"]
        credentials = first.environment["AWS_SECRET_ACCESS_KEY"]
        assert first.stop() == 0
    with running(data) as second:
        assert second.environment["AWS_SECRET_ACCESS_KEY"] == credentials
        assert second.client().decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
        seen = status(data)
        assert seen["keys"] == 1
        assert seen["domain"]["version"] == 1
        assert [module["state"] for module in seen["modules"]] == ["live", "live"]
        assert seen["isolation"] == "one user (development)"


def test_a_directory_in_use_is_refused(service: Service) -> None:
    """A second start on the same directory says who has it and what to do."""
    refused = keystead("up", "--data", str(service.data), "--port", "0")
    assert refused.returncode == 1
    assert "in use by another keystead" in refused.stderr
    assert "--data" in refused.stderr


def test_a_taken_port_is_refused(service: Service, tmp_path: Path) -> None:
    """A start on a port that is taken says so, and leaves nothing behind."""
    port = service.endpoint.rpartition(":")[2]
    refused = keystead("up", "--data", str(tmp_path / "other"), "--port", port)
    assert refused.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in refused.stderr


def test_plain_http_beyond_loopback_is_refused(tmp_path: Path) -> None:
    """Without TLS it does not listen where others could hear."""
    refused = keystead("up", "--data", str(tmp_path / "open"), "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert refused.returncode == 1
    assert "without TLS" in refused.stderr
