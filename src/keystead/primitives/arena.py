"""Memory for secrets: locked, not in core dumps, not inherited by children, and secret to the kernel where it can be.

``memfd_secret`` (Linux 5.14) gives pages that are removed from the kernel's own map, so that not even root reads them
through ``/proc/PID/mem``. Elsewhere the pages are anonymous, locked (``mlock``) and excluded from dumps. Every kind is
left out of a forked child, which must not touch what it inherited.
"""

import ctypes
import mmap
import os
from typing import Final

_MEMFD_SECRET: Final = 447
"""Number of the system call on every architecture (it is newer than the unified table)."""
_CLOSE_ON_EXEC: Final = os.O_CLOEXEC
_SMALLEST: Final = 32
_CHUNK: Final = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


def _secret_mapping(size: int) -> mmap.mmap | None:
    descriptor = _libc.syscall(_MEMFD_SECRET, _CLOSE_ON_EXEC)
    if descriptor < 0:
        return None
    try:
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size, mmap.MAP_SHARED)
    except OSError:  # the limit of locked memory is reached
        return None
    finally:
        os.close(descriptor)


def _locked_mapping(size: int) -> tuple[mmap.mmap, bool]:
    mapping = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    mapping.madvise(mmap.MADV_DONTDUMP)
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    return mapping, _libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)) == 0


class Arena:
    """Hands out zeroed pieces of that memory and takes them back. Owned by one process; not for two threads at once."""

    def __init__(self) -> None:
        """Map nothing yet."""
        self._free: dict[int, list[memoryview]] = {}
        self.secret = True
        """Whether every piece so far is in ``memfd_secret`` memory."""
        self.locked = True
        """Whether every piece so far is at least locked."""

    def take(self, size: int) -> memoryview:
        """Return at least ``size`` zero bytes that nobody else holds."""
        room = max(_SMALLEST, 1 << (size - 1).bit_length())
        pieces = self._free.get(room)
        if not pieces:
            pieces = self._cut(room)
        return pieces.pop()

    def give_back(self, piece: memoryview) -> None:
        """Take back a piece that ``take`` returned and that is wiped."""
        self._free[len(piece)].append(piece)

    def _cut(self, room: int) -> list[memoryview]:
        chunk = memoryview(self._mapping(max(room, _CHUNK)))
        pieces = [chunk[start : start + room] for start in range(0, len(chunk), room)]
        self._free[room] = pieces
        return pieces

    def _mapping(self, size: int) -> mmap.mmap:
        mapping = _secret_mapping(size)
        if mapping is None:
            self.secret = False
            mapping, locked = _locked_mapping(size)
            self.locked = self.locked and locked
        mapping.madvise(mmap.MADV_DONTFORK)
        return mapping
