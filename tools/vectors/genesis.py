"""Vectors of ``spec/genesis.md``: one real genesis with its parts taken away, exchanged or edited."""

import json
from pathlib import Path
from typing import Any

import cbor2

from tools.sealed_vectors import Vector, edits, flipped

_FIXTURE = json.loads((Path(__file__).parent.parent / "domain_fixture.json").read_text())
_GENESIS = bytes.fromhex(_FIXTURE["genesis"])
_PURPOSE, _VERSION, _BODY, _OPERATORS, _MEMBERS = cbor2.loads(_GENESIS)


def generate() -> dict[str, Any]:
    """Return the genesis, and one vector for each way of being right or wrong, as edits of it."""
    (operator, signature), (first, second) = _OPERATORS[0], _MEMBERS
    vectors = [
        _vector("ok", "ok", _GENESIS),
        _vector("empty", "FormatError", b""),
        _vector("truncated", "FormatError", _GENESIS[:-1]),
        _vector("trailing byte", "FormatError", _GENESIS + b"\x00"),
        _vector("next version", "FormatError", _encoded(version=2)),
        _vector("other purpose", "FormatError", _encoded(purpose="keystead domain token")),
        _vector("version 2 of the body", "FormatError", _encoded(body=_edited_body(1, 2))),
        _vector("no members", "FormatError", _encoded(body=_edited_body(4, []))),
        _vector("members out of order", "FormatError", _encoded(body=_edited_body(4, cbor2.loads(_BODY)[4][::-1]))),
        _vector("a rule that needs two of one", "UnsatisfiableRule", _encoded(body=_with_count(2))),
        _vector("flipped bit in the nonce", "SignatureError", _encoded(body=_edited_body(2, bytes(32)))),
        _vector("no operator signed", "SignatureError", _encoded(operators=[])),
        _vector(
            "the operator's signature is edited",
            "SignatureError",
            _encoded(operators=[[operator, flipped(signature, -1)]]),
        ),
        _vector("a member did not sign", "SignatureError", _encoded(members=[first])),
        _vector("a member signed twice", "SignatureError", _encoded(members=[first, first])),
        _vector(
            "members' signatures exchanged",
            "SignatureError",
            _encoded(members=[[first[0], second[1]], [second[0], first[1]]]),
        ),
    ]
    return {"genesis": _FIXTURE["genesis"], "vectors": vectors}


def _encoded(
    purpose: str = _PURPOSE,
    version: int = _VERSION,
    body: bytes = _BODY,
    operators: list[Any] = _OPERATORS,
    members: list[Any] = _MEMBERS,
) -> bytes:
    return cbor2.dumps([purpose, version, body, operators, members], canonical=True)


def _edited_body(place: int, value: object) -> bytes:
    plain = cbor2.loads(_BODY)
    plain[place] = value
    return cbor2.dumps(plain, canonical=True)


def _with_count(count: int) -> bytes:
    plain = cbor2.loads(_BODY)
    plain[6][0][1] = count
    return cbor2.dumps(plain, canonical=True)


def _vector(name: str, outcome: str, genesis: bytes) -> Vector:
    return {"name": name, "outcome": outcome, "edits": edits(_GENESIS, genesis)}
