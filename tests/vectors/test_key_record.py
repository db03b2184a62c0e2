"""Opening a record answers each vector of spec/key-record.md as the vector says."""

import json
from pathlib import Path

import pytest

from keystead.core.keys.opened import open_record
from keystead.core.records import KeyRecord
from keystead.errors import RecordError

FILE = Path(__file__).parents[2] / "spec" / "vectors" / "key-record.json"
VECTORS = {vector["name"]: vector for vector in json.loads(FILE.read_text())}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    """A good record opens with all that came with it; every other is refused."""
    vector = VECTORS[name]
    tokens = {int(number): bytes.fromhex(token) for number, token in vector["tokens"].items()}
    attachments = {kind: bytes.fromhex(content) for kind, content in vector["attachments"].items()}
    record = KeyRecord(b"sealed", tokens, attachments)
    if vector["outcome"] == "ok":
        key = open_record(bytes.fromhex(vector["head"]), record)
        assert (key.tokens, key.attachments) == (tokens, attachments)
        return
    with pytest.raises(RecordError):
        open_record(bytes.fromhex(vector["head"]), record)
