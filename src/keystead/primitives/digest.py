"""Digests (FIPS 180-4) and the comparison of digests."""

import hashlib
import hmac

from keystead.errors import SignatureError
from keystead.primitives.labels import Label
from keystead.primitives.secret import Buffer


def sha256(*parts: Buffer) -> bytes:
    """Return the SHA-256 of the parts one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def labelled_digest(label: Label, *parts: Buffer) -> bytes:
    """Return a SHA-256 that only this label and this very list of parts have: each part follows its length (u32)."""
    digest = hashlib.sha256(label.value + b"\x00")
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def same(one: Buffer, other: Buffer) -> None:
    """Return if the two are equal, in time that does not depend on where they differ; raises SignatureError."""
    if not hmac.compare_digest(one, other):
        raise SignatureError("the digests differ")
