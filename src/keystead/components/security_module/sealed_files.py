"""A module's own files, each sealed under the root slot's secret and bound to its name (``spec/module-files.md``).

format (1 byte, 1) | nonce (16 bytes) | ciphertext, tag, commitment
"""

from typing import Final

from keystead.core.failpoints import Failpoint, reach
from keystead.core.ports import Buffer, Disk, Randomness
from keystead.errors import OperatorError, SealError
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key
from keystead.primitives.sealing import NONCE, seal
from keystead.primitives.secret import Secret

_FORMAT: Final = b"\x01"
_PREFIX: Final = len(_FORMAT) + NONCE


class SealedFiles:
    """Reads and writes them."""

    def __init__(self, disk: Disk, root: Secret, randomness: Randomness) -> None:
        """Take the root slot's secret."""
        self._disk = disk
        self._root = root
        self._randomness = randomness

    def read(self, name: str) -> Secret | None:
        """Return the content, or None if there is no such file; raises OperatorError if it is not what was written."""
        content = self._disk.read(name)
        if content is None:
            return None
        try:
            if content[: len(_FORMAT)] != _FORMAT:
                raise SealError("not a sealed file of this format")
            nonce, sealed = content[len(_FORMAT) : _PREFIX], content[_PREFIX:]
            return open_key(self._root.view, Label.ROOT_SLOT, nonce, sealed, _FORMAT + name.encode())
        except SealError:
            raise OperatorError(
                f"{name} was changed, or is not this root slot's", "restore the module's directory from a backup"
            ) from None

    def write(self, name: str, content: Buffer) -> None:
        """Replace the content; on return it survives a power cut."""
        nonce = self._randomness.token(NONCE)
        sealed = seal(self._root.view, Label.ROOT_SLOT, nonce, content, _FORMAT + name.encode())
        reach(Failpoint.MODULE_BEFORE_WRITE)
        self._disk.write(name, _FORMAT + nonce + sealed)
        reach(Failpoint.MODULE_WRITTEN)
