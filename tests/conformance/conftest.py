"""A client of the service under test: ours, or the one that the environment names.

These tests speak only the public protocol. With ``AWS_ENDPOINT_URL_KMS`` in the environment, beside region and
credentials as boto3 finds them, they are made against that endpoint; else against a ``keystead up`` of their own.
"""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.acceptance.service import running

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})
"""A service may say that it makes no more keys at once, and every SDK then asks again."""


@pytest.fixture(scope="session")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a boto3 client."""
    if "AWS_ENDPOINT_URL_KMS" in os.environ:
        yield boto3.client("kms", config=PATIENT)
        return
    with running(tmp_path_factory.mktemp("keystead") / "data") as service:
        yield service.client(retries={"mode": "standard", "total_max_attempts": 10})
