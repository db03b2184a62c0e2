"""Vectors of ``spec/coordination.md``, section 3: orders about rotation, and how a rotation is."""

import msgspec

from keystead.core.protocols.coordination import ANSWERS, REQUESTS
from keystead.core.protocols.rotation import (
    ORDERS,
    Action,
    KeyCounts,
    OrderRotation,
    ReadRotation,
    RotationOrder,
    RotationStatus,
)
from keystead.identifiers import DomainId, OperatorId

Vector = dict[str, str]
_DOMAIN = DomainId(bytes(range(32)))
_OLD, _NEW = bytes(16), bytes(range(16))
_ORDER = RotationOrder(1, _DOMAIN, 3, 2, Action.THROTTLE, 500)
_STATUS = RotationStatus(
    domain=_DOMAIN,
    number=3,
    orders=2,
    stage="resealing",
    cause="age",
    begun=1_790_000_000_000,
    paused=False,
    limit=500,
    done=12_000,
    left=88_000,
    left_behind=3,
    rate=498,
    old=(_OLD,),
    new=_NEW,
    obstacles=("no backup is newer than the last key that was sealed anew",),
    trouble="",
    counts=(KeyCounts(_OLD, 70_000, 2), KeyCounts(_NEW, 31, 0)),
)


def generate() -> list[Vector]:
    """Return one vector for each message and for each way of being wrong."""
    written = ORDERS.encode(_ORDER)
    request = REQUESTS.encode(OrderRotation(written, OperatorId(bytes(16)), b"signature"))
    status = ANSWERS.encode(_STATUS)
    return [
        _vector("ok: order", "signature", "ok", written),
        _vector("ok: order rotation", "coordinator", "ok", request),
        _vector("ok: read rotation", "coordinator", "ok", REQUESTS.encode(ReadRotation())),
        _vector("ok: rotation status", "operator", "ok", status),
        _vector("order: empty", "signature", "FormatError", b""),
        _vector("order: truncated by one byte", "signature", "FormatError", written[:-1]),
        _vector("order: trailing byte", "signature", "FormatError", written + b"\x00"),
        _vector("order: another format", "signature", "FormatError", b"\x96\x02" + written[2:]),
        _vector("order: unknown action", "signature", "FormatError", _order(9)),
        _vector("order: domain of another size", "signature", "FormatError", _order(1, b"short")),
        _vector("order: limit in a longer form", "signature", "FormatError", written[:-3] + b"\xce\x00\x00\x01\xf4"),
        _vector("operator of another size", "coordinator", "FormatError", msgspec.msgpack.encode([4, b"", b"x", b""])),
        _vector("status truncated by one byte", "operator", "FormatError", status[:-1]),
    ]


def _order(action: int, domain: bytes = _DOMAIN) -> bytes:
    return msgspec.msgpack.encode([1, domain, 3, 2, action, 0])


def _vector(name: str, to: str, outcome: str, message: bytes) -> Vector:
    return {"name": name, "to": to, "message": message.hex(), "outcome": outcome}
