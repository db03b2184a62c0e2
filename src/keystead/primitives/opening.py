"""Opening what holds keys or customers' plaintext. Only the security module may import this file."""

from cryptography.exceptions import InvalidTag

from keystead.errors import SealError
from keystead.primitives.labels import Label
from keystead.primitives.sealing import GCM_NONCE, OVERHEAD, TAG, committed
from keystead.primitives.secret import Buffer, Secret, wipe


def open_key(key: Buffer, label: Label, nonce: bytes, sealed: Buffer, aad: bytes) -> Secret:
    """Return what was sealed, in a secret of its size; raises SealError."""
    secret = Secret.blank(max(0, len(sealed) - OVERHEAD))
    try:
        open_into(key, label, nonce, sealed, aad, secret.view)
    except SealError:
        secret.wipe()
        raise
    return secret


def open_into(key: Buffer, label: Label, nonce: bytes, sealed: Buffer, aad: bytes, out: memoryview) -> int:
    """Write what was sealed to the beginning of ``out`` and return its size.

    ``out`` has room for it (the size of ``sealed`` less OVERHEAD). Raises SealError; ``out`` then holds zeros there.
    """
    cipher, ciphertext = committed(key, label, nonce, sealed)
    size = len(ciphertext) - TAG
    room = out if len(out) == size else out[:size]
    try:
        return cipher.decrypt_into(GCM_NONCE, ciphertext, aad, room)
    except InvalidTag:
        wipe(room)
        raise SealError("the sealed bytes do not open") from None
