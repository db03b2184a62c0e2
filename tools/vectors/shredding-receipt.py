"""Vectors of ``spec/shredding.md``, section 6: edits of one real receipt."""

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from keystead.core.keys.receipt import BODY_CODEC, CODEC, Receipt
from tools.sealed_vectors import Vector, edits, flipped

_FIXTURE = json.loads((Path(__file__).parent.parent / "receipt_fixture.json").read_text())
_RECEIPT = bytes.fromhex(_FIXTURE["receipt"])
_DECODED = CODEC.decode(_RECEIPT)
_BODY = BODY_CODEC.decode(_DECODED.body)


def generate() -> dict[str, Any]:
    """Return the domain's documents, and one vector for each way of being right or wrong."""
    return {
        "genesis": _FIXTURE["genesis"],
        "tokens": _FIXTURE["tokens"],
        "receipt": _FIXTURE["receipt"],
        "vectors": [
            _vector("ok", "ok", _RECEIPT),
            _vector("empty", "FormatError", b""),
            _vector("truncated", "FormatError", _RECEIPT[:-1]),
            _vector("trailing byte", "FormatError", _RECEIPT + b"\x00"),
            _vector("flipped bit in a signature", "SignatureError", flipped(_RECEIPT, -1)),
            _vector("one signature missing", "SignatureError", _encoded(signatures=_DECODED.signatures[:1])),
            _vector("signatures exchanged", "SignatureError", _encoded(signatures=_DECODED.signatures[::-1])),
            _vector("other key", "SignatureError", _with(key_id="12345678-1234-1234-1234-123456789012")),
            _vector("other time", "SignatureError", _with(marked=_BODY.marked + 1)),
            _vector("other domain", "ReceiptRefused", _with(domain=bytes(32))),
            _vector("other version of the domain", "ReceiptRefused", _with(version=_BODY.version + 1)),
            _vector("no material", "ReceiptRefused", _with(materials=())),
            _vector("a holder left out", "ReceiptRefused", _with(holders=_BODY.holders[1:])),
        ],
    }


def _encoded(**changed: Any) -> bytes:  # noqa: ANN401, fields of Receipt by name
    return CODEC.encode(replace(_DECODED, **changed))


def _with(**changed: Any) -> bytes:  # noqa: ANN401, fields of ReceiptBody by name
    return CODEC.encode(Receipt(BODY_CODEC.encode(replace(_BODY, **changed)), _DECODED.signatures))


def _vector(name: str, outcome: str, receipt: bytes) -> Vector:
    return {"name": name, "outcome": outcome, "edits": edits(_RECEIPT, receipt)}
