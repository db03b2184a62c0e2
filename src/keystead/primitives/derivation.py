"""Keys from keys: NIST SP 800-108r1, section 4.1 (counter mode), HMAC-SHA-512, one block.

The fixed input is ``label || 0x00 || context || [L]_16`` with L in bits, and the 8-bit counter follows it. One block
of this is, byte for byte, one block of HKDF-Expand (RFC 5869, section 2.3) with that fixed input as ``info``; the
library's HKDF-Expand writes into the caller's buffer and leaves no other copy of the output in memory, its KBKDF
leaves one. A test holds the two equal.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keystead.primitives.labels import Label
from keystead.primitives.secret import Buffer

LONGEST: Final = 64
"""Bytes in one block."""
_hash: Final = SHA512()
_lengths: Final = tuple((8 * size).to_bytes(2, "big") for size in range(LONGEST + 1))


def derive(key: Buffer, label: Label, context: bytes, out: bytearray | memoryview) -> None:
    """Fill ``out`` (1 to 64 bytes) with key material for the label and context.

    A shorter output is not the beginning of a longer one.
    """
    size = len(out)
    HKDFExpand(_hash, size, b"".join((label, b"\x00", context, _lengths[size]))).derive_into(key, out)
