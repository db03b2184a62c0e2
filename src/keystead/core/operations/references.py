"""How callers name keys and aliases, and whether a record is the one that they named.

Four forms: key id, key ARN, alias name, alias ARN. Bare forms mean the caller's account and the service's region.
"""

from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from keystead.core.keys.attachments import KeyAlias, read_aliases
from keystead.core.keys.opened import OpenedKey
from keystead.core.records import ALIASES
from keystead.errors import RecordError, ServiceError
from keystead.identifiers import AccountId, AliasName, KeyId, Region, alias_arn, is_key_id, key_arn, parse_arn

ALIAS: Final = "alias/"
KEY: Final = "key/"
LONGEST_ALIAS: Final = 256
"""Characters of an alias, its prefix included."""
REMEMBERED: Final = 4096
"""Names of keys that need not be read again; none of them is long."""


class KeyNamed(msgspec.Struct, frozen=True, gc=False):
    """A key, by id or ARN."""

    account: AccountId
    region: Region
    key_id: KeyId

    def missing(self) -> ServiceError:
        """Return what a caller hears if there is no such key."""
        return ServiceError(
            "NotFoundException", f"Key '{key_arn(self.region, self.account, self.key_id)}' does not exist"
        )

    def names(self, key: OpenedKey) -> bool:
        """Whether this names the key."""
        head = key.head
        return head.key_id == self.key_id and head.account == self.account and head.region == self.region


class AliasNamed(msgspec.Struct, frozen=True, gc=False):
    """A key, by an alias that points to it."""

    account: AccountId
    region: Region
    alias: AliasName

    @property
    def arn(self) -> str:
        """The alias's written ARN."""
        return alias_arn(self.region, self.account, self.alias)

    def missing(self) -> ServiceError:
        """Return what a caller hears if there is no such alias."""
        return ServiceError("NotFoundException", f"Alias {self.arn} is not found.")

    def names(self, key: OpenedKey) -> bool:
        """Whether this names the key: the key's own list of aliases says so, not the repository's index."""
        head = key.head
        return head.account == self.account and head.region == self.region and alias_of(key, self.alias) is not None


class CiphertextNamed(msgspec.Struct, frozen=True, gc=False):
    """A key, by the id inside a ciphertext; in any account, for a ciphertext does not tell whose key it is."""

    region: Region
    key_id: KeyId

    def missing(self) -> ServiceError:
        """Return what a caller hears if there is no such key; the same as if he may not use it."""
        return ServiceError(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
            "or you are not allowed to access.",
        )

    def names(self, key: OpenedKey) -> bool:
        """Whether this names the key."""
        return key.head.key_id == self.key_id and key.head.region == self.region


Reference: TypeAlias = KeyNamed | AliasNamed | CiphertextNamed


def alias_of(key: OpenedKey, name: str) -> KeyAlias | None:
    """Return the key's alias of that name, or None if it has none such."""
    return next((alias for alias in read_aliases(key.attachment(ALIASES)) if alias.name == name), None)


def existing_alias(key: OpenedKey, name: AliasName) -> KeyAlias:
    """Return the alias of that name; RecordError if the key has none such."""
    alias = alias_of(key, name)
    if alias is None:
        raise RecordError("the record is not of the key that was asked for")
    return alias


@lru_cache(REMEMBERED)
def key_reference(text: str, account: AccountId, region: Region) -> KeyNamed:
    """Return the key that the text names by id or ARN; no other form is accepted.

    Raises:
        ServiceError: NotFoundException for text that can name no key here.
    """
    reference = any_reference(text, account, region)
    if not isinstance(reference, KeyNamed):
        raise _invalid(text)
    return reference


@lru_cache(REMEMBERED)
def any_reference(text: str, account: AccountId, region: Region) -> KeyNamed | AliasNamed:
    """Return the key that the text names in any of the four forms.

    Raises:
        ServiceError: NotFoundException for text that can name no key here.
    """
    resource = text
    if text.startswith("arn:"):
        arn = parse_arn(text)
        if arn is None:
            raise _invalid(text)
        if arn.region != region:
            raise ServiceError("NotFoundException", f"Invalid arn {arn.region}")
        account, resource = arn.account, arn.resource.removeprefix(KEY)
    if resource.startswith(ALIAS):
        named = AliasNamed(account, region, AliasName(resource))
        if len(resource) > LONGEST_ALIAS:
            raise named.missing()
        return named
    if not is_key_id(resource):
        raise _invalid(resource)
    return KeyNamed(account, region, KeyId(resource))


def verify(reference: Reference, key: OpenedKey) -> None:
    """Hold a key against what the caller named; RecordError if it is another one."""
    if not reference.names(key):
        raise RecordError("the record is not of the key that was asked for")


def _invalid(text: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Invalid keyId '{text}'")
