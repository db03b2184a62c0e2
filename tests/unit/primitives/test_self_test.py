"""A primitive that gives another answer stops the process."""

import pytest

from keystead.errors import OperatorError, SealError
from keystead.primitives import self_test
from keystead.primitives.authentication import Mac
from keystead.primitives.channel import FrameCipher
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.labels import Label
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey


def test_the_primitives_pass() -> None:
    """Every primitive gives its known answer."""
    self_test.run()


def _flipped(answer: bytes) -> bytes:
    return bytes((answer[0] ^ 1,)) + answer[1:]


class _BrokenMac(Mac):
    def tag(self, *parts: bytes | bytearray | memoryview) -> bytes:
        return _flipped(super().tag(*parts))


class _BrokenCipher(FrameCipher):
    def seal(self, sequence: int, header: bytes, plaintext: bytes | bytearray | memoryview) -> bytes:
        return _flipped(super().seal(sequence, header, plaintext))


class _BrokenIdentity(IdentityKey):
    def sign(self, label: Label, message: bytes) -> bytes:
        return _flipped(super().sign(label, message))


class _BrokenHandshake(IdentityKey):
    def sign_handshake(self, label: Label, message: bytes) -> bytes:
        return _flipped(super().sign_handshake(label, message))


class _BrokenRecipient(RecipientKey):
    def open(self, info: bytes, sealed: bytes) -> Secret:
        raise SealError("broken")


def _broken_derive(*arguments: object) -> None:
    """Derives nothing."""


BROKEN = {
    "SHA-256": ("sha256", lambda *parts: bytes(32)),
    "HMAC-SHA-256": ("Mac", _BrokenMac),
    "key derivation": ("derive", _broken_derive),
    "sealing": ("seal", lambda *arguments: b"abc"),
    "opening": ("unseal", lambda *arguments: b"xyz"),
    "frames": ("FrameCipher", _BrokenCipher),
    "signatures": ("IdentityKey", _BrokenIdentity),
    "handshake signatures": ("IdentityKey", _BrokenHandshake),
    "HPKE": ("RecipientKey", _BrokenRecipient),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_primitive_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each primitive, broken alone, makes the self test fail."""
    attribute, broken = BROKEN[name]
    monkeypatch.setattr(self_test, attribute, broken)
    with pytest.raises(OperatorError, match="self test"):
        self_test.run()
