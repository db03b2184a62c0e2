"""The ways to start the whole service beside the plain one: through make, and with TLS."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from tests.acceptance.service import REPOSITORY, exports, keystead, running
from tests.certificates import for_localhost

pytestmark = pytest.mark.slow


def test_make_up_takes_data_and_port(tmp_path: Path) -> None:
    """``make up DATA= PORT=`` comes up, serves, and ends at Ctrl-C; what is installed is not installed again."""
    data = tmp_path / "data"
    command = ["make", "-s", "-o", ".venv/.installed", "up", f"DATA={data}", "PORT=0"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert any("keystead is ready" in line for line in process.stdout)
            named = exports(data)
            assert not named["AWS_ENDPOINT_URL_KMS"].endswith(":7600")
            status = keystead("status", "--data", str(data))
            assert status.returncode == 0
            assert "isolation: one user (development)" in status.stdout
        finally:
            os.killpg(process.pid, signal.SIGINT)
    assert keystead("status", "--data", str(data)).returncode == 1


def test_boto3_over_tls(tmp_path: Path) -> None:
    """With certificate and key it serves HTTPS to clients that trust the authority, and to no others."""
    certificate, key = for_localhost(tmp_path)
    with running(tmp_path / "data", "--tls-cert", str(certificate), "--tls-key", str(key)) as service:
        environment = service.environment
        assert environment["AWS_ENDPOINT_URL_KMS"].startswith("https://")
        endpoint = environment["AWS_ENDPOINT_URL_KMS"].replace("127.0.0.1", "localhost")

        def client(authority: Path | None) -> Any:
            return boto3.client(
                "kms",
                endpoint_url=endpoint,
                region_name=environment["AWS_DEFAULT_REGION"],
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                verify=None if authority is None else str(authority),
                config=Config(retries={"total_max_attempts": 1}),
            )

        trusting = client(certificate)
        made = trusting.create_key()["KeyMetadata"]["KeyId"]
        sealed = trusting.encrypt(KeyId=made, Plaintext=b"over TLS")["CiphertextBlob"]
        assert trusting.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"over TLS"
        with pytest.raises(SSLError):
            client(None).list_keys()
        assert keystead("status", "--data", str(service.data)).returncode == 0
