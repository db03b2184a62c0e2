"""The one sealed file of a module, under the newest generation of its root slot (``spec/module-files.md``).

format (1 byte, 1) | generation (8 bytes) | nonce (16 bytes) | ciphertext, tag, commitment
"""

from typing import Final

from keystead.components.security_module.root_slot import GENERATION, RootSlot
from keystead.core.failpoints import Step, durable
from keystead.core.ports import Buffer, Disk, Randomness
from keystead.errors import OperatorError, SealError
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key
from keystead.primitives.sealing import NONCE, seal
from keystead.primitives.secret import Secret

NAME: Final = "module.sealed"
_FORMAT: Final = b"\x01"
_HEADER: Final = len(_FORMAT) + GENERATION
_PREFIX: Final = _HEADER + NONCE


class SealedFile:
    """Reads it and replaces it as a whole. After the start exactly one generation of the root slot exists."""

    def __init__(self, slot: RootSlot, disk: Disk, randomness: Randomness) -> None:
        """Raise OperatorError if the generation that the file rests under is not there."""
        self._slot = slot
        self._disk = disk
        self._randomness = randomness
        content = disk.read(NAME)
        secrets = dict(slot.secrets())
        self._generation = 0 if content is None else int.from_bytes(content[len(_FORMAT) : _HEADER], "big")
        root = secrets.pop(self._generation, None)
        if content is not None and root is None:
            raise OperatorError(
                "the module's file is there but its root slot is not",
                "restore the root slot, or remove the module's directory to begin as a new module",
            )
        self._root = root
        self._stale = list(secrets)

    def read(self) -> Secret | None:
        """Return the content, or None if there is no file; raises OperatorError if it is not what was written."""
        content, root = self._disk.read(NAME), self._root
        if content is None or root is None:
            return None
        try:
            if content[: len(_FORMAT)] != _FORMAT:
                raise SealError("not a sealed file of this format")
            header, nonce, sealed = content[:_HEADER], content[_HEADER:_PREFIX], content[_PREFIX:]
            opened = open_key(root.view, Label.ROOT_SLOT, nonce, sealed, header)
        except SealError:
            raise OperatorError(
                f"{NAME} was changed, or is not this root slot's", "restore the module's directory from a backup"
            ) from None
        self._destroy_stale()
        return opened

    def write(self, content: Buffer) -> None:
        """Replace the content; on return it survives a power cut."""
        if self._root is None:
            self._destroy_stale()
            self.renew(content)
        else:
            self._write(content, self._generation, self._root)

    def renew(self, content: Buffer) -> None:
        """Replace the content under the next generation of the root slot, and destroy the one before."""
        before, root = self._generation, self._root
        with durable(Step.SLOT_PREPARATION):
            self._generation, self._root = before + 1, self._slot.prepare(before)
        self._write(content, self._generation, self._root)
        if root is not None:
            self._destroy(before)
            root.wipe()

    def _destroy_stale(self) -> None:
        """Destroy every other generation: what is left of a renewal that was cut short."""
        while self._stale:
            self._destroy(self._stale.pop())

    def _write(self, content: Buffer, generation: int, root: Secret) -> None:
        header = _FORMAT + generation.to_bytes(GENERATION, "big")
        nonce = self._randomness.token(NONCE)
        sealed = seal(root.view, Label.ROOT_SLOT, nonce, content, header)
        with durable(Step.MODULE_FILE):
            self._disk.write(NAME, header + nonce + sealed)

    def _destroy(self, generation: int) -> None:
        with durable(Step.SLOT_DESTRUCTION):
            self._slot.destroy(generation)
