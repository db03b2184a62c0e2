"""Tags, aliases and grants of a key as they rest beside its head: canonical MessagePack, nothing for none."""

from itertools import pairwise
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from keystead.core.protocols.aws_json.shapes import GrantOperation
from keystead.core.strict import StrictCodec
from keystead.errors import FormatError, RecordError
from keystead.identifiers import AccountId, AliasName

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


class GrantConstraint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the encryption context of a request must be, or hold."""

    kind: Literal["Equals", "Subset"]
    pairs: tuple[tuple[str, str], ...]
    """In order of name."""


class KeyGrant(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A grant as it was made (``spec/policy.md``, Grants); a text without characters is none."""

    grant_id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    created: int
    issuer: AccountId
    """The account in which it was made."""
    grantee: str
    retiring: str
    operations: tuple[GrantOperation, ...]
    """In order of name."""
    constraint: GrantConstraint | None
    name: str


_TAGS: Final = StrictCodec[tuple[KeyTag, ...]](tuple[KeyTag, ...], "tags")
_ALIASES: Final = StrictCodec[tuple[KeyAlias, ...]](tuple[KeyAlias, ...], "aliases")
_GRANTS: Final = StrictCodec[tuple[KeyGrant, ...]](tuple[KeyGrant, ...], "grants")


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


def write_grants(grants: tuple[KeyGrant, ...]) -> bytes:
    """Return the attachment that holds these grants, in order of id."""
    return _GRANTS.encode(tuple(sorted(grants, key=_grant_id))) if grants else b""


def read_grants(written: bytes) -> tuple[KeyGrant, ...]:
    """Return the grants of an attachment in order of id; RecordError if ``write_grants`` did not write it."""
    grants = _read(_GRANTS, written)
    if any(low.grant_id >= high.grant_id for low, high in pairwise(grants)):
        raise RecordError("the grants are not in order")
    return grants


def _grant_id(grant: KeyGrant) -> str:
    return grant.grant_id


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
