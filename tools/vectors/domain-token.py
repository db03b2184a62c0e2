"""Vectors of ``spec/domain-token.md``: edits of one real token, that of version 1 of a domain of two modules."""

import json
from pathlib import Path
from typing import Any

import cbor2

from tools.sealed_vectors import Vector, edits, flipped

_FIXTURE = json.loads((Path(__file__).parent.parent / "domain_fixture.json").read_text())
_TOKEN = bytes.fromhex(_FIXTURE["token"])
_PURPOSE, _VERSION, _BODY, _MAC, _SIGNATURE = cbor2.loads(_TOKEN)
_ED25519 = 10
_MLDSA65 = 100


def generate() -> dict[str, Any]:
    """Return the domain, and one vector for each way of being right or wrong.

    A vector gives the token as edits of the domain's.
    """
    return {
        "now": _FIXTURE["now"],
        "genesis": _FIXTURE["genesis"],
        "token": _FIXTURE["token"],
        "promises": _FIXTURE["promises"],
        "modules": _FIXTURE["modules"],
        "domain_keys": _FIXTURE["domain_keys"],
        "vectors": [
            _vector("ok: the first member opens it", "ok", _TOKEN),
            _vector("ok: the second member opens it", "ok", _TOKEN, "module-2"),
            _vector("foreign package: no member opens it", "NotAMember", _TOKEN, "module-3"),
            _vector("empty", "FormatError", b""),
            _vector("truncated", "FormatError", _TOKEN[:-1]),
            _vector("truncated to half", "FormatError", _TOKEN[: len(_TOKEN) // 2]),
            _vector("trailing byte", "FormatError", _TOKEN + b"\x00"),
            _vector("other purpose", "FormatError", _encoded(purpose="keystead genesis")),
            _vector("next version", "FormatError", _encoded(version=2)),
            _vector("body truncated", "FormatError", _encoded(body=_BODY[:-1])),
            _vector("MAC truncated", "FormatError", _encoded(mac=_MAC[:-1])),
            _vector("flipped bit in the MAC", "SignatureError", _encoded(mac=flipped(_MAC, 0))),
            _vector("flipped bit in a package", "SignatureError", _encoded(body=flipped(_BODY, -1))),
            _vector("flipped bit in the Ed25519 signature", "SignatureError", _signed(flipped(_SIGNATURE, _ED25519))),
            _vector("flipped bit in the ML-DSA-65 signature", "SignatureError", _signed(flipped(_SIGNATURE, _MLDSA65))),
            _vector("without the ML-DSA-65 signature", "SignatureError", _signed(_SIGNATURE[:64])),
            _vector("the token of version 2", "WrongVersion", bytes.fromhex(_FIXTURE["next_token"])),
        ],
    }


def _encoded(
    purpose: str = _PURPOSE,
    version: int = _VERSION,
    body: bytes = _BODY,
    mac: bytes = _MAC,
    signature: bytes = _SIGNATURE,
) -> bytes:
    return cbor2.dumps([purpose, version, body, mac, signature], canonical=True)


def _signed(signature: bytes) -> bytes:
    return _encoded(signature=signature)


def _vector(name: str, outcome: str, token: bytes, recipient: str = "module-1") -> Vector:
    return {"name": name, "outcome": outcome, "recipient": recipient, "edits": edits(_TOKEN, token)}
