"""Secret bytes that stay where they are, and are gone when they are no longer needed."""

import ctypes
import hmac
import os
from types import TracebackType
from typing import Final, NoReturn, Protocol, Self, TypeAlias

from keystead.primitives.arena import Arena

Buffer: TypeAlias = bytes | bytearray | memoryview

_BYTES_HEADER: Final = bytes.__basicsize__ - 1


class Source(Protocol):
    """Where secret bytes come from; ``keystead.core.ports.Randomness`` is one."""

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill the buffer with random bytes and leave no other copy of them."""


def wipe(buffer: bytearray | memoryview) -> None:
    """Overwrite the buffer with zeros, in place."""
    buffer[:] = bytes(len(buffer))


def drained(result: bytes) -> bytearray:
    """Return the bytes that a library call returned, in a buffer that can be wiped, and overwrite them where they are.

    The caller must hold the only reference; what CPython shares (no byte, one byte) stays as it is.
    """
    buffer = bytearray(result)
    if len(result) > 1:
        ctypes.memset(id(result) + _BYTES_HEADER, 0, len(result))
    return buffer


class Secret:
    """A fixed number of secret bytes in memory of the arena.

    It does not print, pickle, copy, compare or hash; its bytes are reached through ``view`` alone. It is wiped by
    ``wipe``, at the end of a ``with`` block, and when nothing refers to it any more; ``view`` then raises ValueError.
    """

    __slots__ = ("_arena", "_piece", "_size", "_wiped", "view")

    view: memoryview
    """The bytes, writable. Who slices or keeps it must let go of it before the secret is wiped."""

    def __init__(self, size: int) -> None:
        """Take ``size`` zero bytes; ``blank``, ``random`` and ``taken`` say it in words."""
        self._wiped = True
        self._arena = _arena
        self._size = size
        self._piece = _arena.take(size)
        self._wiped = False
        self.view = self._piece[:size]

    @classmethod
    def blank(cls, size: int) -> "Secret":
        """Return a secret of zeros, to be written through ``view``."""
        return cls(size)

    @classmethod
    def random(cls, size: int, source: Source) -> "Secret":
        """Return a secret of random bytes."""
        secret = cls(size)
        source.fill(secret.view)
        return secret

    @classmethod
    def taken(cls, buffer: bytearray | memoryview) -> "Secret":
        """Return a secret with the buffer's bytes, and wipe the buffer."""
        secret = cls(len(buffer))
        secret.view[:] = buffer
        wipe(buffer)
        return secret

    @classmethod
    def absorbed(cls, result: bytes) -> "Secret":
        """Return a secret with the bytes that a library call returned, and overwrite them where they are.

        For results that the library can only give as ``bytes``. The caller must hold the only reference, and more than
        one byte (CPython shares shorter objects).
        """
        return cls.taken(drained(result))

    def wipe(self) -> None:
        """Overwrite the bytes; the secret is of no use afterwards. Wiping twice is allowed."""
        if self._wiped:
            return
        self._wiped = True
        self.view.release()
        if self._arena is _arena:
            piece = self._piece
            piece[:] = bytes(len(piece))
            _arena.give_back(piece)

    def same_as(self, other: "Secret") -> bool:
        """Whether both hold the same bytes, in time that does not depend on where they differ."""
        return hmac.compare_digest(self.view, other.view)

    def __len__(self) -> int:
        return self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __del__(self) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"<Secret of {self._size} bytes>"

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are compared with same_as")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied or pickled")


_arena = Arena()


def memory() -> Arena:
    """Return the arena of this process, to tell what it achieved."""
    return _arena


def _disown() -> None:
    # A forked child has no copy of the pages: it must neither read nor wipe what it inherited, and begins anew.
    global _arena  # noqa: PLW0603 - a process has one arena, and a fork makes another process
    _arena = Arena()


os.register_at_fork(after_in_child=_disown)
