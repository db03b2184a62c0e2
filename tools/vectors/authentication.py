"""Vectors of ``spec/authentication.md``."""

import msgspec

from keystead.core.protocols.authentication import (
    Authenticated,
    Batch,
    Challenge,
    Denied,
    Introduction,
    Request,
    Verdicts,
    encode,
)
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.identifiers import OperatorId
from keystead.primitives.digest import sha256

Vector = dict[str, str]
_SIGNED = SignedRequest(
    "POST", "/", "", ((b"host", b"localhost"), (b"x-amz-target", b"TrentService.ListKeys")), sha256(b"{}")
)
_CHALLENGE = Challenge(bytes(range(32)))
_INTRODUCTION = Introduction(OperatorId(bytes(range(16))), bytes(range(64)))
_BATCH = Batch(7, (Request(_SIGNED, "192.0.2.7", False),))  # noqa: FBT003 - not TLS
_VERDICTS = Verdicts(
    7, b"token", (Authenticated(b"proof", "111122223333", "eu-central-1"), Denied("AccessDeniedException", None))
)


def generate() -> list[Vector]:
    """Return one vector for each message and for each way of being wrong."""
    introduction, batch, verdicts = encode(_INTRODUCTION), encode(_BATCH), encode(_VERDICTS)
    longer = msgspec.msgpack.encode([2, _INTRODUCTION.operator, _INTRODUCTION.signature, None])
    wide = msgspec.msgpack.encode([3, 7]).replace(b"\x92\x03\x07", b"\x93\x03\xcd\x00\x07") + b"\x90"
    return [
        _vector("ok: introduction", "service", "ok", introduction),
        _vector("ok: batch", "service", "ok", batch),
        _vector("ok: empty batch", "service", "ok", encode(Batch(7, ()))),
        _vector("ok: challenge", "front end", "ok", encode(_CHALLENGE)),
        _vector("ok: verdicts", "front end", "ok", verdicts),
        _vector("empty", "service", "FormatError", b""),
        _vector("truncated by one byte", "service", "FormatError", batch[:-1]),
        _vector("trailing byte", "service", "FormatError", batch + b"\x00"),
        _vector("one element more", "service", "FormatError", longer),
        _vector("a number in a longer form", "service", "FormatError", wide),
        _vector("unknown kind", "service", "FormatError", msgspec.msgpack.encode([9, 7, ()])),
        _vector("a message of the other end", "service", "FormatError", verdicts),
        _vector("reflected to a front end", "front end", "FormatError", batch),
        _vector(
            "signature of another size", "service", "FormatError", encode(Introduction(_INTRODUCTION.operator, b""))
        ),
        _vector(
            "operator of another size", "service", "FormatError", encode(Introduction(OperatorId(b"x"), bytes(64)))
        ),
        _vector("challenge of another size", "front end", "FormatError", encode(Challenge(bytes(31)))),
        _vector("verdict of an unknown kind", "front end", "FormatError", verdicts.replace(b"\xa1y", b"\xa1z")),
    ]


def _vector(name: str, to: str, outcome: str, message: bytes) -> Vector:
    return {"name": name, "to": to, "message": message.hex(), "outcome": outcome}
