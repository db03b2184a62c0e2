"""Vectors of ``spec/sealing.md``."""

import hashlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.sealing import COMMITMENT, OVERHEAD, seal

_LABEL = Label.KEY_HEAD
_SALAMANDER = "two keys: the tag fits another key than the commitment"


def generate() -> list[dict[str, str]]:
    """Return one vector for each way of being right or wrong."""
    key, other_key, nonce = _seeded("key", 32), _seeded("other key", 32), _seeded("nonce", 16)
    plaintext, aad = b"sixty-four bytes of a plaintext, neither more of them nor fewer.", b"what it is bound to"
    sealed = seal(key, _LABEL, nonce, plaintext, aad)
    ciphertext, tag, commitment = len(plaintext) // 2, len(plaintext) + 3, len(sealed) - COMMITMENT // 2

    def vector(name: str, outcome: str, **changed: bytes | Label) -> dict[str, str]:
        fields = {"key": key, "label": _LABEL, "nonce": nonce, "aad": aad, "sealed": sealed} | changed
        content = {"plaintext": plaintext.hex()} if outcome == "ok" else {}
        return {"name": name, "outcome": outcome} | {field: value.hex() for field, value in fields.items()} | content

    empty = vector("ok: nothing sealed, bound to nothing", "ok", aad=b"", sealed=seal(key, _LABEL, nonce, b"", b""))
    return [
        vector("ok", "ok"),
        empty | {"plaintext": ""},
        vector("empty", "refused", sealed=b""),
        vector("truncated by one byte", "refused", sealed=sealed[:-1]),
        vector("truncated to less than tag and commitment", "refused", sealed=sealed[: OVERHEAD - 1]),
        vector("trailing byte", "refused", sealed=sealed + b"\x00"),
        vector("nonce truncated", "refused", nonce=nonce[:-1]),
        vector("nonce with a trailing byte", "refused", nonce=nonce + b"\x00"),
        vector("other key", "refused", key=other_key),
        vector("other label", "refused", label=Label.KEY_TOKEN),
        vector("other associated data", "refused", aad=aad + b"."),
        vector("no associated data", "refused", aad=b""),
        vector("flipped bit in the nonce", "refused", nonce=_flipped(nonce, 0)),
        vector("flipped bit in the ciphertext", "refused", sealed=_flipped(sealed, ciphertext)),
        vector("flipped bit in the tag", "refused", sealed=_flipped(sealed, tag)),
        vector("flipped bit in the commitment", "refused", sealed=_flipped(sealed, commitment)),
        vector(_SALAMANDER, "refused", sealed=_encrypted(other_key, nonce, plaintext, aad) + sealed[-COMMITMENT:]),
        vector(
            "two keys: opened with the key that the tag fits",
            "refused",
            key=other_key,
            sealed=_encrypted(other_key, nonce, plaintext, aad) + sealed[-COMMITMENT:],
        ),
    ]


def _seeded(name: str, size: int) -> bytes:
    return hashlib.shake_256(b"keystead vectors sealing " + name.encode()).digest(size)


def _flipped(value: bytes, position: int) -> bytes:
    return value[:position] + bytes((value[position] ^ 1,)) + value[position + 1 :]


def _encrypted(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return ciphertext and tag that are right under the key that is derived from this one."""
    derived = bytearray(64)
    derive(key, _LABEL, nonce, derived)
    return AESGCM(bytes(derived[:32])).encrypt(bytes(12), plaintext, aad)
