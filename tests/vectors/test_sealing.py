"""Sealing answers each vector of spec/sealing.md as the vector says."""

import json
from pathlib import Path

import pytest

from keystead.errors import SealError
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key
from keystead.primitives.sealing import unseal

FILE = Path(__file__).parents[2] / "spec" / "vectors" / "sealing.json"
VECTORS = {vector["name"]: vector for vector in json.loads(FILE.read_text())}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    """Both ways to open give the plaintext of a good vector and refuse every other."""
    vector = VECTORS[name]
    key, nonce, sealed, aad = (bytes.fromhex(vector[field]) for field in ("key", "nonce", "sealed", "aad"))
    label = Label(bytes.fromhex(vector["label"]))
    if vector["outcome"] == "ok":
        assert unseal(key, label, nonce, sealed, aad).hex() == vector["plaintext"]
        assert open_key(key, label, nonce, sealed, aad).view.hex() == vector["plaintext"]
        return
    for opening in (unseal, open_key):
        with pytest.raises(SealError):
            opening(key, label, nonce, sealed, aad)
