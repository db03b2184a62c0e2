"""Vectors of ``spec/proof.md``."""

from typing import Any

import msgspec

from keystead.core.protocols.proof import LIFETIME, SKEW, Claims, Prover
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import sha256

Vector = dict[str, Any]
_KEY = bytes(range(32))
_NOW = 1_790_000_000_000
_BODY = b'{"KeyId":"alias/payroll","Plaintext":"aGVsbG8="}'
_AUDIENCE = OperatorId(bytes(range(16, 32)))
_CLAIMS = Claims(
    id=bytes(range(32, 48)),
    principal="arn:aws:iam::111122223333:root",
    account="111122223333",
    region="eu-central-1",
    action="Encrypt",
    body=sha256(_BODY),
    audience=_AUDIENCE,
    issued=_NOW,
    expires=_NOW + LIFETIME,
    context={"aws:sourceip": "192.0.2.7", "aws:securetransport": "true"},
)


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    proof = Prover(_KEY).prove(_CLAIMS)
    fields = list(msgspec.structs.astuple(_CLAIMS))
    flipped = bytearray(proof)
    flipped[40] ^= 1
    long_lived = Prover(_KEY).prove(msgspec.structs.replace(_CLAIMS, expires=_NOW + LIFETIME + 1))
    return [
        _vector("ok", "ok", proof),
        _vector("ok: last millisecond", "ok", proof, now=_NOW + LIFETIME - 1),
        _vector("ok: voucher's clock ahead", "ok", proof, now=_NOW - SKEW),
        _vector("expired", "ProofExpired", proof, now=_NOW + LIFETIME),
        _vector("from the future", "ProofExpired", proof, now=_NOW - SKEW - 1),
        _vector("meant to live too long", "ProofExpired", long_lived),
        _vector("given to another front end", "WrongAudience", proof, audience=bytes(16)),
        _vector("other body", "WrongBody", proof, body=_BODY + b" "),
        _vector("other key", "ProofForged", Prover(bytes(32)).prove(_CLAIMS)),
        _vector("flipped bit", "ProofForged", bytes(flipped)),
        _vector("empty", "ProofForged", b""),
        _vector("truncated by one byte", "ProofForged", proof[:-1]),
        _vector("trailing byte", "ProofForged", proof + b"\x00"),
        _vector("authentic: other version", "FormatError", _authenticated(b"\x02" + proof[1:-32])),
        _vector("authentic: trailing byte", "FormatError", _authenticated(proof[:-32] + b"\x00")),
        _vector("authentic: additional field", "FormatError", _written([*fields, 0])),
        _vector("authentic: chain in use", "FormatError", _written([*fields[:-1], [b"link"]])),
        _vector("authentic: short id", "FormatError", _written([bytes(15), *fields[1:]])),
        _vector("authentic: length in more bytes than needed", "FormatError", _authenticated(_wide(proof))),
    ]


def _authenticated(stated: bytes) -> bytes:
    return stated + Mac(_KEY).tag(stated)


def _written(fields: list[object]) -> bytes:
    return _authenticated(b"\x01" + msgspec.msgpack.encode(fields))


def _wide(proof: bytes) -> bytes:
    return proof[:1] + b"\xdc\x00" + bytes((proof[1] & 0x0F,)) + proof[2:-32]


def _vector(
    name: str, outcome: str, proof: bytes, audience: bytes = _AUDIENCE, body: bytes = _BODY, now: int = _NOW
) -> Vector:
    return {
        "name": name,
        "outcome": outcome,
        "proof_key": _KEY.hex(),
        "proof": proof.hex(),
        "audience": audience.hex(),
        "body": body.decode(),
        "now": now,
    }
