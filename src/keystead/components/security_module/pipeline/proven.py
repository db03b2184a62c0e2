"""First stage: the customer asked for exactly this (``spec/proof.md``)."""

import msgspec

from keystead.core.protocols.module_session.work import Item
from keystead.core.protocols.proof import Claims, verify
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac


class Received(msgspec.Struct, frozen=True, gc=False):
    """An item, as it came in the session of an operator with the permission to serve."""

    item: Item
    voucher: Mac
    audience: OperatorId


class Proven(msgspec.Struct, frozen=True, gc=False):
    """An item that an authentic request of the claims' principal was vouched for, with this very body."""

    item: Item
    claims: Claims


def proven(received: Received, now: int) -> Proven:
    """Return the item as proven; raises ProofError, FormatError."""
    item = received.item
    return Proven(item, verify(received.voucher, item.proof, received.audience, item.body, now))
