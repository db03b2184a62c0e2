"""Third stage: the keys, from records that prove nothing until their heads were opened."""

from typing import Final

import msgspec

from keystead.components.security_module.pipeline.decoded import Decoded
from keystead.components.security_module.vault import DomainVault
from keystead.core.keys.opened import OpenedKey, open_record
from keystead.core.operations.operation import Operation
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.proof import Claims
from keystead.core.records import KeyRecord
from keystead.identifiers import AliasName

CAPACITY: Final = 4096
REMEMBERED: Final = 8 * 1024 * 1024
"""Bytes of records that are kept opened; so customers who put long policies and tags cannot fill a module's memory."""


class Opened(msgspec.Struct, frozen=True, gc=False):
    """An item with the keys of its records. Whether they are those asked for is judged where it is performed."""

    claims: Claims
    operation: Operation
    request: Shape
    keys: tuple[OpenedKey, ...]
    names: tuple[AliasName, ...]


class Records:
    """Opens records, and remembers opened ones by their sealed heads; what is remembered is not secret.

    A remembered key is used only for the very same tokens and attachments: all that was checked is checked by that.
    """

    def __init__(self, vault: DomainVault) -> None:
        """Remember none."""
        self._vault = vault
        self._opened: dict[bytes, OpenedKey] = {}
        self.remembered = 0
        """Bytes of the records that are kept opened."""

    def open(self, record: KeyRecord) -> OpenedKey:
        """Return the record's key; raises RecordError."""
        found = self._opened.get(record.head)
        if found is not None and found.tokens == record.tokens and found.attachments == record.attachments:
            return found
        opened = open_record(self._vault.open_head(record.head), record)
        self.remembered += _size(opened) - (0 if found is None else _size(found))
        self._opened[record.head] = opened
        while len(self._opened) > CAPACITY or self.remembered > REMEMBERED:
            self.remembered -= _size(self._opened.pop(next(iter(self._opened))))
        return opened

    def forget(self) -> None:
        """Forget all: the domain keys have changed."""
        self._opened.clear()
        self.remembered = 0


def _size(key: OpenedKey) -> int:
    return len(key.sealed) + sum(map(len, key.tokens.values())) + sum(map(len, key.attachments.values()))


def opened(decoded: Decoded, records: Records) -> Opened:
    """Return the item with its keys; raises RecordError."""
    item = decoded.item
    return Opened(
        decoded.claims,
        decoded.operation,
        decoded.request,
        tuple([records.open(record) for record in item.keys]),
        tuple(map(AliasName, item.names)),
    )
