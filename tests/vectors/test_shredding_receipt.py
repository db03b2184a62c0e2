"""Receipts of shredding answer each vector of ``spec/shredding.md`` as the vector says."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.core.keys.receipt import verified
from keystead.errors import Refusal
from tests.simulators.shredded import states_of

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "spec/vectors/shredding-receipt.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_each_receipt_has_its_outcome(vector: dict[str, Any]) -> None:
    """What every member signed and the documents bear out is believed; nothing else is."""
    receipt = bytes.fromhex(VECTORS["receipt"])
    for position, taken, put in vector["edits"]:
        receipt = receipt[:position] + bytes.fromhex(put) + receipt[position + taken :]
    states = states_of(bytes.fromhex(VECTORS["genesis"]), [bytes.fromhex(token) for token in VECTORS["tokens"]])
    outcome = "ok"
    try:
        verified(receipt, states)
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]
