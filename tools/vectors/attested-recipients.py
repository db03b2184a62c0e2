"""Vectors of ``spec/attested-recipients.md``: edits of one real document, and one envelope."""

import json
from pathlib import Path
from typing import Any

from tools.sealed_vectors import Vector, edits, flipped

_FIXTURE = json.loads((Path(__file__).parent.parent / "attestation_fixture.json").read_text())
_DOCUMENT = bytes.fromhex(_FIXTURE["document"])
_NOW = _FIXTURE["now"]
_FIVE_MINUTES = 300_000


def generate() -> dict[str, Any]:
    """Return root, document and envelope, and one vector for each way of being right or wrong."""
    return {
        **_FIXTURE,
        "vectors": [
            _vector("ok", "ok", _DOCUMENT),
            _vector("five minutes old", "ok", _DOCUMENT, _FIVE_MINUTES),
            _vector("older", "SignatureError", _DOCUMENT, _FIVE_MINUTES + 1),
            _vector("of the future", "SignatureError", _DOCUMENT, -_FIVE_MINUTES - 1),
            _vector("empty", "FormatError", b""),
            _vector("truncated", "FormatError", _DOCUMENT[:-1]),
            _vector("trailing byte", "FormatError", _DOCUMENT + b"\x00"),
            _vector("tagged", "FormatError", b"\xd2" + _DOCUMENT),
            _vector("other algorithm", "FormatError", _replaced(b"\xa1\x01\x38\x22", b"\xa1\x01\x38\x23")),
            _vector("other digest", "FormatError", _replaced(b"SHA384", b"SHA512")),
            _vector("unknown member", "FormatError", _replaced(b"module_id", b"module_ID")),
            _vector("other measurement", "SignatureError", _replaced(bytes(range(48)), bytes(range(1, 49)))),
            _vector("flipped bit in the signature", "SignatureError", flipped(_DOCUMENT, -1)),
        ],
    }


def _replaced(old: bytes, new: bytes) -> bytes:
    assert _DOCUMENT.count(old) == 1  # noqa: S101 - the vector would be another
    return _DOCUMENT.replace(old, new)


def _vector(name: str, outcome: str, document: bytes, later: int = 0) -> Vector:
    return {"name": name, "outcome": outcome, "now": _NOW + later, "edits": edits(_DOCUMENT, document)}
