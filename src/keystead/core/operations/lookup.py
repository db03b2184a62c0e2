"""Which records an operation needs: what a front end fetches, and what a module holds the fetched records against.

The same pure functions run on both sides, so that a front end that fetches anything else obtains nothing.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from keystead.core.keys.head import KeyHead
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.references import AliasNamed, Reference, verify
from keystead.core.records import ALIASES, GRANTS, POLICY, PUBLIC_KEY, TAGS, KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import AccountId, AliasName, KeyId, Region

Token: TypeAlias = int | Literal["none", "newest", "all"]
"""Which key tokens go with the record: that of one version, that of the newest, all of them, or none."""

CARRIED: Final = frozenset((POLICY, TAGS, ALIASES, GRANTS, PUBLIC_KEY))
"""Attachments that go with the record of a named key: whatever an operation on it may need."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """The record of one key. If there is none, the front end answers with ``reference.missing()``."""

    reference: Reference
    token: Token

    def is_met_by(self, record: KeyRecord) -> bool:
        """Whether the record has the token of the version that is wanted; if not, a newer record might."""
        return not isinstance(self.token, int) or self.token in record.tokens

    def trimmed(self, record: KeyRecord) -> KeyRecord:
        """Return what a frame carries of a record that the repository returned."""
        attachments = {kind: content for kind, content in record.attachments.items() if kind in CARRIED}
        return KeyRecord(record.head, self._tokens(record.tokens), attachments)

    def _tokens(self, tokens: dict[int, bytes]) -> dict[int, bytes]:
        match self.token:
            case "none":
                return {}
            case "all":
                return tokens
            case "newest":
                return {max(tokens): tokens[max(tokens)]} if tokens else {}
            case number:
                return {number: tokens[number]} if number in tokens else {}


class Keys(msgspec.Struct, frozen=True, gc=False):
    """The records of these keys, in this order; an operation on no key wants none."""

    wanted: tuple[Wanted, ...] = ()


class KeysPage(msgspec.Struct, frozen=True, gc=False):
    """A page of an account's keys: up to ``limit + 1`` records with ids above ``after``, in order of id.

    The one too many says that there is more. Each carries the head alone.
    """

    account: AccountId
    region: Region
    after: KeyId
    limit: int


class AliasesPage(msgspec.Struct, frozen=True, gc=False):
    """A page of an account's aliases: up to ``limit + 1`` names above ``after``, in order, with their keys' records."""

    account: AccountId
    region: Region
    after: AliasName
    limit: int


class RetirablePage(msgspec.Struct, frozen=True, gc=False):
    """Keys with grants that one principal may retire: up to ``limit + 1`` records with ids from ``start`` on, in order.

    They may be of any account. Each carries the head and the grants. That one has such a grant is not held against the
    index here: who lists them reads the grants.
    """

    region: Region
    principal: str
    """As ``granted.name_of`` names it."""
    start: KeyId
    limit: int


Lookup: TypeAlias = Keys | KeysPage | AliasesPage | RetirablePage


def hold(lookup: Lookup, keys: tuple[OpenedKey, ...], names: tuple[AliasName, ...]) -> None:
    """Hold the opened keys against what was wanted.

    Raises:
        RecordError: another key, another order, too many or too few.
    """
    if isinstance(lookup, Keys):
        if len(lookup.wanted) != len(keys):
            raise RecordError("not as many records as the operation needs")
        for want, key in zip(lookup.wanted, keys, strict=True):
            verify(want.reference, key)
    elif isinstance(lookup, KeysPage):
        _hold_page(lookup, keys, [key.head.key_id for key in keys])
    elif isinstance(lookup, RetirablePage):
        _hold_retirable(lookup, [key.head for key in keys])
    else:
        if len(names) != len(keys):
            raise RecordError("not as many names as records")
        _hold_page(lookup, keys, names)
        for name, key in zip(names, keys, strict=True):
            verify(AliasNamed(lookup.account, lookup.region, name), key)


def _hold_page(
    page: KeysPage | AliasesPage, keys: tuple[OpenedKey, ...], order: list[KeyId] | tuple[AliasName, ...]
) -> None:
    if any(key.head.account != page.account or key.head.region != page.region for key in keys):
        raise RecordError("a record of the page belongs to another account or region")
    if len(order) > page.limit + 1 or any(low >= high for low, high in zip((page.after, *order), order, strict=False)):
        raise RecordError("the records of the page are not in order")


def _hold_retirable(page: RetirablePage, heads: list[KeyHead]) -> None:
    if any(head.region != page.region for head in heads):
        raise RecordError("a record of the page belongs to another region")
    order = [head.key_id for head in heads]
    if len(order) > page.limit + 1 or order != sorted(set(order)) or (order and order[0] < page.start):
        raise RecordError("the records of the page are not in order")
