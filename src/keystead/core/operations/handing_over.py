"""What is secret of an answer goes to the caller, or enveloped to the attested recipient that he names."""

import msgspec

from keystead.core.operations.context import Context
from keystead.primitives.secret import wipe


class HandedOver(msgspec.Struct, frozen=True, gc=False):
    """The members of an answer that hold its secret; exactly one of them is there."""

    plaintext: bytearray | None
    enveloped: bytes | None

    @property
    def secrets(self) -> tuple[bytearray, ...]:
        """What is to be wiped when the answer is written."""
        return () if self.plaintext is None else (self.plaintext,)

    def to_caller(self, member: str | None) -> str | None:
        """Return a member that only answers in plaintext have: which material was used."""
        return None if self.plaintext is None else member


def hand_over(context: Context, plaintext: bytearray) -> HandedOver:
    """Return the plaintext for the caller; enveloped, and wiped, if there is an attested recipient."""
    if context.recipient is None:
        return HandedOver(plaintext, None)
    try:
        return HandedOver(None, context.recipient.envelop(plaintext))
    finally:
        wipe(plaintext)
