"""The root slot: the one secret under which a module's own keys rest."""

from typing import Final, Protocol

from keystead.core.domain.state import SlotKind
from keystead.core.ports import Disk, Randomness
from keystead.errors import OperatorError
from keystead.primitives.secret import Secret

SIZE: Final = 32
_FILE: Final = "root-slot"


class RootSlot(Protocol):
    """Keeps 32 secret bytes over restarts. What destroying it promises depends on its kind."""

    kind: SlotKind
    """What receipts of shredding call it."""

    def existing(self) -> Secret | None:
        """Return the slot's secret, or None if it was never made; raises OperatorError if it is damaged."""

    def renew(self) -> Secret:
        """Return a fresh secret, which on return has durably taken the place of the one before."""


class FileRootSlot:
    """A file that only the module's user can read. An old image of the disk still has what it held before."""

    kind = SlotKind.FILE

    def __init__(self, disk: Disk, randomness: Randomness) -> None:
        """Take the module's own disk, which makes files of mode 0600."""
        self._disk = disk
        self._randomness = randomness

    def existing(self) -> Secret | None:
        """Return what the file holds."""
        content = self._disk.read(_FILE)
        if content is None:
            return None
        if len(content) != SIZE:
            raise OperatorError("the root slot is damaged", "restore the module's directory from a backup")
        return Secret.taken(bytearray(content))

    def renew(self) -> Secret:
        """Overwrite the file."""
        secret = Secret.random(SIZE, self._randomness)
        self._disk.write(_FILE, bytes(secret.view))
        return secret
