"""The stories find mistakes: with one part broken on purpose, the judge names the invariant that it breaks."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec import structs

from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.components.security_module import resealing
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.sealed_file import NAME, SealedFile
from keystead.components.security_module.vault import DomainVault
from keystead.core.domain import succession
from keystead.core.keys.opened import OpenedKey, open_record
from keystead.core.operations import operation
from keystead.core.ports import Buffer
from keystead.core.records import Change, KeyRecord
from tests.simulation import domain_change
from tests.simulation.slow_repository import SlowRepository
from tests.simulation.story import tell
from tests.simulators.invariants import judge

SEEDS = range(1, 7)
"""Stories that may be told until one of them shows the mistake."""

Break = Callable[[pytest.MonkeyPatch], None]


def forgetful_repository(patch: pytest.MonkeyPatch) -> None:
    """The repository acknowledges every eighth change without making it."""
    apply, count = SlowRepository.apply, [0]

    async def forgets(self: SlowRepository, change: Change) -> None:
        count[0] += 1
        if count[0] % 8:
            await apply(self, change)

    patch.setattr(SlowRepository, "apply", forgets)


def stale_cache(patch: pytest.MonkeyPatch) -> None:
    """A front end does not read its own writes."""
    patch.setattr(RecordsCache, "changed", lambda _self, _change: None)


def disabled_keys_serve(patch: pytest.MonkeyPatch) -> None:
    """A module does not look at a key's state."""
    patch.setattr(operation, "admit", lambda *_: None)


def wrong_plaintext(patch: pytest.MonkeyPatch) -> None:
    """A module encrypts the wrong thing."""
    encrypt = DomainVault.encrypt

    def wrong(self: DomainVault, key: OpenedKey, plaintext: Buffer, context: Mapping[str, str]) -> bytes:
        return encrypt(self, key, bytes(plaintext)[::-1] + b"!", context)

    patch.setattr(DomainVault, "encrypt", wrong)


def keys_rest_in_clear(patch: pytest.MonkeyPatch) -> None:
    """A module leaves what it seals beside the sealed file."""
    write = SealedFile.write

    def leaks(self: Any, content: Buffer) -> None:
        write(self, content)
        self._disk.write(f"{NAME}.copy", bytes(content))

    patch.setattr(SealedFile, "write", leaks)


def marks_are_lost(patch: pytest.MonkeyPatch) -> None:
    """A module that seals a record anew forgets that it is marked to be shredded."""

    def forgets(sealed: bytes, record: KeyRecord) -> OpenedKey:
        opened = open_record(sealed, record)
        return structs.replace(opened, head=structs.replace(opened.head, shredded=0))

    patch.setattr(resealing, "open_record", forgets)


def old_generations_stay(patch: pytest.MonkeyPatch) -> None:
    """A module keeps what its file rested under before."""
    patch.setattr(FileRootSlot, "destroy", lambda *_: None)


def one_signature_is_enough(patch: pytest.MonkeyPatch) -> None:
    """Nobody counts signatures, and one operator acts alone."""
    patch.setattr(succession, "require", lambda *_: None)
    patch.setattr(domain_change, "GOVERNORS", frozenset({"alice"}))


def nonces_repeat(patch: pytest.MonkeyPatch) -> None:
    """A module encrypts with nonces that come again."""
    encrypt = DomainVault.encrypt

    def repeats(self: Any, key: OpenedKey, plaintext: Buffer, context: Mapping[str, str]) -> bytes:
        randomness, self._randomness = self._randomness, _Constant()
        try:
            return encrypt(self, key, plaintext, context)
        finally:
            self._randomness = randomness

    patch.setattr(DomainVault, "encrypt", repeats)


class _Constant:
    """Dice that always fall the same way."""

    def token(self, size: int) -> bytes:
        """Return the same bytes."""
        return bytes(size)


MISTAKES: dict[str, tuple[Break, str]] = {
    "a write is lost": (forgetful_repository, "I1"),
    "a front end does not read its own writes": (stale_cache, "I9"),
    "disabled keys serve": (disabled_keys_serve, "I9"),
    "another plaintext is encrypted": (wrong_plaintext, "I3"),
    "keys rest in clear": (keys_rest_in_clear, "I4"),
    "one signature is enough": (one_signature_is_enough, "I5"),
    "nonces repeat": (nonces_repeat, "I8"),
    "marks to be shredded are lost in a rotation": (marks_are_lost, "I2"),
    "old generations of the root slot stay": (old_generations_stay, "I2"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A part that is broken on purpose breaks the invariant that it is there for, in one of a few stories."""
    broken, invariant = MISTAKES[name]
    broken(monkeypatch)
    found: set[str] = set()
    for seed in SEEDS:
        found |= {violation.invariant for violation in judge(tell(seed).history).violations}
        if invariant in found:
            return
    pytest.fail(f"only {found} were found")
