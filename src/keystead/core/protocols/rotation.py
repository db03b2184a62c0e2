"""What an operator and the coordinator say to each other about rotation (``spec/coordination.md``, section 3).

An order is signed, and names the rotation that it is for and how many orders that one has had: so it is taken once.
"""

from enum import IntEnum, unique
from typing import Annotated, Final, Literal

import msgspec

from keystead.core.protocols.module_session.fields import Bytes16, Bytes32, DomainIdField, Milliseconds, OperatorIdField
from keystead.core.strict import StrictCodec
from keystead.identifiers import OperatorId
from keystead.primitives.openssh import OperatorKey, OperatorPublic, verify_sshsig

NAMESPACE: Final = "keystead.rotation.v1"
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


@unique
class Action(IntEnum):
    """What is ordered; numbers are never reused."""

    BEGIN = 1
    """Add a domain key and move all keys under it."""
    PAUSE = 2
    """Do nothing more until it is resumed."""
    RESUME = 3
    THROTTLE = 4
    """Seal at most so many keys anew in a second."""
    ABORT = 5
    """End it where it is; what is under the new domain key stays there."""
    WAIVE_BACKUP = 6
    """Let the old domain keys be dropped although no backup is newer than the last record that was sealed anew."""


class RotationOrder(msgspec.Struct, frozen=True, array_like=True):
    """What is signed."""

    format: Literal[1]
    domain: Bytes32
    rotation: Count
    """The number of the rotation; to begin one, the number after the last."""
    orders: Count
    """How many orders that rotation has had; 0 to begin one."""
    action: Action
    limit: Count = 0
    """Keys in a second, for THROTTLE alone; 0 for no limit."""


class OrderRotation(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Asks the coordinator to obey an order; answered by RotationStatus."""

    order: bytes
    operator: OperatorIdField
    signature: bytes
    """The operator's SSHSIG over the order."""


class ReadRotation(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Asks how the last rotation is; answered by RotationStatus."""


class KeyCounts(msgspec.Struct, frozen=True, array_like=True):
    """What all members together did under a listed domain key."""

    domain_key: Bytes16
    operations: Count
    refusals: Count
    """How often something was refused because the domain key is retired."""


class RotationStatus(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """How the last rotation is."""

    domain: DomainIdField
    number: Count
    """0 if there never was one."""
    orders: Count
    stage: str
    """In lower case; empty if there never was one."""
    cause: str
    begun: Milliseconds
    paused: bool
    limit: Count
    done: Count
    """Keys that were sealed anew."""
    left: Count
    """Keys that have something under an old domain key and are to be sealed anew."""
    left_behind: Count
    """Keys whose tokens stay under an old domain key because they are marked to be shredded."""
    rate: Count
    """Keys that were sealed anew in the last second."""
    old: tuple[Bytes16, ...]
    new: Bytes16 | None
    """None until it is added."""
    obstacles: tuple[str, ...]
    """What must still happen before the old domain keys may be dropped; empty if nothing must."""
    trouble: str
    """Why it does not go on; empty while nothing is wrong."""
    counts: tuple[KeyCounts, ...]

    @property
    def seconds_left(self) -> int | None:
        """Seconds until all are sealed anew, at the rate of the moment; None if there is none."""
        return None if not self.rate else -(-self.left // self.rate)


ORDERS: Final[StrictCodec[RotationOrder]] = StrictCodec(RotationOrder, "an order about rotation")


def order(
    status: RotationStatus, action: Action, operator: OperatorId, key: OperatorKey, limit: int = 0
) -> OrderRotation:
    """Return the operator's signed order about the rotation that the status tells of, or about the one after it."""
    number, orders = (status.number + 1, 0) if action is Action.BEGIN else (status.number, status.orders)
    written = ORDERS.encode(RotationOrder(1, status.domain, number, orders, action, limit))
    return OrderRotation(written, operator, key.sign(NAMESPACE, written))


def verified(request: OrderRotation, public: OperatorPublic) -> RotationOrder:
    """Return the order if the operator with this key gave it; raises SignatureError, FormatError."""
    verify_sshsig(public, NAMESPACE, request.order, request.signature)
    return ORDERS.decode(request.order)
