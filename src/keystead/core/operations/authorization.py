"""Which permissions an operation needs, and on what."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from keystead.core.protocols.aws_json.shapes import (
    CreateAliasRequest,
    CreateKeyRequest,
    DeleteAliasRequest,
    UpdateAliasRequest,
)


class Authorization(msgspec.Struct, frozen=True, gc=False):
    """One permission: on a key of the request (by its place), on an alias, on another resource, or on none."""

    action: str
    key: int | None = None
    alias: str | None = None
    resource: str = "*"
    """An ARN of neither."""


Authorizations: TypeAlias = tuple[Authorization, ...]
AuthorizationsOf: TypeAlias = Callable[[Any], Authorizations]
"""From the request to what it needs."""


def on_key(operation: str) -> AuthorizationsOf:
    """The permission of the operation's name on the one key."""
    return _always(Authorization(f"kms:{operation}", 0))


def on_nothing(operation: str) -> AuthorizationsOf:
    """The permission of the operation's name, by identity policies alone."""
    return _always(Authorization(f"kms:{operation}"))


def _always(*authorizations: Authorization) -> AuthorizationsOf:
    return lambda _: authorizations


of_shred_key: Final = _always(Authorization("keystead:ShredKey", 0))
"""A permission of its own, which ``kms:*`` does not give (ADR 0012)."""
of_retire_grant: Final = _always()
"""The grant itself says who may retire it."""
of_reencrypt: Final = _always(Authorization("kms:ReEncryptFrom", 0), Authorization("kms:ReEncryptTo", 1))


def of_create_key(request: CreateKeyRequest) -> Authorizations:
    """To put tags on a new key is a permission of its own."""
    create = Authorization("kms:CreateKey")
    return (create, Authorization("kms:TagResource")) if request.tags else (create,)


def of_create_alias(request: CreateAliasRequest) -> Authorizations:
    """On the alias and on its target."""
    return _on_alias("kms:CreateAlias", request.alias_name, 1)


def of_update_alias(request: UpdateAliasRequest) -> Authorizations:
    """On the alias, on the key that it leaves and on the one that it goes to."""
    return _on_alias("kms:UpdateAlias", request.alias_name, 2)


def of_delete_alias(request: DeleteAliasRequest) -> Authorizations:
    """On the alias and on its key."""
    return _on_alias("kms:DeleteAlias", request.alias_name, 1)


def _on_alias(action: str, alias: str, keys: int) -> Authorizations:
    return (Authorization(action, alias=alias), *(Authorization(action, key) for key in range(keys)))
