"""ListKeys and ListAliases: rendered from heads and alias attachments that a module opened, a page at a time."""

from typing import Final

from keystead.core.keys.attachments import KeyAlias, read_aliases
from keystead.core.keys.head import KeyHead
from keystead.core.keys.metadata import seconds
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.states import is_gone
from keystead.core.operations.context import Context, Done
from keystead.core.operations.lookup import AliasesPage, Keys, KeysPage, Wanted
from keystead.core.operations.paging import page, page_limit, read_marker, write_marker
from keystead.core.operations.references import ALIAS, existing_alias, key_reference
from keystead.core.protocols.aws_json.shapes import (
    AliasListEntry,
    KeyListEntry,
    ListAliasesRequest,
    ListAliasesResponse,
    ListKeysRequest,
    ListKeysResponse,
)
from keystead.core.records import ALIASES
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, AliasName, KeyId, Region, alias_arn, is_key_id

OWN: Final = "SELF"


def want_keys(request: ListKeysRequest, account: AccountId, region: Region) -> Keys | KeysPage:
    """Look up a page of the account's keys; none if only keys that others share are asked for."""
    limit = page_limit("ListKeys", request.limit)
    after = read_marker("ListKeys", request.marker)
    if after and not is_key_id(after):
        raise ServiceError("InvalidMarkerException")
    if request.resource_owners is not None and OWN not in request.resource_owners:
        return Keys()
    return KeysPage(account, region, KeyId(after), limit)


def want_aliases(request: ListAliasesRequest, account: AccountId, region: Region) -> Keys | AliasesPage:
    """Look up the key whose aliases are asked for, or a page of the account's aliases."""
    limit = page_limit("ListAliases", request.limit)
    if request.key_id is not None:
        return Keys((Wanted(key_reference(request.key_id, account, region), "none"),))
    after = read_marker("ListAliases", request.marker)
    if after and not after.startswith(ALIAS):
        raise ServiceError("InvalidMarkerException")
    return AliasesPage(account, region, AliasName(after), limit)


def list_keys(context: Context, request: ListKeysRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List ids and ARNs of a page of keys, whatever their state; what is gone is none any more."""
    limit = page_limit("ListKeys", request.limit)
    heads = [key.head for key in keys]
    shown = [head for head in heads[:limit] if not is_gone(head, context.now)]
    entries = [KeyListEntry(key_id=head.key_id, key_arn=head.arn) for head in shown]
    more = len(heads) > limit
    marker = write_marker("ListKeys", heads[limit - 1].key_id) if more else None
    return Done(ListKeysResponse(keys=entries, next_marker=marker, truncated=more))


def list_aliases(context: Context, request: ListAliasesRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List the aliases of one key, or a page of the account's aliases."""
    if request.key_id is not None:
        (key,) = keys
        aliases = read_aliases(key.attachment(ALIASES))
        shown, marker = page("ListAliases", aliases, request.limit, request.marker)
        entries = [_entry(key.head, alias) for alias in shown]
        return Done(ListAliasesResponse(aliases=entries, next_marker=marker, truncated=marker is not None))
    limit = page_limit("ListAliases", request.limit)
    named = list(zip(context.names, keys, strict=True))
    entries = [
        _entry(key.head, existing_alias(key, name)) for name, key in named[:limit] if not is_gone(key.head, context.now)
    ]
    more = len(named) > limit
    marker = write_marker("ListAliases", named[limit - 1][0]) if more else None
    return Done(ListAliasesResponse(aliases=entries, next_marker=marker, truncated=more))


def _entry(head: KeyHead, alias: KeyAlias) -> AliasListEntry:
    return AliasListEntry(
        alias_name=alias.name,
        alias_arn=alias_arn(head.region, head.account, alias.name),
        target_key_id=head.key_id,
        creation_date=seconds(alias.created),
        last_updated_date=seconds(alias.updated),
    )
