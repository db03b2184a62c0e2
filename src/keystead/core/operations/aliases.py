"""CreateAlias, UpdateAlias and DeleteAlias.

Which key an alias points to is true because the key's own attachment says so; the repository's index only finds it.
"""

from typing import Final

from keystead.core.keys.attachments import KeyAlias, read_aliases, write_aliases
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import Kind, kind
from keystead.core.operations.changes import changed
from keystead.core.operations.context import Context, Done
from keystead.core.operations.lookup import Keys, Wanted
from keystead.core.operations.references import ALIAS, AliasNamed, alias_of, existing_alias, key_reference
from keystead.core.protocols.aws_json.shapes import (
    CreateAliasRequest,
    DeleteAliasRequest,
    UpdateAliasRequest,
)
from keystead.core.records import ALIASES, AliasChange, Change, KeyChange
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, AliasName, Region, alias_arn

RESERVED: Final = "alias/aws/"
MAX_ALIASES: Final = 50
"""Aliases of one key."""


def want_for_create(request: CreateAliasRequest, account: AccountId, region: Region) -> Keys:
    """Look up the target of a new alias; also refuses a name that no alias may have."""
    _acceptable(request.alias_name)
    if request.alias_name.startswith(RESERVED):
        raise ServiceError("InvalidAliasNameException", f"Aliases beginning with {RESERVED} are reserved.")
    return Keys((Wanted(key_reference(request.target_key_id, account, region), "none"),))


def want_for_update(request: UpdateAliasRequest, account: AccountId, region: Region) -> Keys:
    """Look up the key that the alias points to and the one that it shall point to."""
    current = Wanted(_alias_reference(request.alias_name, account, region), "none")
    return Keys((current, Wanted(key_reference(request.target_key_id, account, region), "none")))


def want_for_delete(request: DeleteAliasRequest, account: AccountId, region: Region) -> Keys:
    """Look up the key that the alias points to."""
    return Keys((Wanted(_alias_reference(request.alias_name, account, region), "none"),))


def create_alias(context: Context, request: CreateAliasRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Point a new name to a key. That the name is free is checked again when the change is written."""
    (key,) = keys
    name = AliasName(request.alias_name)
    if alias_of(key, name) is not None:
        raise already_exists(AliasChange(context.account, context.region, name, None, None))
    aliases = _with(key, KeyAlias(name, context.now, context.now))
    change = AliasChange(context.account, context.region, name, key.head.key_id, None)
    return Done(None, Change((_aliased(context, key, aliases),), (change,)))


def update_alias(context: Context, request: UpdateAliasRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Point an existing name to another key, of which all that uses the name can make the same use."""
    current, target = keys
    if _use_of(current) != _use_of(target):
        raise ServiceError(
            "ValidationException",
            "Alias must be updated to a key of the same type (symmetric, asymmetric or HMAC) and the same key usage.",
        )
    name = AliasName(request.alias_name)
    moved = KeyAlias(name, existing_alias(current, name).created, context.now)
    change = AliasChange(context.account, context.region, name, target.head.key_id, current.head.key_id)
    if current.head.key_id == target.head.key_id:
        return Done(None, Change((_aliased(context, target, (*_without(target, name), moved)),), (change,)))
    left = _aliased(context, current, _without(current, name))
    return Done(None, Change((left, _aliased(context, target, _with(target, moved))), (change,)))


def delete_alias(context: Context, request: DeleteAliasRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Remove a name; its key stays."""
    (key,) = keys
    name = AliasName(request.alias_name)
    change = AliasChange(context.account, context.region, name, None, key.head.key_id)
    return Done(None, Change((_aliased(context, key, _without(key, name)),), (change,)))


def already_exists(change: AliasChange) -> ServiceError:
    """Return what a caller hears who wants a name that is taken."""
    arn = alias_arn(change.region, change.account, change.name)
    return ServiceError("AlreadyExistsException", f"An alias with the name {arn} already exists")


def _use_of(key: OpenedKey) -> tuple[Kind, str]:
    return kind(key.head.spec), key.head.usage


def _aliased(context: Context, key: OpenedKey, aliases: tuple[KeyAlias, ...]) -> KeyChange:
    return changed(context, key, attachments={ALIASES: write_aliases(aliases)})


def _with(key: OpenedKey, alias: KeyAlias) -> tuple[KeyAlias, ...]:
    aliases = read_aliases(key.attachment(ALIASES))
    if len(aliases) >= MAX_ALIASES:
        raise ServiceError("LimitExceededException", f"A key has at most {MAX_ALIASES} aliases.")
    return (*aliases, alias)


def _without(key: OpenedKey, name: AliasName) -> tuple[KeyAlias, ...]:
    return tuple(alias for alias in read_aliases(key.attachment(ALIASES)) if alias.name != name)


def _alias_reference(name: str, account: AccountId, region: Region) -> AliasNamed:
    _acceptable(name)
    return AliasNamed(account, region, AliasName(name))


def _acceptable(name: str) -> None:
    if not name.startswith(ALIAS) or name == ALIAS:
        raise ServiceError(
            "ValidationException",
            'Alias must start with the prefix "alias/". '
            "Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
