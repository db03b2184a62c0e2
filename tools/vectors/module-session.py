"""Vectors of ``spec/module-session.md``: hellos, and sequences of frames of which the last one has the outcome.

An accept has no vectors: an HPKE encapsulation is random by its standard.
"""

import hashlib
from typing import Any

import msgspec

from keystead.core.protocols.module_session.frame import Direction, FrameSender, Route
from keystead.core.protocols.module_session.handshake import FRESHNESS, Hello, offer
from keystead.core.protocols.module_session.messages import Greeting
from keystead.identifiers import DomainId, ModuleId, OperatorId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey

Vector = dict[str, Any]
_NOW = 1_790_000_000_000
_SESSION_KEY = bytes(range(32))


class _Seeded:
    """Dice that always fall the same."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()

    def fill(self, buffer: bytearray | memoryview) -> None:
        buffer[:] = hashlib.shake_256(self._seed).digest(len(buffer))


def _bytes(name: str, size: int = 16) -> bytes:
    return hashlib.shake_256(name.encode()).digest(size)


_KEY = OperatorKey.generate(_Seeded("operator"), "front end")
_OPERATOR = OperatorId(_bytes("operator id"))
_DOMAIN = DomainId(_bytes("domain", 32))
_GREETING = Greeting(
    module=ModuleId(_bytes("module")),
    incarnation=_bytes("incarnation"),
    connection_nonce=_bytes("connection nonce"),
    domain=_DOMAIN,
    version=3,
    token_hash=_bytes("token hash", 32),
)
_ROUTE = Route.of(_GREETING, _bytes("client nonce"))


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    return [*_hellos(), *_frames()]


def _hellos() -> list[Vector]:
    ephemeral = RecipientKey.generate(_Seeded("ephemeral"))
    hello = offer(_KEY, _OPERATOR, _DOMAIN, _GREETING, ephemeral, _bytes("hello nonce"), _NOW).hello
    said = Hello(
        operator=_OPERATOR,
        domain=_DOMAIN,
        module=_GREETING.module,
        incarnation=_GREETING.incarnation,
        connection_nonce=_GREETING.connection_nonce,
        ephemeral=ephemeral.public,
        nonce=_bytes("hello nonce"),
        issued=_NOW,
    )
    changed = msgspec.structs.replace
    return [
        _hello("ok", "ok", hello),
        _hello("ok: as late as may be", "ok", hello, _NOW + FRESHNESS),
        _hello("stale", "HelloRefused", hello, _NOW + FRESHNESS + 1),
        _hello("from the future", "HelloRefused", hello, _NOW - FRESHNESS - 1),
        _hello("unknown operator", "UnknownOperator", _signed(changed(said, operator=OperatorId(bytes(16))))),
        _hello("other domain", "WrongDomain", _signed(changed(said, domain=DomainId(bytes(32))))),
        _hello("other module", "WrongModule", _signed(changed(said, module=ModuleId(bytes(16))))),
        _hello("other incarnation", "WrongIncarnation", _signed(changed(said, incarnation=bytes(16)))),
        _hello("other connection", "WrongConnection", _signed(changed(said, connection_nonce=bytes(16)))),
        _hello("flipped bit in the signature", "SignatureError", hello[:-1] + bytes((hello[-1] ^ 1,))),
        _hello("other version", "FormatError", b"\x02" + hello[1:]),
        _hello("trailing byte before the signature", "FormatError", hello[:-64] + b"\x00" + hello[-64:]),
        _hello("empty", "FormatError", b""),
    ]


def _signed(said: Hello) -> bytes:
    stated = b"\x01" + msgspec.msgpack.encode(said)
    return stated + _KEY.sign_handshake(Label.SESSION_HELLO, stated)


def _hello(name: str, outcome: str, hello: bytes, now: int = _NOW) -> Vector:
    return {
        "name": f"hello: {name}",
        "outcome": outcome,
        "operator": _OPERATOR.hex(),
        "operator_key": _KEY.ed25519.hex(),
        "domain": _DOMAIN.hex(),
        "module": _GREETING.module.hex(),
        "incarnation": _GREETING.incarnation.hex(),
        "connection_nonce": _GREETING.connection_nonce.hex(),
        "hello": hello.hex(),
        "now": now,
    }


def _sender(route: Route = _ROUTE, direction: Direction = Direction.REQUEST) -> FrameSender:
    return FrameSender(route.cipher(_SESSION_KEY, direction), route.header(direction))


def _frames() -> list[Vector]:
    sender = _sender()
    first, second, third = (sender.seal(content) for content in (b"first", b"second", b"third"))
    reflected = _sender(direction=Direction.RESPONSE).seal(b"response")
    elsewhere = {
        "WrongModule": Route(module=ModuleId(bytes(16)), incarnation=_ROUTE.incarnation, connection=_ROUTE.connection),
        "WrongIncarnation": Route(module=_ROUTE.module, incarnation=bytes(16), connection=_ROUTE.connection),
        "WrongConnection": Route(module=_ROUTE.module, incarnation=_ROUTE.incarnation, connection=bytes(32)),
    }
    return [
        _frame("ok", "ok", [first], b"first"),
        _frame("ok: in order", "ok", [first, second, third], b"third"),
        _frame("ok: no content", "ok", [_sender().seal(b"")], b""),
        _frame("replayed", "ReplayedFrame", [first, first]),
        _frame("left out", "ReorderedFrame", [first, third]),
        _frame("reflected", "ReflectedFrame", [reflected]),
        *(_frame(f"made elsewhere: {error}", error, [_sender(route).seal(b"x")]) for error, route in elsewhere.items()),
        _frame("flipped bit in the content", "ForgedFrame", [first[:75] + bytes((first[75] ^ 1,)) + first[76:]]),
        _frame("truncated tag", "ForgedFrame", [first[:-1]]),
        _frame("header alone", "ForgedFrame", [first[:75]]),
        _frame("truncated header", "FormatError", [first[:74]]),
        _frame("other version", "FormatError", [first[:1] + b"\x02" + first[2:]]),
        _frame("no direction", "FormatError", [first[:2] + b"\x00" + first[3:]]),
        _frame("empty", "FormatError", [b""]),
    ]


def _frame(name: str, outcome: str, frames: list[bytes], content: bytes | None = None) -> Vector:
    return {
        "name": f"frame: {name}",
        "outcome": outcome,
        "session_key": _SESSION_KEY.hex(),
        "module": _ROUTE.module.hex(),
        "incarnation": _ROUTE.incarnation.hex(),
        "connection": _ROUTE.connection.hex(),
        "frames": [frame.hex() for frame in frames],
        "content": None if content is None else content.hex(),
    }
