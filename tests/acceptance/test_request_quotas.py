"""Request quotas, as a real client meets them."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.acceptance.service import keystead, running

pytestmark = pytest.mark.slow


def test_a_client_is_throttled_at_the_rate_that_was_chosen(tmp_path: Path) -> None:
    """One key in a thousand seconds; what counts against other quotas goes on."""
    with running(tmp_path / "data", "--request-quota", "CreateKey=0.001") as service:
        client = service.client(retries={"total_max_attempts": 1})
        key = client.create_key()["KeyMetadata"]["KeyId"]
        with pytest.raises(ClientError) as refused:
            client.create_key()
        assert refused.value.response["Error"]["Code"] == "ThrottlingException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert client.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_a_quota_that_is_none_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The message names it and the page that has the names."""
    refused = keystead("up", "--data", str(tmp_path / "data"), "--port", "0", "--request-quota", "Encrypt=5")
    assert refused.returncode == 1
    assert "there is no request quota Encrypt" in refused.stderr
    assert not (tmp_path / "data" / "installation.toml").exists()
