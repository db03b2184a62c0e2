"""What the vectors of all formats that are sealed have in common: each way of being wrong, from one good one."""

import hashlib
from typing import Any

Vector = dict[str, Any]


def seeded(name: str, size: int) -> bytes:
    """Return bytes that follow from the name."""
    return hashlib.shake_256(b"keystead vectors " + name.encode()).digest(size)


def flipped(value: bytes, position: int) -> bytes:
    """Return the value with one bit changed."""
    position %= len(value)
    return value[:position] + bytes((value[position] ^ 1,)) + value[position + 1 :]


def replaced(value: bytes, position: int, other: bytes) -> bytes:
    """Return the value with other bytes from a position on."""
    return value[:position] + other + value[position + len(other) :]


def sealed_vectors(good: Vector, field: str, shortest: int, parts: dict[str, int]) -> list[Vector]:
    """Return the good vector and each way of being wrong that any sealed bytes have.

    ``field`` holds the sealed bytes in hexadecimal, ``shortest`` is the least size that is looked at, ``parts`` has the
    position of a byte in each part that is only found wrong when it is opened.
    """
    sealed = bytes.fromhex(good[field])

    def wrong(name: str, outcome: str, changed: bytes) -> Vector:
        return good | {"name": name, "outcome": outcome, field: changed.hex()}

    return [
        good,
        wrong("empty", "FormatError", b""),
        wrong("truncated below the shortest", "FormatError", sealed[: shortest - 1]),
        wrong("truncated by one byte", "SealError", sealed[:-1]),
        wrong("trailing byte", "SealError", sealed + b"\x00"),
        wrong("version 0", "FormatError", replaced(sealed, 0, b"\x00")),
        wrong("next version", "FormatError", replaced(sealed, 0, b"\x02")),
        *(wrong(f"flipped bit in the {part}", "SealError", flipped(sealed, at)) for part, at in parts.items()),
    ]


def edits(good: bytes, wrong: bytes) -> list[list[int | str]]:
    """Return what makes the wrong bytes of the good ones: position, how many bytes are taken out, which are put in."""
    shorter = min(len(good), len(wrong))
    start = next((at for at in range(shorter) if good[at] != wrong[at]), shorter)
    end = next((at for at in range(shorter - start) if good[-1 - at] != wrong[-1 - at]), shorter - start)
    taken, put = len(good) - end - start, wrong[start : len(wrong) - end]
    return [[start, taken, put.hex()]] if taken or put else []
