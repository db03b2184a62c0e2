"""What a module keeps: who it is, the key that it offered, and where it stands; durable as a whole, or not at all."""

from dataclasses import replace
from typing import Final

from keystead.components.security_module import position as positions
from keystead.components.security_module.identity import ModuleIdentity
from keystead.components.security_module.position import Position
from keystead.components.security_module.root_slot import RootSlot
from keystead.components.security_module.sealed_file import SealedFile
from keystead.core.ports import Disk, Randomness
from keystead.errors import FormatError, OperatorError
from keystead.primitives import hpke, signatures
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey

_SEALING: Final = signatures.SECRET_SIZE
_OFFERED: Final = _SEALING + hpke.SECRET_SIZE
_POSITION: Final = _OFFERED + hpke.SECRET_SIZE
_NOTHING_OFFERED: Final = bytes(hpke.SECRET_SIZE)


class Safe:
    """Owned by the event loop. Each change is durable when its method returns."""

    def __init__(
        self, file: SealedFile, identity: ModuleIdentity, offered: RecipientKey | None, position: Position | None
    ) -> None:
        """Take what is durable already, or is written next."""
        self._file = file
        self.identity = identity
        self.offered = offered
        """What the next tokens may be sealed to, if the offer of it is taken up."""
        self.position = position
        """None while the module is blank."""

    def keep(self, position: Position) -> None:
        """Keep another position."""
        self._write(self.identity, self.offered, position)

    def keep_offered(self, offered: RecipientKey, position: Position) -> None:
        """Keep the private half of an offer, in place of an earlier one's, with the position that has the offer."""
        self._write(self.identity, offered, position)

    def renew(self, sealing: RecipientKey, position: Position) -> None:
        """Keep another sealing key, and no offer, and leave nothing of the former one.

        What rested under the former generation of the root slot is out of reach then.
        """
        before, offered = self.identity, self.offered
        self._write(replace(before, sealing=sealing), None, position, renewed=True)
        before.sealing.secret().wipe()
        if offered is not None and offered is not sealing:
            offered.secret().wipe()

    def _write(
        self,
        identity: ModuleIdentity,
        offered: RecipientKey | None,
        position: Position | None,
        *,
        renewed: bool = False,
    ) -> None:
        rest = b"" if position is None else positions.CODEC.encode(position)
        with Secret.blank(_POSITION + len(rest)) as content:
            content.view[:_SEALING] = identity.signing.secret().view
            content.view[_SEALING:_OFFERED] = identity.sealing.secret().view
            content.view[_OFFERED:_POSITION] = _NOTHING_OFFERED if offered is None else offered.secret().view
            content.view[_POSITION:] = rest
            (self._file.renew if renewed else self._file.write)(content.view)
        self.identity, self.offered, self.position = identity, offered, position

    def found(self) -> None:
        """Make what was just made durable."""
        self._write(self.identity, self.offered, self.position)


def wake(slot: RootSlot, disk: Disk, randomness: Randomness) -> Safe:
    """Return what the module keeps; its identity is made, and made durable, at the first start.

    Raises OperatorError if what rests is damaged or incomplete: a module never takes a new identity by itself.
    """
    file = SealedFile(slot, disk, randomness)
    content = file.read()
    if content is not None:
        with content:
            return _read(file, content, slot)
    identity = ModuleIdentity(
        signing=IdentityKey.generate(randomness), sealing=RecipientKey.generate(randomness), slot=slot.kind
    )
    safe = Safe(file, identity, None, None)
    safe.found()
    return safe


def _read(file: SealedFile, content: Secret, slot: RootSlot) -> Safe:
    signing = IdentityKey.from_secret(Secret.taken(content.view[:_SEALING]))
    sealing = RecipientKey.from_secret(Secret.taken(content.view[_SEALING:_OFFERED]))
    offered = None
    if any(content.view[_OFFERED:_POSITION]):
        offered = RecipientKey.from_secret(Secret.taken(content.view[_OFFERED:_POSITION]))
    rest = bytes(content.view[_POSITION:])
    try:
        position = positions.CODEC.decode(rest) if rest else None
    except FormatError as error:
        raise OperatorError(
            f"what the module keeps is of another version: {error}", "start the version that wrote it"
        ) from None
    return Safe(file, ModuleIdentity(signing=signing, sealing=sealing, slot=slot.kind), offered, position)
