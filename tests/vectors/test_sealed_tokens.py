"""Ciphertext blobs, key tokens and operator key tokens answer each vector of their pages as the vector says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keystead.core.tokens import key_token, operator_key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.core.tokens.material import material_sizes
from keystead.errors import FormatError, Refusal
from keystead.identifiers import AccountId, DomainId, KeyId, Region
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key

Vector = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "spec" / "vectors"


def open_blob(vector: Vector) -> None:
    """Open a blob and find what was sealed; its encoding is the only one."""
    encoded = bytes.fromhex(vector["blob"])
    blob = CiphertextBlob.decode(encoded)
    assert blob.encode() == encoded
    aad = blob.aad(vector["encryption_context"])
    material = bytes.fromhex(vector["material"])
    with open_key(material, Label.CUSTOMER_CIPHERTEXT, blob.nonce, blob.sealed, aad) as plaintext:
        assert plaintext.view.hex() == vector["plaintext"]
    assert (blob.key_id, blob.version) == (vector["key_id"], vector["version"])
    if len(plaintext) == 4096:
        assert len(encoded) <= 6144


def open_key_token(vector: Vector) -> None:
    """Open a key token for the key that the vector names."""
    encoded = bytes.fromhex(vector["token"])
    envelope = Envelope.decode(encoded, SealedClass.KEY_TOKEN)
    assert envelope.encode() == encoded
    bound = key_token.binding(
        AccountId(vector["account"]),
        Region(vector["region"]),
        KeyId(vector["key_id"]),
        vector["version"],
        vector["usage"],
    )
    domain_key = bytes.fromhex(vector["domain_key"])
    with open_key(domain_key, Label.KEY_TOKEN, envelope.nonce, envelope.sealed, envelope.aad(bound)) as material:
        if len(material) not in material_sizes(vector["spec"]):
            raise FormatError("material of another size")
        assert material.view.hex() == vector["material"]
    assert envelope.domain_key.hex() == vector["domain_key_id"]


def open_operator_key_token(vector: Vector) -> None:
    """Open an operator key token for the domain that the vector names."""
    envelope = Envelope.decode(bytes.fromhex(vector["token"]), SealedClass.OPERATOR_KEY_TOKEN)
    aad = envelope.aad(operator_key_token.binding(DomainId(bytes.fromhex(vector["domain"]))))
    domain_key = bytes.fromhex(vector["domain_key"])
    with open_key(domain_key, Label.OPERATOR_KEY_TOKEN, envelope.nonce, envelope.sealed, aad) as packed:
        claims = operator_key_token.claims_of(packed.view)
        assert packed.view[: operator_key_token.SESSION_KEY].hex() == vector["session_key"]
    assert (claims.operator.hex(), claims.issued, claims.expires) == (
        vector["operator"],
        vector["issued"],
        vector["expires"],
    )


FORMATS: dict[str, Callable[[Vector], None]] = {
    "ciphertext-blob": open_blob,
    "key-token": open_key_token,
    "operator-key-token": open_operator_key_token,
}
CASES = [
    pytest.param(FORMATS[name], vector, id=f"{name}: {vector['name']}")
    for name in FORMATS
    for vector in json.loads((FOLDER / f"{name}.json").read_text())
]


@pytest.mark.requirement("DOM-10")
@pytest.mark.parametrize(("open_one", "vector"), CASES)
def test_each_vector_has_its_outcome(open_one: Callable[[Vector], None], vector: Vector) -> None:
    """What is right opens to what was sealed; every other is refused with the error that the vector names."""
    outcome = "ok"
    try:
        open_one(vector)
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]
