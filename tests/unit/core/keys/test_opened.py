"""A record is opened only if each of its rows is the one that the head names."""

from collections.abc import Callable

import pytest

from keystead.core.keys.attachments import (
    KeyAlias,
    KeyTag,
    read_aliases,
    read_tags,
    write_aliases,
    write_tags,
)
from keystead.core.keys.opened import open_record
from keystead.core.protocols.aws_json.shapes import Tag
from keystead.core.records import ALIASES, GRANTS, POLICY, TAGS, KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import AliasName
from tests.simulators.operations import SimulatedService

Rows = Callable[[KeyRecord, KeyRecord], KeyRecord]
"""From the record of a key and that of another key of the same account to what a hostile repository returns."""


def _with(kind: str, content: bytes) -> Rows:
    return lambda own, other: KeyRecord(own.head, own.tokens, own.attachments | {kind: content})


def _swapped(kind: str) -> Rows:
    return lambda own, other: KeyRecord(own.head, own.tokens, own.attachments | {kind: other.attachments[kind]})


FORGERIES: dict[str, Rows] = {
    "a key token of another key": lambda own, other: KeyRecord(own.head, other.tokens, own.attachments),
    "a key token with a flipped bit": lambda own, other: KeyRecord(
        own.head, {1: own.tokens[1][:-1] + bytes([own.tokens[1][-1] ^ 1])}, own.attachments
    ),
    "a key token of another version": lambda own, other: KeyRecord(
        own.head, {1: own.tokens[2], 2: own.tokens[1]}, own.attachments
    ),
    "a key token of a version that there is not": lambda own, other: KeyRecord(
        own.head, own.tokens | {3: own.tokens[2]}, own.attachments
    ),
    "an empty key token": lambda own, other: KeyRecord(own.head, own.tokens | {2: b""}, own.attachments),
    "the policy of another key": _swapped(POLICY),
    "an edited policy": _with(POLICY, b"{}"),
    "a deleted policy": _with(POLICY, b""),
    "the tags of another key": _swapped(TAGS),
    "edited tags": _with(TAGS, write_tags((KeyTag("purpose", "another"),))),
    "deleted tags": _with(TAGS, b""),
    "the aliases of another key": _swapped(ALIASES),
    "an alias that was added": _with(ALIASES, write_aliases((KeyAlias(AliasName("alias/forged"), 1, 1),))),
    "deleted aliases": _with(ALIASES, b""),
    "grants where there are none": _with(GRANTS, b"anything"),
    "an attachment of an unknown kind": _with("anything", b"anything"),
    "the head of another key": lambda own, other: KeyRecord(other.head, own.tokens, own.attachments),
}


@pytest.fixture
def two_keys() -> tuple[SimulatedService, KeyRecord, KeyRecord]:
    """Two keys with a rotation, a tag and an alias each."""
    service = SimulatedService()
    records = []
    for name in ("one", "other"):
        key_id = service.create(policy=f'{{"Id": "{name}"}}')
        service.call("RotateKeyOnDemand", key_id=key_id)
        service.call("TagResource", key_id=key_id, tags=[Tag(tag_key="purpose", tag_value=name)])
        service.call("CreateAlias", alias_name=f"alias/{name}", target_key_id=key_id)
        records.append(service.records[key_id])
    return service, records[0], records[1]


def test_the_record_that_was_written_opens(two_keys: tuple[SimulatedService, KeyRecord, KeyRecord]) -> None:
    """Nothing is refused of what modules wrote."""
    service, own, _ = two_keys
    key = service.open(own)
    assert key.token(2) == own.tokens[2]
    assert key.attachment(POLICY) == b'{"Id": "one"}'


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_row_that_the_head_does_not_name_is_refused(
    two_keys: tuple[SimulatedService, KeyRecord, KeyRecord], forge: Rows
) -> None:
    """Swapped, mixed, edited and forged rows fail closed, each kind of row for itself."""
    service, own, other = two_keys
    with pytest.raises(RecordError):
        service.open(forge(own, other))


def test_a_row_of_an_earlier_state_is_refused() -> None:
    """A rolled-back attachment does not fit the head of now."""
    service = SimulatedService()
    key_id = service.create(policy='{"Id": "first"}')
    before = service.records[key_id]
    service.call("PutKeyPolicy", key_id=key_id, policy='{"Id": "second"}')
    with pytest.raises(RecordError):
        service.open(KeyRecord(service.records[key_id].head, {}, before.attachments))


def test_what_is_needed_and_was_not_supplied_is_refused(
    two_keys: tuple[SimulatedService, KeyRecord, KeyRecord],
) -> None:
    """A record without a row that the head names opens, and refuses to give that row."""
    service, own, _ = two_keys
    key = service.open(KeyRecord(own.head, {}, {}))
    with pytest.raises(RecordError, match="key token"):
        key.token(1)
    for kind in (POLICY, TAGS, ALIASES):
        with pytest.raises(RecordError, match="attachment"):
            key.attachment(kind)
    assert key.attachment(GRANTS) == b""


def test_a_head_that_is_not_well_formed_is_refused() -> None:
    """What opens under the seal and is no head is refused as a record."""
    with pytest.raises(RecordError, match="not well formed"):
        open_record(b"\x90", KeyRecord(b"sealed", {}, {}))


NOT_TAGS = {
    "not MessagePack": b"\xc1",
    "an empty list": b"\x90",
    "a tag with three parts": b"\x91\x93\xa1a\xa1b\xa1c",
    "one key twice": b"\x92\x92\xa1a\xa1b\x92\xa1a\xa1c",
    "trailing bytes": b"\x91\x92\xa1a\xa1b\x00",
}
NOT_ALIASES = {
    "not MessagePack": b"\xc1",
    "an empty list": b"\x90",
    "not in order": b"\x92\x93\xa7alias/b\x01\x01\x93\xa7alias/a\x01\x01",
    "one name twice": b"\x92\x93\xa7alias/a\x01\x01\x93\xa7alias/a\x01\x01",
}


@pytest.mark.parametrize("written", NOT_TAGS.values(), ids=NOT_TAGS)
def test_tags_have_one_written_form(written: bytes) -> None:
    """What is not written by the encoder are no tags."""
    with pytest.raises(RecordError):
        read_tags(written)


@pytest.mark.parametrize("written", NOT_ALIASES.values(), ids=NOT_ALIASES)
def test_aliases_have_one_written_form(written: bytes) -> None:
    """What is not written by the encoder are no aliases."""
    with pytest.raises(RecordError):
        read_aliases(written)
