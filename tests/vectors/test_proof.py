"""Every vector of ``spec/vectors/proof.json`` has its outcome."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.core.protocols.proof import verify
from keystead.errors import Refusal
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent.parent / "spec" / "vectors" / "proof.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_each_vector_has_its_outcome(vector: dict[str, Any]) -> None:
    """The verifier accepts it, or refuses it with the error that the vector names."""
    assert outcome(vector) == vector["outcome"]


def outcome(vector: dict[str, Any]) -> str:
    """Return what the verifier makes of it."""
    try:
        verify(
            Mac(bytes.fromhex(vector["proof_key"])),
            bytes.fromhex(vector["proof"]),
            OperatorId(bytes.fromhex(vector["audience"])),
            vector["body"].encode(),
            vector["now"],
        )
    except Refusal as refusal:
        return type(refusal).__name__
    return "ok"
