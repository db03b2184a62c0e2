"""Tags and aliases of a key as they rest beside its head: canonical MessagePack, nothing at all when there are none."""

from itertools import pairwise
from typing import Final, TypeVar

import msgspec

from keystead.core.strict import StrictCodec
from keystead.errors import FormatError, RecordError
from keystead.identifiers import AliasName

T = TypeVar("T")


class KeyTag(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tag: its key is unique among those of one KMS key."""

    key: str
    value: str


class KeyAlias(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name that points to the key, with the moments of its creation and last change in milliseconds."""

    name: AliasName
    created: int
    updated: int


_TAGS: Final = StrictCodec[tuple[KeyTag, ...]](tuple[KeyTag, ...], "tags")
_ALIASES: Final = StrictCodec[tuple[KeyAlias, ...]](tuple[KeyAlias, ...], "aliases")


def write_tags(tags: tuple[KeyTag, ...]) -> bytes:
    """Return the attachment that holds these tags, in the order in which they were put on the key."""
    return _TAGS.encode(tags) if tags else b""


def read_tags(written: bytes) -> tuple[KeyTag, ...]:
    """Return the tags of an attachment; RecordError if ``write_tags`` did not write it."""
    tags = _read(_TAGS, written)
    if len({tag.key for tag in tags}) != len(tags):
        raise RecordError("a tag key is there twice")
    return tags


def write_aliases(aliases: tuple[KeyAlias, ...]) -> bytes:
    """Return the attachment that holds these aliases, in order of name."""
    return _ALIASES.encode(tuple(sorted(aliases, key=_name))) if aliases else b""


def read_aliases(written: bytes) -> tuple[KeyAlias, ...]:
    """Return the aliases of an attachment in order of name; RecordError if ``write_aliases`` did not write it."""
    aliases = _read(_ALIASES, written)
    if any(low.name >= high.name for low, high in pairwise(aliases)):
        raise RecordError("the aliases are not in order")
    return aliases


def _name(alias: KeyAlias) -> AliasName:
    return alias.name


def _read(codec: StrictCodec[tuple[T, ...]], written: bytes) -> tuple[T, ...]:
    if not written:
        return ()
    try:
        values = codec.decode(written)
    except FormatError as error:
        raise RecordError("an attachment is not well formed") from error
    if not values:
        raise RecordError("an attachment holds nothing")
    return values
