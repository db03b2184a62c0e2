"""Attestation documents answer each vector of ``spec/attested-recipients.md`` as the vector says."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from keystead.components.security_module.attestation import RootedAttestation
from keystead.errors import Refusal
from keystead.primitives.attestation import read_roots
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import Platform

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "spec/vectors/attested-recipients.json").read_text())
ATTESTATION = RootedAttestation(read_roots(VECTORS["root"].encode()), SystemRandomness())


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_each_document_has_its_outcome(vector: dict[str, Any]) -> None:
    """What leads to the root now is believed; nothing else is."""
    document = bytes.fromhex(VECTORS["document"])
    for position, taken, put in vector["edits"]:
        document = document[:position] + bytes.fromhex(put) + document[position + taken :]
    outcome = "ok"
    try:
        ATTESTATION.attested(document, vector["now"])
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]


def test_the_envelope_opens() -> None:
    """With the environment's key, and holds the plaintext."""
    key = load_der_private_key(bytes.fromhex(VECTORS["private_key"]), None)
    assert isinstance(key, RSAPrivateKey)
    opened = Platform(environment=key).opened(bytes.fromhex(VECTORS["enveloped"]))
    assert opened == bytes.fromhex(VECTORS["plaintext"])
