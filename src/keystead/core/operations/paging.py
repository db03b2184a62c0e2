"""Pages of lists: how many entries, and markers that say where the next page begins.

A marker is opaque to callers: base64url of a version, the operation's name, and the place. One that was not made for
this operation is refused; the place itself decides nothing but where to go on.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from keystead.core.operations.checks import in_range
from keystead.errors import ServiceError

T = TypeVar("T")

VERSION: Final = "1"


class Size(NamedTuple):
    """Entries of a page when the caller does not say, and at most."""

    default: int
    most: int


SIZES: Final[Mapping[str, Size]] = MappingProxyType(
    {
        "ListAliases": Size(50, 100),
        "ListGrants": Size(50, 100),
        "ListKeyPolicies": Size(100, 1000),
        "ListKeyRotations": Size(100, 1000),
        "ListKeys": Size(100, 1000),
        "ListRetirableGrants": Size(50, 100),
        "ListResourceTags": Size(50, 50),
    }
)


def page_limit(operation: str, limit: int | None) -> int:
    """Return how many entries a page has; ValidationException for more than the operation allows."""
    size = SIZES[operation]
    return size.default if limit is None else in_range("limit", limit, 1, size.most)


def write_marker(operation: str, place: str) -> str:
    """Return the marker of a place in the list of an operation."""
    return urlsafe_b64encode(f"{VERSION}/{operation}/{place}".encode()).decode().rstrip("=")


def read_marker(operation: str, marker: str | None) -> str:
    """Return the place that a marker tells, empty without one; InvalidMarkerException if it was not made for this."""
    if marker is None:
        return ""
    try:
        text = urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode()
    except ValueError as error:
        raise ServiceError("InvalidMarkerException") from error
    version, _, rest = text.partition("/")
    name, _, place = rest.partition("/")
    if version != VERSION or name != operation or write_marker(operation, place) != marker:
        raise ServiceError("InvalidMarkerException")
    return place


def page(operation: str, entries: Sequence[T], limit: int | None, marker: str | None) -> tuple[list[T], str | None]:
    """Return one page of entries that one key has, and the marker of the next page if there is one."""
    size = page_limit(operation, limit)
    place = read_marker(operation, marker)
    if place and (not place.isascii() or not place.isdecimal()):
        raise ServiceError("InvalidMarkerException")
    begin = int(place or "0")
    end = begin + size
    return list(entries[begin:end]), write_marker(operation, str(end)) if end < len(entries) else None
