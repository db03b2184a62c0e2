"""The encoding of documents: what stands for more than it is, is not looked at."""

import cbor2
import pytest

from keystead.core.domain import change_request
from keystead.errors import FormatError

DEPTH = 40
HEAD = cbor2.dumps(change_request.PURPOSE) + cbor2.dumps(1) + cbor2.dumps(bytes(32)) * 2
TAIL = cbor2.dumps(1) + cbor2.dumps(bytes(16))


def rule(depth: int, place: int = 0) -> bytes:
    """Return a rule of two equal rules, and so on: each is written once, and shared (tags 28 and 29)."""
    if depth == 0:
        return b"\xd8\x1c" + cbor2.dumps([1, 1, []])
    return b"\xd8\x1c\x83\x02\x01\x82" + rule(depth - 1, place + 1) + b"\xd8\x1d" + cbor2.dumps(place + 1)


def test_shared_values_are_refused_before_they_are_unfolded() -> None:
    """A short request that stands for 2^40 rules costs no more than its bytes, whoever sends it to a module."""
    encoded = b"\x87" + HEAD + b"\x82\x06\x82" + rule(DEPTH) + b"\x80" + TAIL
    assert len(encoded) < 600
    with pytest.raises(FormatError):
        change_request.CODEC.decode(encoded)


@pytest.mark.parametrize(
    "nonce",
    [
        b"\xd9\xd9\xf7" + cbor2.dumps(bytes(16)),
        b"\xd9\x01\x00" + cbor2.dumps(bytes(16)),
        b"\x5f\x50" + bytes(16) + b"\xff",
    ],
    ids=["self-described", "string references", "indefinite"],
)
def test_a_value_is_written_in_one_way(nonce: bytes) -> None:
    """A tag or an indefinite length before a field that is right otherwise makes the document another one."""
    plain = b"\x87" + HEAD + b"\x81\x01" + cbor2.dumps(1)
    assert change_request.CODEC.decode(plain + cbor2.dumps(bytes(16))).nonce == bytes(16)
    with pytest.raises(FormatError):
        change_request.CODEC.decode(plain + nonce)
