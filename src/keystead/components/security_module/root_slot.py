"""The root slot: the secret under which a module's own file rests. It is renewed, so that old copies of the file close.

Each renewal is a *generation*. Two of them exist only while one takes the other's place.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from keystead.core.domain.state import SlotKind
from keystead.core.ports import Disk, Randomness
from keystead.errors import OperatorError
from keystead.primitives.secret import Secret

SIZE: Final = 32
GENERATION: Final = 8
"""Bytes of a generation's number."""


class RootSlot(Protocol):
    """Keeps 32 secret bytes for each generation, over restarts. What destroying one promises depends on the kind."""

    kind: SlotKind
    """What receipts of shredding call it."""

    def secrets(self) -> Mapping[int, Secret]:
        """Return the secrets that there are, by generation; raises OperatorError if the slot is damaged."""

    def prepare(self, after: int) -> Secret:
        """Return the secret of generation ``after + 1``, fresh and durable. That of ``after`` stays."""

    def destroy(self, generation: int) -> None:
        """Destroy a generation's secret; on return it is out of reach for good, as far as the kind promises."""


class FileRootSlot:
    """Files that only the module's user can read. An old image of the disk still has what they held before."""

    kind = SlotKind.FILE

    def __init__(self, disk: Disk, randomness: Randomness) -> None:
        """Take the module's own disk, which makes files of mode 0600."""
        self._disk = disk
        self._randomness = randomness

    def secrets(self) -> Mapping[int, Secret]:
        """Return what the files hold; what was being destroyed is destroyed now."""
        found = {}
        for name in map(_name, range(2)):
            content = self._disk.read(name)
            if content is None:
                continue
            if len(content) != GENERATION + SIZE:
                raise OperatorError("the root slot is damaged", "restore the module's directory from a backup")
            if not any(content):  # a destruction was cut short once the file was overwritten
                self._disk.remove(name)
                continue
            found[int.from_bytes(content[:GENERATION], "big")] = Secret.taken(bytearray(content[GENERATION:]))
        return found

    def prepare(self, after: int) -> Secret:
        """Write the file that the generation ``after`` does not rest in."""
        generation = after + 1
        secret = Secret.random(SIZE, self._randomness)
        self._disk.write(_name(generation), generation.to_bytes(GENERATION, "big") + bytes(secret.view))
        return secret

    def destroy(self, generation: int) -> None:
        """Overwrite the generation's file and remove it."""
        self._disk.remove(_name(generation))


def _name(generation: int) -> str:
    return f"root-slot-{generation % 2}"
