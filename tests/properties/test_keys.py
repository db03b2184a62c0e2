"""Heads, attachments and markers: whatever is written is read again, and nothing else is read at all."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.keys.attachments import (
    KeyAlias,
    KeyTag,
    read_aliases,
    read_tags,
    write_aliases,
    write_tags,
)
from keystead.core.keys.head import KeyHead, KeyVersion, RecentProof, decode, encode
from keystead.core.operations.paging import SIZES, read_marker, write_marker
from keystead.core.operations.references import any_reference
from keystead.errors import FormatError, RecordError, ServiceError
from keystead.identifiers import AccountId, AliasName, KeyId, Region

MOMENTS = st.integers(0, 2**53)
DIGESTS = st.binary(min_size=32, max_size=32)
TEXTS = st.text(max_size=40)
KEY_IDS = st.uuids().map(str) | st.binary(min_size=16, max_size=16).map(lambda raw: f"mrk-{raw.hex()}")


@st.composite
def heads(draw: st.DrawFn) -> KeyHead:
    """Return heads in every state, with versions, marks, settings and recent proofs."""
    pending, rotating = draw(st.booleans()), draw(st.booleans())
    numbers = range(1, draw(st.integers(1, 4)) + 1)
    versions = tuple(
        KeyVersion(
            number=number,
            material_id=draw(DIGESTS),
            token=draw(DIGESTS),
            created=draw(MOMENTS),
            kind=draw(st.sampled_from(("CREATED", "AUTOMATIC", "ON_DEMAND"))),
            domain_key=draw(st.binary(min_size=16, max_size=16)),
        )
        for number in numbers
    )
    return KeyHead(
        account=AccountId(draw(st.from_regex(r"\A[0-9]{12}\Z"))),
        region=Region("eu-central-1"),
        key_id=KeyId(draw(KEY_IDS)),
        generation=draw(st.integers(1, 2**40)),
        created=draw(MOMENTS),
        spec="SYMMETRIC_DEFAULT",
        usage="ENCRYPT_DECRYPT",
        origin="AWS_KMS",
        multi_region=draw(st.sampled_from((None, "PRIMARY", "REPLICA"))),
        state="PendingDeletion" if pending else draw(st.sampled_from(("Enabled", "Disabled", "Unavailable"))),
        deletion=draw(st.integers(1, 2**53)) if pending else 0,
        deletion_window=draw(st.integers(0, 365)),
        description=draw(TEXTS),
        shredded=draw(MOMENTS),
        suspended=draw(st.booleans()),
        rotation_period=draw(st.integers(90, 2560)) if rotating else 0,
        rotation_due=draw(st.integers(1, 2**53)) if rotating else 0,
        versions=versions,
        policy=draw(DIGESTS),
        tags=draw(DIGESTS | st.just(b"")),
        aliases=draw(DIGESTS | st.just(b"")),
        grants=draw(DIGESTS | st.just(b"")),
        recent=tuple(draw(st.lists(st.builds(RecentProof, st.binary(min_size=16, max_size=16), MOMENTS), max_size=3))),
    )


@given(heads())
def test_a_head_is_read_as_it_was_written(head: KeyHead) -> None:
    """Encoding and decoding give the same head."""
    assert decode(encode(head)) == head


@given(heads(), st.data())
def test_a_head_with_a_changed_byte_is_another_head_or_none(head: KeyHead, data: st.DataObject) -> None:
    """What is read from changed bytes is written as those very bytes."""
    written = bytearray(encode(head))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    _read_or_refused(bytes(written))


@given(st.binary(max_size=300) | st.recursive(st.none() | TEXTS | MOMENTS, st.lists).map(msgspec.msgpack.encode))
def test_anything_is_a_head_or_refused(written: bytes) -> None:
    """Only FormatError comes out."""
    _read_or_refused(written)


def _read_or_refused(written: bytes) -> None:
    try:
        head = decode(written)
    except FormatError:
        return
    assert encode(head) == written


@given(st.lists(st.builds(KeyTag, TEXTS, TEXTS), max_size=5, unique_by=lambda tag: tag.key))
def test_tags_are_read_as_they_were_written(tags: list[KeyTag]) -> None:
    """In their order."""
    assert read_tags(write_tags(tuple(tags))) == tuple(tags)


@given(
    st.lists(st.builds(KeyAlias, TEXTS.map(AliasName), MOMENTS, MOMENTS), max_size=5, unique_by=lambda one: one.name)
)
def test_aliases_are_read_in_order(aliases: list[KeyAlias]) -> None:
    """Whatever order they were put in."""
    assert read_aliases(write_aliases(tuple(aliases))) == tuple(sorted(aliases, key=lambda alias: alias.name))


@given(st.binary(max_size=60) | st.recursive(MOMENTS | TEXTS, st.lists).map(msgspec.msgpack.encode))
def test_anything_is_an_attachment_or_refused(written: bytes) -> None:
    """Only RecordError comes out, and what is read is written again as it was."""
    codecs: tuple[tuple[Any, Any], ...] = ((read_tags, write_tags), (read_aliases, write_aliases))
    for read, write in codecs:
        try:
            values = read(written)
        except RecordError:
            continue
        assert write(values) == written


@given(st.sampled_from(sorted(SIZES)), TEXTS)
def test_a_marker_tells_its_place(operation: str, place: str) -> None:
    """Whatever the place is."""
    assert read_marker(operation, write_marker(operation, place)) == place


@given(st.sampled_from(sorted(SIZES)), TEXTS | st.from_regex(r"\A[A-Za-z0-9_=-]{1,40}\Z"))
def test_anything_is_a_marker_or_refused(operation: str, marker: str) -> None:
    """Only InvalidMarkerException comes out, and there is one marker of each place."""
    try:
        place = read_marker(operation, marker)
    except ServiceError as error:
        refusal = error.code
    else:
        assert write_marker(operation, place) == marker
        return
    assert refusal == "InvalidMarkerException"


@given(TEXTS | st.from_regex(r"\A(arn:aws:kms:[a-z-]{1,12}[0-9]:[0-9]{12}:)?(key/|alias/)?[0-9a-f-]{0,40}\Z"))
def test_any_text_names_a_key_or_nothing(text: str) -> None:
    """Only NotFoundException comes out."""
    refusal = None
    try:
        any_reference(text, AccountId("111122223333"), Region("eu-central-1"))
    except ServiceError as error:
        refusal = error.code
    assert refusal in (None, "NotFoundException")
