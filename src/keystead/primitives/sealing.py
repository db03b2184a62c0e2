"""Sealing under a symmetric key, each message under a key of its own, committing to it (``spec/sealing.md``).

64 bytes are derived (SP 800-108r1, HMAC-SHA-512) from key, label and a 128-bit random nonce: an AES-256-GCM key (SP
800-38D) and a commitment. As each message has its own key, the limit of 2^32 random GCM nonces under one key (section
8.3) never binds, and the GCM nonce is zero. The commitment is compared before anything is decrypted: no sealed bytes
open under two keys.
"""

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.errors import SealError
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.secret import Buffer

NONCE: Final = 16
"""Bytes of a nonce; random for each message."""
TAG: Final = 16
COMMITMENT: Final = 32
OVERHEAD: Final = TAG + COMMITMENT
"""Bytes that sealed bytes have more than the plaintext."""
_KEY: Final = 32
_WIPED: Final = bytes(_KEY + COMMITMENT)
GCM_NONCE: Final = bytes(12)


def seal(key: Buffer, label: Label, nonce: bytes, plaintext: Buffer, aad: bytes) -> bytes:
    """Return ciphertext, tag and commitment. ``nonce`` is 16 random bytes that this key and label never had before."""
    derived = bytearray(_KEY + COMMITMENT)
    derive(key, label, nonce, derived)
    try:
        return AESGCM(memoryview(derived)[:_KEY]).encrypt(GCM_NONCE, plaintext, aad) + derived[_KEY:]
    finally:
        derived[:] = _WIPED


def unseal(key: Buffer, label: Label, nonce: bytes, sealed: Buffer, aad: bytes) -> bytes:
    """Return the plaintext of what is no key; raises SealError for anything that ``seal`` did not make with these."""
    cipher, ciphertext = committed(key, label, nonce, sealed)
    try:
        return cipher.decrypt(GCM_NONCE, ciphertext, aad)
    except InvalidTag:
        raise SealError("the sealed bytes do not open") from None


def committed(key: Buffer, label: Label, nonce: bytes, sealed: Buffer) -> tuple[AESGCM, memoryview]:
    """Return the message's cipher and its ciphertext with tag, once the commitment is found right; raises SealError."""
    if len(nonce) != NONCE or len(sealed) < OVERHEAD:
        raise SealError("the sealed bytes or their nonce are too short")
    derived = bytearray(_KEY + COMMITMENT)
    derive(key, label, nonce, derived)
    try:
        if not hmac.compare_digest(derived[_KEY:], sealed[-COMMITMENT:]):
            raise SealError("the sealed bytes were not made with this key for this purpose")
        return AESGCM(memoryview(derived)[:_KEY]), memoryview(sealed)[:-COMMITMENT]
    finally:
        derived[:] = _WIPED
