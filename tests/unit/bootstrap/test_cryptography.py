"""What a front end tells its operator when it cannot start."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.bootstrap.configuration import dump
from keystead.bootstrap.cryptography import serve
from keystead.bootstrap.role_configuration import CryptographyConfiguration
from keystead.errors import OperatorError
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness


@pytest.fixture
def configuration(tmp_path: Path) -> CryptographyConfiguration:
    """A configuration of which nothing but the operator key exists."""
    key = tmp_path / "operator_key"
    key.write_bytes(OperatorKey.generate(SystemRandomness(), "front end").dump())
    return CryptographyConfiguration(
        operator_key=str(key),
        domain_directory=str(tmp_path / "domain"),
        domain="00" * 32,
        modules=[],
        authentication="unix:authentication.sock",
        repository=str(tmp_path / "repository.sqlite"),
    )


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "plain HTTP for other hosts": ({"host": "0.0.0.0"}, "refusing to listen on 0.0.0.0 without TLS"),  # noqa: S104
    "a certificate without a key": ({"tls_cert": "certificate.pem"}, "TLS needs a certificate and its key"),
    "a key without a certificate": ({"tls_key": "key.pem"}, "TLS needs a certificate and its key"),
    "a certificate that is not there": (
        {"tls_cert": "certificate.pem", "tls_key": "key.pem"},
        "cannot use the certificate certificate.pem",
    ),
    "a quota of a name that is none": ({"request_quotas": {"Encrypt": 5.0}}, "there is no request quota Encrypt"),
    "no operator key": ({"operator_key": "nowhere"}, "cannot read the operator key nowhere"),
    "an operator key that is none": ({"operator_key": "/dev/null"}, "/dev/null holds no OpenSSH Ed25519 private key"),
    "a domain id that is none": ({"domain": "my domain"}, "'my domain' is not a domain id"),
    "a domain directory without a domain": ({}, "does not prove the domain: there is no genesis"),
}


@pytest.mark.parametrize(("change", "problem"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_is_wrong_is_told(
    tmp_path: Path, configuration: CryptographyConfiguration, change: dict[str, Any], problem: str
) -> None:
    """One sentence, and what to do next; nothing is bound."""
    path = tmp_path / "cryptography.toml"
    path.write_text(dump(msgspec.structs.replace(configuration, **change)))
    with pytest.raises(OperatorError, match=problem):
        serve(path)
