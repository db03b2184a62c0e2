"""Bare sealing: what the cryptography alone costs, in a loop that does nothing else."""

import time

from benchmarks.report import Figure
from keystead.primitives.labels import Label
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.sealing import NONCE, seal

_AT_ONCE = 1000


def measure(seconds: float) -> Figure:
    """Return how often a second 64 bytes are sealed under keys of their own, nonce included."""
    randomness = SystemRandomness()
    key, plaintext = randomness.token(32), randomness.token(64)
    done, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < seconds:
        for _ in range(_AT_ONCE):
            seal(key, Label.CUSTOMER_CIPHERTEXT, randomness.token(NONCE), plaintext, b"")
        done += _AT_ONCE
    return Figure(name="sealing, bare loop", value=done / taken, unit="/s")
