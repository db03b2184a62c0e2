"""Makes the secrets of real security modules recognisable. Loaded by Python itself, where PYTHONPATH names this folder.

In a process that plays a security module, random bytes that become a secret begin with a mark that says what they are
for; what was marked is told, line by line, in the file that KEYSTEAD_PLANTED names. Nothing of the product knows of it.
"""

import os
import sys
from types import FrameType

MASK = 0x5A
MASKED = {
    "root": "112f2e6bf03c7d5b2a363b342e",
    "key": "112f2e6bf13c7e5b2a363b342e",
    "session": "112f2e6bf23c795b2a363b342e",
    "released": "112f2e6bf33c785b2a363b342e",
}
"""The marks, in hexadecimal, each byte XOR MASK: every process loads this file, and must not hold a mark by that."""
PURPOSES = {
    "renew": "root",
    "issue": "key",
    "new_token": "key",
    "wake": "key",
    "grant": "session",
    "generate": "released",
}
"""What a secret is for, by the function that asks for it."""


def mark(name: str) -> bytes:
    """Return a mark."""
    return bytes(byte ^ MASK for byte in bytes.fromhex(MASKED[name]))


def purpose(frame: FrameType | None) -> str | None:
    """Return what the innermost caller that is known here wants random bytes for."""
    while frame is not None:
        known = PURPOSES.get(frame.f_code.co_name)
        if known is not None and "security_module" in frame.f_code.co_filename:
            return known
        frame = frame.f_back
    return None


def plant() -> None:
    """Mark what is filled from now on."""
    from keystead.primitives.randomness import SystemRandomness  # noqa: PLC0415 -- only in the modules' processes

    fill = SystemRandomness.fill
    marks = {name: mark(name) for name in MASKED}

    def marked(self: SystemRandomness, buffer: bytearray | memoryview) -> None:
        fill(self, buffer)
        found = purpose(sys._getframe(1))  # noqa: SLF001 -- who asks decides the mark
        if found is not None and len(buffer) >= 32:
            buffer[: len(marks[found])] = marks[found]
            with open(os.environ["KEYSTEAD_PLANTED"], "a") as told:  # noqa: PTH123 -- as early and as small as can be
                told.write(f"{found}\n")

    SystemRandomness.fill = marked  # type: ignore[method-assign]


if sys.orig_argv[-4:-2] == ["serve", "module"]:
    plant()
