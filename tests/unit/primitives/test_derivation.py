"""Derivation is SP 800-108r1 in counter mode, one block."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label


@given(st.binary(min_size=16, max_size=200), st.sampled_from(Label), st.binary(max_size=300), st.integers(1, 64))
def test_it_is_the_kdf_of_the_standard(key: bytes, label: Label, context: bytes, size: int) -> None:
    """For every input the output is that of KBKDF-HMAC-SHA-512 with an 8-bit counter after the fixed input."""
    fixed = label.value + b"\x00" + context + (8 * size).to_bytes(2, "big")
    standard = KBKDFHMAC(
        SHA512(), Mode.CounterMode, size, 1, None, CounterLocation.AfterFixed, None, None, fixed
    ).derive(key)
    out = bytearray(size)
    derive(key, label, context, out)
    assert out == standard == hmac.new(key, fixed + b"\x01", hashlib.sha512).digest()[:size]


def test_no_input_can_stand_for_another() -> None:
    """Label, context, key and length each change the output."""
    outputs = set()
    for key in (bytes(32), b"\x01" * 32):
        for label in Label:
            for context in (b"", b"\x00", b"a"):
                for size in (32, 64):
                    out = bytearray(size)
                    derive(key, label, context, out)
                    outputs.add(bytes(out[:32]))
    assert len(outputs) == 2 * len(Label) * 3 * 2


def test_more_than_a_block_is_refused() -> None:
    """An output longer than one block raises, rather than being derived in another way."""
    with pytest.raises(IndexError):
        derive(bytes(32), Label.SELF_TEST, b"", bytearray(65))


def test_labels_are_distinct_and_none_begins_another_with_a_zero() -> None:
    """Every label is unique, names its version and holds no zero byte, so the separator is unambiguous."""
    values = [label.value for label in Label]
    assert len(set(values)) == len(Label.__members__)
    assert all(value.startswith(b"keystead/v1/") and b"\x00" not in value for value in values)
    assert list(Label.__members__) == sorted(Label.__members__)
