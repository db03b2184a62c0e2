"""The strict codec: one byte string for one value, and nothing of a wrong one shown."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.strict import StrictCodec
from keystead.errors import FormatError


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A value with each kind of freedom that MessagePack has."""

    number: int
    content: bytes
    names: dict[int, str]
    more: tuple[str, ...] = ()


CODEC: StrictCodec[Sample] = StrictCodec(Sample, "a sample")
SAMPLE = Sample(7, b"secret", {2: "two", 1: "one"})


@given(st.builds(Sample, st.integers(0, 2**64 - 1), st.binary(), st.dictionaries(st.integers(0, 9), st.text())))
def test_a_value_comes_back(sample: Sample) -> None:
    """From bytes, from a buffer and from a view, the value is the same, and the order of a mapping too."""
    encoded = CODEC.encode(sample)
    for form in (encoded, bytearray(encoded), memoryview(encoded)):
        decoded = CODEC.decode(form)
        assert decoded == sample
        assert list(decoded.names) == list(sample.names)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        CODEC.encode(SAMPLE)[:-1],
        CODEC.encode(SAMPLE) + b"\x00",
        msgspec.msgpack.encode([7, b"secret", {}]),
        msgspec.msgpack.encode([7, b"secret", {}, [], "more"]),
        msgspec.msgpack.encode([7, "secret", {}, []]),
        b"\x94\xcc\x07\xc4\x00\x80\x90",
        b"\x94\x07\xc5\x00\x00\x80\x90",
        b"\x94\x07\xc4\x00\x82\x01\xa1a\x01\xa1b\x90",
        b"\x94\x07\xc4\x00\x81\x01\xa1\xff\x90",
        b"\x91" * 100_000,
    ],
    ids=[
        "empty",
        "truncated",
        "trailing byte",
        "default left out",
        "extra element",
        "text for bytes",
        "long integer",
        "long length",
        "key twice",
        "no text",
        "deep nesting",
    ],
)
def test_another_form_is_refused(encoded: bytes) -> None:
    """What the encoder would not have written is no value, and the error shows nothing of it."""
    with pytest.raises(FormatError) as refusal:
        CODEC.decode(encoded)
    assert "a sample" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_encoding_into_a_buffer_that_is_large_enough_leaves_it_where_it_is() -> None:
    """The buffer is cut to the value, after what stood before the offset."""
    buffer = bytearray(b"k" + bytes(100))
    CODEC.encode_into(SAMPLE, buffer, 1)
    assert bytes(buffer) == b"k" + CODEC.encode(SAMPLE)
