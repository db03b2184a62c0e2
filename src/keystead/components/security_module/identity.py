"""Who a module is: keys made at its first start, which rest under the root slot."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from keystead.components.security_module.root_slot import RootSlot
from keystead.components.security_module.sealed_files import SealedFiles
from keystead.core.domain.state import SlotKind, module_fingerprint, module_id
from keystead.core.ports import Disk, Randomness
from keystead.errors import OperatorError
from keystead.identifiers import ModuleId
from keystead.primitives import hpke, signatures
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey

_FILE: Final = "identity.sealed"
DOMAIN_FILE: Final = "domain.sealed"
"""Where the module stands in its domain: what only a module with an identity has."""


@dataclass(frozen=True, kw_only=True)
class ModuleIdentity:
    """A module's private keys."""

    signing: IdentityKey = field(repr=False)
    """Signs as the module, for as long as the module lives."""
    sealing: RecipientKey = field(repr=False)
    """Opens what is sealed to the module."""
    slot: SlotKind
    """What both rest under."""

    @cached_property
    def id(self) -> ModuleId:
        """The module's id, which follows from its signing key."""
        return module_id(self.signing.public)

    @cached_property
    def fingerprint(self) -> str:
        """What a person compares before the module is listed in a genesis."""
        return module_fingerprint(self.signing.public, self.sealing.public, self.slot)


@dataclass(frozen=True, slots=True)
class Resting:
    """A module's identity and the files that rest beside it."""

    identity: ModuleIdentity
    files: SealedFiles


def wake(slot: RootSlot, disk: Disk, randomness: Randomness) -> Resting:
    """Return the module's identity; it is made, and made durable, at the first start.

    Raises OperatorError if what rests is damaged or incomplete: a module never takes a new identity by itself.
    """
    root = slot.existing()
    if root is None:
        if disk.read(_FILE) is not None:
            raise OperatorError(
                "the module's identity is there but its root slot is not",
                "restore the root slot, or remove the module's directory to begin as a new module",
            )
        root = slot.renew()
    files = SealedFiles(disk, root, randomness)
    resting = files.read(_FILE)
    if resting is None and disk.read(DOMAIN_FILE) is not None:
        raise OperatorError(
            "the module belongs to a domain but its identity is not there",
            "restore the module's directory from a backup",
        )
    identity = _made(files, slot.kind, randomness) if resting is None else _read(resting, slot.kind)
    return Resting(identity, files)


def _made(files: SealedFiles, kind: SlotKind, randomness: Randomness) -> ModuleIdentity:
    signing, sealing = IdentityKey.generate(randomness), RecipientKey.generate(randomness)
    with Secret.blank(signatures.SECRET_SIZE + hpke.SECRET_SIZE) as both:
        both.view[: signatures.SECRET_SIZE] = signing.secret().view
        both.view[signatures.SECRET_SIZE :] = sealing.secret().view
        files.write(_FILE, both.view)
    return ModuleIdentity(signing=signing, sealing=sealing, slot=kind)


def _read(both: Secret, kind: SlotKind) -> ModuleIdentity:
    with both:
        signing = Secret.taken(both.view[: signatures.SECRET_SIZE])
        sealing = Secret.taken(both.view[signatures.SECRET_SIZE :])
    return ModuleIdentity(
        signing=IdentityKey.from_secret(signing), sealing=RecipientKey.from_secret(sealing), slot=kind
    )
