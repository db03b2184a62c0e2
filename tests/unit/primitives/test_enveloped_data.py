"""What is enveloped is opened by others, and for nobody else."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keystead.errors import FormatError
from keystead.primitives.enveloped_data import envelop
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import Platform, der

PLATFORM = Platform()
SHORT = der(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 - what is refused


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 4096])
def test_openssl_opens_what_was_enveloped(tmp_path: Path, size: int) -> None:
    """Another implementation of the standard reads the structure and finds the plaintext, of any length."""
    plaintext = SystemRandomness().token(size)
    key, sealed = tmp_path / "key.pem", tmp_path / "enveloped.der"
    key.write_bytes(PLATFORM.environment.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealed.write_bytes(envelop(PLATFORM.public_key, bytearray(plaintext), SystemRandomness()))
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(sealed), "-inkey", str(key)]
    opened = subprocess.run(command, capture_output=True, check=True)
    assert opened.stdout == plaintext


def test_no_two_are_alike() -> None:
    """Key and initialization vector are fresh each time, and the plaintext is nowhere in it."""
    once, again = (envelop(PLATFORM.public_key, b"plaintext" * 4, SystemRandomness()) for _ in range(2))
    assert once != again
    assert b"plaintext" not in once
    assert PLATFORM.opened(once) == PLATFORM.opened(again)


@pytest.mark.parametrize(
    "public",
    [
        b"",
        b"key",
        der(ec.generate_private_key(ec.SECP384R1()).public_key()),
        SHORT,
    ],
    ids=["nothing", "no key", "a curve", "1,024 bits"],
)
def test_other_keys_are_refused(public: bytes) -> None:
    """Only RSA keys of 2,048 bits and more get an envelope."""
    with pytest.raises(FormatError):
        envelop(public, b"plaintext", SystemRandomness())
