"""Frames and MACs and digests."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import ForgedFrame, SignatureError
from keystead.primitives.authentication import Mac
from keystead.primitives.channel import FrameCipher
from keystead.primitives.digest import labelled_digest, same, sha256
from keystead.primitives.labels import Label

KEY = bytes(range(32))


@given(st.integers(0, 2**64 - 1), st.binary(max_size=100), st.binary(max_size=500))
def test_a_frame_opens_with_its_number_and_header_only(sequence: int, header: bytes, content: bytes) -> None:
    """Another number, header, key or bytes raise ForgedFrame."""
    cipher = FrameCipher(KEY)
    sealed = cipher.seal(sequence, header, content)
    assert cipher.open(sequence, header, sealed) == content
    attempts: tuple[Callable[[], bytearray], ...] = (
        lambda: cipher.open(sequence ^ 1, header, sealed),
        lambda: cipher.open(sequence, header + b"x", sealed),
        lambda: cipher.open(sequence, header, sealed[:-1]),
        lambda: cipher.open(sequence, header, sealed[:15]),
        lambda: FrameCipher(bytes(32)).open(sequence, header, sealed),
    )
    for wrong in attempts:
        with pytest.raises(ForgedFrame):
            wrong()


def test_ciphers_and_macs_do_not_show_their_keys() -> None:
    """Their representations are their names."""
    assert repr(FrameCipher(KEY)) == "<FrameCipher>"
    assert repr(Mac(KEY)) == "<Mac>"


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_a_mac_is_hmac_sha256_of_the_parts_in_a_row(parts: list[bytes]) -> None:
    """The tag is that of the standard library, verifies, and no other does."""
    mac = Mac(KEY)
    tag = mac.tag(*parts)
    assert tag == hmac.new(KEY, b"".join(parts), hashlib.sha256).digest()
    mac.verify(tag, *parts)
    for wrong in (tag[:-1], tag + b"\x00", b"", bytes((tag[0] ^ 1,)) + tag[1:]):
        with pytest.raises(SignatureError):
            mac.verify(wrong, *parts)


def test_a_labelled_digest_keeps_its_parts_apart() -> None:
    """The same bytes, cut otherwise or under another label, have another digest."""
    digests = {
        labelled_digest(Label.KEY_ID, b"ab", b"c"),
        labelled_digest(Label.KEY_ID, b"a", b"bc"),
        labelled_digest(Label.KEY_ID, b"abc"),
        labelled_digest(Label.KEY_ID, b"abc", b""),
        labelled_digest(Label.MODULE_ID, b"ab", b"c"),
    }
    assert len(digests) == 5
    assert sha256(b"a", b"bc") == hashlib.sha256(b"abc").digest()


def test_same_raises_for_any_difference() -> None:
    """Equal digests pass; others raise SignatureError."""
    same(b"abc", bytearray(b"abc"))
    for other in (b"abd", b"ab", b""):
        with pytest.raises(SignatureError):
            same(b"abc", other)
