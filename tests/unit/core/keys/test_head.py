"""The head of a key has one written form, and no other is read."""

import msgspec
import pytest

from keystead.core.keys.head import KeyHead, KeyVersion, RecentProof, decode, encode
from keystead.errors import FormatError
from keystead.identifiers import AccountId, KeyId, Region

VERSION = KeyVersion(number=1, material_id=bytes(32), token=bytes(32), created=5, kind="CREATED", domain_key=bytes(16))
HEAD = KeyHead(
    account=AccountId("111122223333"),
    region=Region("eu-central-1"),
    key_id=KeyId("867f5ebb-d842-8939-a284-749b636cee34"),
    generation=1,
    created=5,
    spec="SYMMETRIC_DEFAULT",
    usage="ENCRYPT_DECRYPT",
    origin="AWS_KMS",
    versions=(VERSION,),
    policy=bytes(32),
    recent=(RecentProof(bytes(16), 9),),
)
CONTRADICTIONS = {
    "a key id of another form": {"key_id": "867F5EBB-d842-8939-a284-749b636cee34"},
    "pending deletion without a date": {"state": "PendingDeletion"},
    "a deletion date without pending deletion": {"deletion": 7},
    "days between rotations without a date": {"rotation_period": 90},
    "a rotation date without days between": {"rotation_due": 7},
    "no version": {"versions": ()},
    "a version that is skipped": {"versions": (VERSION, msgspec.structs.replace(VERSION, number=3))},
    "a version that is there twice": {"versions": (VERSION, VERSION)},
    "no first version": {"versions": (msgspec.structs.replace(VERSION, number=2),)},
}
OUTSIDE_OF_FIELDS = {
    "generation nought": {"generation": 0},
    "another format": {"format": 2},
    "an unknown state": {"state": "Asleep"},
    "an unknown spec": {"spec": "DES"},
    "a policy digest that is missing": {"policy": b""},
    "a digest that is too long": {"tags": bytes(33)},
    "a proof id that is too short": {"recent": (RecentProof(bytes(15), 9),)},
    "a moment before all time": {"created": -1},
}


def test_a_head_is_read_as_it_was_written() -> None:
    """Encoding and decoding give the same head."""
    assert decode(encode(HEAD)) == HEAD


@pytest.mark.parametrize("fields", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_head_that_contradicts_itself_is_refused(fields: dict[str, object]) -> None:
    """Fields that cannot be true together are no head, even under a valid seal."""
    with pytest.raises(FormatError, match="contradict"):
        decode(encode(msgspec.structs.replace(HEAD, **fields)))


@pytest.mark.parametrize("fields", OUTSIDE_OF_FIELDS.values(), ids=OUTSIDE_OF_FIELDS)
def test_a_field_outside_of_its_values_is_refused(fields: dict[str, object]) -> None:
    """Each field has its own limits."""
    with pytest.raises(FormatError, match="not a key head"):
        decode(encode(msgspec.structs.replace(HEAD, **fields)))


def test_bytes_that_the_encoder_would_not_write_are_refused() -> None:
    """Truncated, extended, and longer forms of the same values are no head."""
    written = encode(HEAD)
    fields = msgspec.msgpack.decode(written)
    for other in (b"", written[:-1], written + b"\x00", msgspec.msgpack.encode([*fields, 0]), b"\x81" + written[1:]):
        with pytest.raises(FormatError):
            decode(other)


def test_a_key_has_the_versions_from_one_to_the_newest() -> None:
    """Version numbers outside of the list name nothing."""
    head = msgspec.structs.replace(HEAD, versions=(VERSION, msgspec.structs.replace(VERSION, number=2)))
    assert [head.version(number) is None for number in (-1, 0, 1, 2, 3)] == [True, True, False, False, True]
    assert head.newest.number == 2
