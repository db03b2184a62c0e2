"""TagResource, UntagResource and ListResourceTags."""

from collections.abc import Iterable, Sequence
from typing import Final

from keystead.core.keys.attachments import KeyTag, read_tags, write_tags
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed
from keystead.core.operations.context import Context, Done
from keystead.core.operations.paging import page
from keystead.core.protocols.aws_json.shapes import (
    ListResourceTagsRequest,
    ListResourceTagsResponse,
    Tag,
    TagResourceRequest,
    UntagResourceRequest,
)
from keystead.core.records import TAGS, Change
from keystead.errors import ServiceError

MAX_TAGS: Final = 50
RESERVED: Final = "aws:"


def acceptable_tags(tags: Sequence[Tag]) -> tuple[KeyTag, ...]:
    """Return the tags of a request; TagException for too many, for a key twice, or for one that is reserved."""
    _not_reserved(tag.tag_key for tag in tags)
    if len({tag.tag_key for tag in tags}) != len(tags):
        raise ServiceError("TagException", "Duplicate tag keys")
    return _not_too_many(tuple(KeyTag(tag.tag_key, tag.tag_value) for tag in tags))


def tag_resource(context: Context, request: TagResourceRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Add tags, or overwrite the values of tags that the key has."""
    (key,) = keys
    added = {tag.key: tag for tag in acceptable_tags(request.tags)}
    merged = {tag.key: tag for tag in read_tags(key.attachment(TAGS))} | added
    return _tagged(context, key, _not_too_many(tuple(merged.values())))


def untag_resource(context: Context, request: UntagResourceRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Remove tags; one that the key does not have is no error."""
    (key,) = keys
    _not_reserved(request.tag_keys)
    removed = frozenset(request.tag_keys)
    return _tagged(context, key, tuple(tag for tag in read_tags(key.attachment(TAGS)) if tag.key not in removed))


def list_resource_tags(_context: Context, request: ListResourceTagsRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List the key's tags in the order in which they were added."""
    (key,) = keys
    tags = [Tag(tag_key=tag.key, tag_value=tag.value) for tag in read_tags(key.attachment(TAGS))]
    tags, marker = page("ListResourceTags", tags, request.limit, request.marker)
    return Done(ListResourceTagsResponse(tags=tags, next_marker=marker, truncated=marker is not None))


def _tagged(context: Context, key: OpenedKey, tags: tuple[KeyTag, ...]) -> Done:
    return Done(None, Change((changed(context, key, attachments={TAGS: write_tags(tags)}),)))


def _not_reserved(keys: Iterable[str]) -> None:
    if any(key.lower().startswith(RESERVED) for key in keys):
        raise ServiceError("TagException", "Tags beginning with aws: are reserved")


def _not_too_many(tags: tuple[KeyTag, ...]) -> tuple[KeyTag, ...]:
    if len(tags) > MAX_TAGS:
        raise ServiceError("TagException", "Too many tags")
    return tags
