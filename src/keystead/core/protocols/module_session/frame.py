"""Sealed frames (FIG. 25; ``spec/module-session.md``, section 4): each used once, in order, by the end it was made for.

A frame's header names direction, module, incarnation, connection and sequence number, and is authenticated with the
content. The keys are derived from the session key with everything in the header but the number, which is the nonce:
both ends contribute random bytes to the connection, so no key and nonce meet twice, whatever is replayed.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.messages import FRAME, VERSION, Greeting
from keystead.errors import (
    FormatError,
    ReflectedFrame,
    ReorderedFrame,
    ReplayedFrame,
    SessionExpired,
    WrongConnection,
    WrongIncarnation,
    WrongModule,
)
from keystead.identifiers import ModuleId
from keystead.primitives.channel import FrameCipher
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.secret import wipe

FRAMES_PER_CONNECTION: Final = 2**32
"""After so many frames one way the connection is made anew; far below every limit of AES-GCM."""
_KEY_SIZE: Final = 32
_DIRECTION: Final = 2
_MODULE: Final = slice(3, 19)
_INCARNATION: Final = slice(19, 35)
_CONNECTION: Final = slice(35, 67)
_SEQUENCE: Final = slice(67, 75)
HEADER_SIZE: Final = 75


class Direction(IntEnum):
    """Which way a frame goes."""

    REQUEST = 1
    """To the module."""
    RESPONSE = 2
    """From the module."""


_LABELS: Final = {Direction.REQUEST: Label.FRAME_REQUEST, Direction.RESPONSE: Label.FRAME_RESPONSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The one connection of one incarnation of one module that frames are sealed for."""

    module: ModuleId
    incarnation: bytes
    connection: bytes
    """The module's 16 random bytes, then the client's."""

    @classmethod
    def of(cls, greeting: Greeting, client_nonce: bytes) -> "Route":
        """Return the route that a greeting and the client's nonce in its Attach make."""
        return cls(
            module=greeting.module,
            incarnation=greeting.incarnation,
            connection=greeting.connection_nonce + client_nonce,
        )

    def header(self, direction: Direction) -> bytes:
        """Return the header without the sequence number."""
        return bytes((FRAME, VERSION, direction)) + self.module + self.incarnation + self.connection

    def cipher(self, session_key: Buffer, direction: Direction) -> FrameCipher:
        """Return the cipher of one direction; the derived key is wiped as far as this code holds it."""
        key = bytearray(_KEY_SIZE)
        try:
            derive(session_key, _LABELS[direction], self.module + self.incarnation + self.connection, key)
            return FrameCipher(key)
        finally:
            wipe(key)


class FrameSender:
    """Seals the frames of one direction, in order."""

    def __init__(self, cipher: FrameCipher, header: bytes, first: int = 0) -> None:
        """Take the cipher and the header (without number) of this direction, and the number of the first frame."""
        self._cipher = cipher
        self._header = header
        self._next = first

    def seal(self, content: Buffer) -> bytes:
        """Return the frame with the next number; raises SessionExpired when the numbers are used up."""
        number = self._next
        if number >= FRAMES_PER_CONNECTION:
            raise SessionExpired("the connection has carried as many frames as it may")
        header = self._header + number.to_bytes(8, "big")
        self._next = number + 1
        return header + self._cipher.seal(number, header, content)


class FrameReceiver:
    """Opens the frames of one direction, each once and in order. A refused frame changes nothing."""

    def __init__(self, cipher: FrameCipher, header: bytes) -> None:
        """Take the cipher and the header (without number) of this direction."""
        self._cipher = cipher
        self._header = header
        self._next = 0

    def open(self, frame: Buffer) -> bytearray:
        """Return the content, which the caller wipes.

        Raises, in this order: FormatError, ReflectedFrame, WrongModule, WrongIncarnation, WrongConnection,
        ReplayedFrame, ReorderedFrame, ForgedFrame.
        """
        frame = memoryview(frame)
        header = self._header + self._next.to_bytes(8, "big")
        if frame[:HEADER_SIZE] != header:
            raise self._misfit(bytes(frame[:HEADER_SIZE]), header)
        content = self._cipher.open(self._next, header, frame[HEADER_SIZE:])
        self._next += 1
        return content

    def _misfit(self, header: bytes, expected: bytes) -> Exception:
        """Return why the header is not the expected one, in the order of the specification."""
        if len(header) != HEADER_SIZE or header[:_DIRECTION] != expected[:_DIRECTION]:
            return FormatError("not a frame of this version")
        if header[_DIRECTION] != expected[_DIRECTION]:
            return self._other_direction(header[_DIRECTION])
        for part, error, whose in _NAMED:
            if header[part] != expected[part]:
                return error(f"the frame was made for {whose}")
        if header[_SEQUENCE] < expected[_SEQUENCE]:
            return ReplayedFrame("the frame's number was used before")
        return ReorderedFrame("the frame's number is not the next")

    @staticmethod
    def _other_direction(direction: int) -> Exception:
        if direction in _LABELS:
            return ReflectedFrame("the frame was made for the other direction")
        return FormatError("not a direction of frames")


_NAMED: Final = (
    (_MODULE, WrongModule, "another module"),
    (_INCARNATION, WrongIncarnation, "another start of this module"),
    (_CONNECTION, WrongConnection, "another connection"),
)


@dataclass(frozen=True, slots=True)
class FrameChannel:
    """One end's two directions."""

    sender: FrameSender
    receiver: FrameReceiver


def operator_end(session_key: Buffer, route: Route) -> FrameChannel:
    """Return the end that sends requests and receives responses."""
    return _end(session_key, route, Direction.REQUEST, Direction.RESPONSE)


def module_end(session_key: Buffer, route: Route) -> FrameChannel:
    """Return the end that receives requests and sends responses."""
    return _end(session_key, route, Direction.RESPONSE, Direction.REQUEST)


def _end(session_key: Buffer, route: Route, outward: Direction, inward: Direction) -> FrameChannel:
    return FrameChannel(
        FrameSender(route.cipher(session_key, outward), route.header(outward)),
        FrameReceiver(route.cipher(session_key, inward), route.header(inward)),
    )
