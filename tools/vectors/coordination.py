"""Vectors of ``spec/coordination.md``."""

import msgspec

from keystead.core.protocols.coordination import (
    ANSWERS,
    REQUESTS,
    AbandonInstallation,
    Accepted,
    AwaitInstallation,
    Denied,
    Install,
    Installed,
    ModuleStatus,
    ReadStatus,
    Status,
)
from keystead.errors import QuorumNotMet
from keystead.identifiers import DomainId, ModuleId, OperatorId

Vector = dict[str, str]
_HASH = bytes(range(32))
_INSTALL = Install(b"token", OperatorId(bytes(range(16))), b"signature")
_MODULE = ModuleStatus(ModuleId(bytes(16)), "module-1", reachable=True, incarnation=bytes(16), version=3)
_UNHEARD = ModuleStatus(ModuleId(bytes(16)), "module-2", reachable=False, trouble="the module was never reached")
_STATUS = Status(DomainId(_HASH), 3, _HASH, 4, "accepted", (_MODULE, _UNHEARD), 1_700_000_000_000)


def generate() -> list[Vector]:
    """Return one vector for each message and for each way of being wrong."""
    install, status = REQUESTS.encode(_INSTALL), ANSWERS.encode(_STATUS)
    return [
        _vector("ok: install", "coordinator", "ok", install),
        _vector("ok: await installation", "coordinator", "ok", REQUESTS.encode(AwaitInstallation(4))),
        _vector("ok: read status", "coordinator", "ok", REQUESTS.encode(ReadStatus())),
        _vector("ok: abandon an installation", "coordinator", "ok", REQUESTS.encode(AbandonInstallation(b"approved"))),
        _vector("ok: accepted", "operator", "ok", ANSWERS.encode(Accepted(4))),
        _vector("ok: installed", "operator", "ok", ANSWERS.encode(Installed(4, _HASH))),
        _vector(
            "ok: denied", "operator", "ok", ANSWERS.encode(Denied(QuorumNotMet.number, "one signature is missing"))
        ),
        _vector("ok: status", "operator", "ok", status),
        _vector("empty", "coordinator", "FormatError", b""),
        _vector("truncated by one byte", "coordinator", "FormatError", install[:-1]),
        _vector("trailing byte", "coordinator", "FormatError", install + b"\x00"),
        _vector("one element more", "coordinator", "FormatError", msgspec.msgpack.encode([2, 4, None])),
        _vector("a version in a longer form", "coordinator", "FormatError", b"\x92\x02\xcd\x00\x04"),
        _vector("a negative version", "coordinator", "FormatError", msgspec.msgpack.encode([2, -1])),
        _vector("unknown kind", "coordinator", "FormatError", msgspec.msgpack.encode([9])),
        _vector("an answer", "coordinator", "FormatError", status),
        _vector("submitter of another size", "coordinator", "FormatError", msgspec.msgpack.encode([1, b"", b"x", b""])),
        _vector("token hash of another size", "operator", "FormatError", msgspec.msgpack.encode([2, 4, b"short"])),
        _vector(
            "a status without its modules", "operator", "FormatError", msgspec.msgpack.encode([4, _HASH, 3, _HASH])
        ),
    ]


def _vector(name: str, to: str, outcome: str, message: bytes) -> Vector:
    return {"name": name, "to": to, "message": message.hex(), "outcome": outcome}
