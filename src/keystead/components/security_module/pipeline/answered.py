"""Last stage: the answer's bytes. What is secret in it is written once, to a buffer that is wiped after sealing."""

from typing import Final

import msgspec

from keystead.core.operations.context import Done
from keystead.core.protocols.aws_json.rendering import encode
from keystead.core.protocols.module_session.work import Outcome
from keystead.primitives.secret import wipe

_ROOM: Final = 2048
"""More than an answer takes beside its secrets and its ciphertexts, the longest of which has 6,144 bytes."""
_CIPHERTEXT: Final = 8192 + 4
_encoder: Final = msgspec.json.Encoder()


def answered(request: bytes, done: Done) -> Outcome:
    """Return the outcome of a request that succeeded; ``request`` is the digest of its body."""
    if not done.secrets:
        return Outcome(request, "", None, encode(done.answer), done.change)
    body = bytearray(_ROOM + _CIPHERTEXT + sum(4 + len(secret) * 4 // 3 for secret in done.secrets))
    try:
        _encoder.encode_into(done.answer, body)
    finally:
        for secret in done.secrets:
            wipe(secret)
    return Outcome(request, "", None, body, done.change)
