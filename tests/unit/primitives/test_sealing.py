"""Sealing: what was sealed opens, and nothing else does."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import SealError
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_into, open_key
from keystead.primitives.sealing import NONCE, OVERHEAD, seal, unseal

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NONCE_ONE = bytes(range(16))
LABEL = Label.KEY_HEAD


@given(st.binary(max_size=5000), st.binary(max_size=300), st.binary(min_size=NONCE, max_size=NONCE))
def test_every_way_to_open_gives_what_was_sealed(plaintext: bytes, aad: bytes, nonce: bytes) -> None:
    """unseal, open_key and open_into agree, and the overhead is constant."""
    sealed = seal(KEY, LABEL, nonce, plaintext, aad)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert unseal(KEY, LABEL, nonce, sealed, aad) == plaintext
    with open_key(KEY, LABEL, nonce, sealed, aad) as secret:
        assert secret.view == plaintext
    out = bytearray(len(plaintext) + 7)
    assert open_into(KEY, LABEL, nonce, sealed, aad, memoryview(out)) == len(plaintext)
    assert out == plaintext + bytes(7)


@given(st.data(), st.binary(max_size=100))
def test_a_flipped_bit_anywhere_does_not_open(data: st.DataObject, plaintext: bytes) -> None:
    """Ciphertext, tag, commitment and nonce are all authenticated."""
    sealed = NONCE_ONE + seal(KEY, LABEL, NONCE_ONE, plaintext, b"aad")
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    forged = bytearray(sealed)
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealError):
        unseal(KEY, LABEL, bytes(forged[:NONCE]), forged[NONCE:], b"aad")


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_arbitrary_bytes_do_not_open(sealed: bytes, nonce: bytes) -> None:
    """Only SealError comes out, whatever comes in."""
    for opening in (unseal, open_key):
        with pytest.raises(SealError):
            opening(KEY, LABEL, nonce, sealed, b"")


@pytest.mark.parametrize(
    ("key", "label", "aad"),
    [(OTHER_KEY, LABEL, b"aad"), (KEY, Label.KEY_TOKEN, b"aad"), (KEY, LABEL, b""), (KEY, LABEL, b"aad2")],
    ids=["other key", "other label", "no aad", "other aad"],
)
def test_another_key_purpose_or_binding_does_not_open(key: bytes, label: Label, aad: bytes) -> None:
    """Sealed bytes open with their own key, label and associated data only; nothing of a refused plaintext is left."""
    sealed = seal(KEY, LABEL, NONCE_ONE, b"plaintext", b"aad")
    with pytest.raises(SealError):
        unseal(key, label, NONCE_ONE, sealed, aad)
    out = bytearray(b"\xff" * 9)
    with pytest.raises(SealError):
        open_into(key, label, NONCE_ONE, sealed, aad, memoryview(out))
    assert b"plaintext" not in out
    with pytest.raises(SealError):
        open_key(key, label, NONCE_ONE, sealed, aad)


def test_no_ciphertext_opens_under_two_keys() -> None:
    """A ciphertext whose GCM tag fits under a second key is refused there: the commitment is to one key."""
    derived = bytearray(64)
    derive(OTHER_KEY, LABEL, NONCE_ONE, derived)
    fits_other = AESGCM(bytes(derived[:32])).encrypt(bytes(12), b"attack", b"")
    commitment = seal(KEY, LABEL, NONCE_ONE, b"attack", b"")[-32:]
    for key in (KEY, OTHER_KEY):
        with pytest.raises(SealError):
            unseal(key, LABEL, NONCE_ONE, fits_other + commitment, b"")


def test_sealing_is_the_composition_of_the_specification() -> None:
    """The sealed bytes are AES-256-GCM under the first half of the derived bytes, then the second half."""
    derived = bytearray(64)
    derive(KEY, LABEL, NONCE_ONE, derived)
    expected = AESGCM(bytes(derived[:32])).encrypt(bytes(12), b"message", b"aad") + derived[32:]
    assert seal(KEY, LABEL, NONCE_ONE, b"message", b"aad") == expected
