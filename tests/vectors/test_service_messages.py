"""Every vector of the protocols with the authentication service and with the coordinator has its outcome."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keystead.core.protocols.authentication import decode_at_front_end, decode_at_service
from keystead.core.protocols.coordination import ANSWERS, REQUESTS
from keystead.core.protocols.rotation import ORDERS
from keystead.errors import Refusal

FOLDER = Path(__file__).parent.parent.parent / "spec" / "vectors"
DECODERS: dict[str, Callable[[bytes], object]] = {
    "service": decode_at_service,
    "front end": decode_at_front_end,
    "coordinator": REQUESTS.decode,
    "operator": ANSWERS.decode,
    "signature": ORDERS.decode,
}
VECTORS: list[dict[str, str]] = [
    vector
    for name in ("authentication", "coordination", "rotation")
    for vector in json.loads((FOLDER / f"{name}.json").read_text())
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['to']}: {vector['name']}")
def test_each_vector_has_its_outcome(vector: dict[str, str]) -> None:
    """Whom the message is sent to reads it, or refuses it with the error that the vector names."""
    assert outcome(vector) == vector["outcome"]


def outcome(vector: dict[str, str]) -> str:
    """Return what the receiver makes of it."""
    try:
        DECODERS[vector["to"]](bytes.fromhex(vector["message"]))
    except Refusal as refusal:
        return type(refusal).__name__
    return "ok"
