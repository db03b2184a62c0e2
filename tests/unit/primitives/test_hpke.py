"""Sealing to a recipient."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.errors import FormatError, SealError
from keystead.primitives.hpke import OVERHEAD, PUBLIC_SIZE, RecipientKey, seal_to
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.secret import Secret

KEY = RecipientKey.generate(SystemRandomness())
OTHER = RecipientKey.generate(SystemRandomness())


@settings(max_examples=20)
@given(st.binary(max_size=50), st.binary(min_size=2, max_size=500))
def test_only_the_recipient_opens_for_the_same_purpose(info: bytes, plaintext: bytes) -> None:
    """The recipient opens; another key, another info, or changed bytes raise SealError."""
    sealed = seal_to(KEY.public, info, plaintext)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert KEY.open(info, sealed).view == plaintext
    attempts: tuple[Callable[[], Secret], ...] = (
        lambda: OTHER.open(info, sealed),
        lambda: KEY.open(info + b"x", sealed),
        lambda: KEY.open(info, sealed[:-1]),
        lambda: KEY.open(info, sealed + b"\x00"),
        lambda: KEY.open(info, sealed[:-1] + bytes((sealed[-1] ^ 1,))),
        lambda: KEY.open(info, bytes((sealed[0] ^ 1,)) + sealed[1:]),
        lambda: KEY.open(info, b""),
    )
    for wrong in attempts:
        with pytest.raises(SealError):
            wrong()


def test_a_key_comes_back_from_its_secret() -> None:
    """The same secret makes the same key; a secret of another size is refused."""
    again = RecipientKey.from_secret(Secret.taken(bytearray(KEY.secret().view)))
    assert again.public == KEY.public
    assert again.open(b"", seal_to(KEY.public, b"", b"content")).view.tobytes() == b"content"
    with pytest.raises(FormatError):
        RecipientKey.from_secret(Secret.blank(95))
    assert repr(again) == "<RecipientKey>"


@pytest.mark.parametrize(
    "public",
    [b"", KEY.public[:-1], KEY.public + b"\x00", b"\xff" * PUBLIC_SIZE, KEY.public[:-32] + bytes(32)],
    ids=["empty", "truncated", "trailing byte", "coefficients out of range", "point of low order"],
)
def test_what_is_no_public_key_is_refused(public: bytes) -> None:
    """Sealing to anything that is not a public key of the hybrid KEM raises FormatError."""
    with pytest.raises(FormatError):
        seal_to(public, b"", b"content")
