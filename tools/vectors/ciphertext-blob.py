"""Vectors of ``spec/ciphertext-blob.md``."""

from keystead.core.tokens.ciphertext_blob import CiphertextBlob, binding
from keystead.identifiers import KeyId
from keystead.primitives.labels import Label
from keystead.primitives.sealing import seal
from tools.sealed_vectors import Vector, replaced, sealed_vectors, seeded

_MATERIAL = seeded("blob material", 32)
_NONCE = seeded("blob nonce", 16)
_KEY = KeyId("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
_MULTI_REGION = KeyId("mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0")
_CONTEXT = {"purpose": "example", "a": "first by its key", "é": ""}
_SHORTEST = 2 + 16 + 4 + 16 + 48


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    good = _vector("ok", _KEY, 3, b"sixteen and more bytes", _CONTEXT)
    blob = bytes.fromhex(good["blob"])
    parts = {
        "kind and id of the key": 2,
        "version of the key": 21,
        "nonce": 22,
        "ciphertext": 40,
        "tag": -33,
        "commitment": -1,
    }
    return [
        *sealed_vectors(good, "blob", _SHORTEST, parts),
        _vector("ok: nothing, without encryption context", _KEY, 1, b"", {}),
        _vector("ok: a multi-Region key", _MULTI_REGION, 1, b"plaintext", {}),
        _vector("ok: 4,096 bytes make less than 6,144", _KEY, 2**32 - 1, bytes(4096), {}),
        good | {"name": "another key's material", "outcome": "SealError", "material": seeded("other", 32).hex()},
        good | {"name": "without its encryption context", "outcome": "SealError", "encryption_context": {}},
        good
        | {
            "name": "with an encryption context in which two values are swapped",
            "outcome": "SealError",
            "encryption_context": _CONTEXT | {"purpose": "first by its key", "a": "example"},
        },
        good | {"name": "a key id of unknown kind", "outcome": "FormatError", "blob": replaced(blob, 1, b"\x02").hex()},
        good | {"name": "version 0 of the key", "outcome": "FormatError", "blob": replaced(blob, 18, bytes(4)).hex()},
        good
        | {"name": "the same digits as a multi-Region key", "outcome": "SealError", "blob": _as_multi_region(blob)},
    ]


def _vector(name: str, key: KeyId, version: int, plaintext: bytes, context: dict[str, str]) -> Vector:
    sealed = seal(_MATERIAL, Label.CUSTOMER_CIPHERTEXT, _NONCE, plaintext, binding(key, version, context))
    return {
        "name": name,
        "outcome": "ok",
        "material": _MATERIAL.hex(),
        "encryption_context": context,
        "blob": CiphertextBlob(key, version, _NONCE, sealed).encode().hex(),
        "key_id": key,
        "version": version,
        "plaintext": plaintext.hex(),
    }


def _as_multi_region(blob: bytes) -> str:
    return replaced(blob, 1, b"\x01").hex()
