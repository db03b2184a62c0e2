"""Signatures of modules."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keystead.errors import FormatError, SignatureError
from keystead.primitives.labels import Label
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import (
    ED25519_SIZE,
    SIGNATURE_SIZE,
    IdentityKey,
    IdentityPublic,
    verify,
    verify_handshake,
)

KEY = IdentityKey.generate(SystemRandomness())
OTHER = IdentityKey.generate(SystemRandomness())
SIGNATURE = KEY.sign(Label.PROMISE, b"message")
OTHERS = OTHER.sign(Label.PROMISE, b"message")


def test_a_signature_verifies() -> None:
    """Both signatures over label and message verify, and the handshake's is Ed25519 over label, zero, message."""
    assert len(SIGNATURE) == SIGNATURE_SIZE
    verify(KEY.public, Label.PROMISE, b"message", SIGNATURE)
    handshake = KEY.sign_handshake(Label.PROMISE, b"message")
    verify_handshake(KEY.public.ed25519, Label.PROMISE, b"message", handshake)
    Ed25519PublicKey.from_public_bytes(KEY.public.ed25519).verify(handshake, Label.PROMISE.value + b"\x00message")


@pytest.mark.parametrize(
    ("label", "message", "signature"),
    [
        (Label.GENESIS, b"message", SIGNATURE),
        (Label.PROMISE, b"massage", SIGNATURE),
        (Label.PROMISE, b"message", SIGNATURE[:-1]),
        (Label.PROMISE, b"message", SIGNATURE + b"\x00"),
        (Label.PROMISE, b"message", b""),
        (Label.PROMISE, b"message", OTHERS),
        (Label.PROMISE, b"message", OTHERS[:ED25519_SIZE] + SIGNATURE[ED25519_SIZE:]),
        (Label.PROMISE, b"message", SIGNATURE[:ED25519_SIZE] + OTHERS[ED25519_SIZE:]),
        (Label.PROMISE, b"message", SIGNATURE[:ED25519_SIZE]),
    ],
    ids=[
        "other label",
        "other message",
        "truncated",
        "trailing byte",
        "empty",
        "other key",
        "other key's Ed25519 half",
        "other key's ML-DSA-65 half",
        "Ed25519 alone",
    ],
)
def test_anything_else_is_refused(label: Label, message: bytes, signature: bytes) -> None:
    """Both halves must be the holder's, over this label and message, and nothing may follow."""
    with pytest.raises(SignatureError):
        verify(KEY.public, label, message, signature)


def test_what_is_no_public_key_verifies_nothing() -> None:
    """Malformed public keys raise SignatureError, not an error of the library."""
    for public in (IdentityPublic(b"", KEY.public.mldsa65), IdentityPublic(KEY.public.ed25519, b"short")):
        with pytest.raises(SignatureError):
            verify(public, Label.PROMISE, b"message", SIGNATURE)
    with pytest.raises(SignatureError):
        verify_handshake(KEY.public.ed25519, Label.PROMISE, b"message", b"short")


def test_a_key_comes_back_from_its_secret() -> None:
    """The same secret makes the same key; a secret of another size is refused."""
    again = IdentityKey.from_secret(Secret.taken(bytearray(KEY.secret().view)))
    assert again.public == KEY.public
    assert repr(again) == "<IdentityKey>"
    with pytest.raises(FormatError):
        IdentityKey.from_secret(Secret.blank(63))


def test_the_first_vector_of_rfc_8032() -> None:
    """The Ed25519 half has the public key of RFC 8032, section 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = IdentityKey.from_secret(Secret.taken(bytearray(seed + bytes(32))))
    assert key.public.ed25519.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
