"""Who a module is: a key that signs for as long as the module lives, and one that opens, which is renewed."""

from dataclasses import dataclass, field
from functools import cached_property

from keystead.core.domain.state import SlotKind, module_fingerprint, module_id
from keystead.identifiers import ModuleId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.signatures import IdentityKey


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
