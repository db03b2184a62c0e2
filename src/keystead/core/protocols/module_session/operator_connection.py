"""The operator's end of one connection: greeted, attached, closed (``spec/module-session.md``, sections 2 and 4)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.frame import FrameChannel, Route, operator_end
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.module_session.messages import (
    FRAME,
    GREETING_CALL,
    Answer,
    Attach,
    Attached,
    Greeting,
    Refused,
    Request,
    decode_reply,
    encode_call,
    kind_of,
)
from keystead.errors import FormatError, NotAttached


class State(Enum):
    """Where a connection stands at the operator."""

    CONNECTING = "connecting"
    GREETED = "greeted"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    CLOSED = "closed"


class Event(Enum):
    """What happens to a connection."""

    GREETING = "greeting"
    ATTACH = "attach"
    ATTACHED = "attached"
    FRAME = "frame"
    REFUSAL = "refusal of the attach"
    END = "end"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.CONNECTING, Event.GREETING): State.GREETED,
    (State.CONNECTING, Event.END): State.CLOSED,
    (State.GREETED, Event.ATTACH): State.ATTACHING,
    (State.GREETED, Event.END): State.CLOSED,
    (State.ATTACHING, Event.ATTACHED): State.ATTACHED,
    (State.ATTACHING, Event.REFUSAL): State.GREETED,
    (State.ATTACHING, Event.END): State.CLOSED,
    (State.ATTACHED, Event.FRAME): State.ATTACHED,
    (State.ATTACHED, Event.END): State.CLOSED,
    (State.CLOSED, Event.END): State.CLOSED,
}
"""What is not listed breaks the protocol: the connection is closed and made anew."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The module greeted; calls may be made."""

    greeting: Greeting


@dataclass(frozen=True, slots=True)
class Answered:
    """The oldest unanswered call was answered."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """The module refused a frame and closes. Unproven, as every control message: a hint, not a verdict on an item."""

    refusal: Refused


@dataclass(frozen=True, slots=True)
class Responded:
    """The oldest unanswered frame was answered."""

    content: bytearray


Heard = Greeted | Answered | FrameRefused | Responded


class OperatorConnection:
    """Says what to send and judges what arrives on one connection. Holds frame keys from attach to the end."""

    def __init__(self) -> None:
        self.state = State.CONNECTING
        self.greeting: Greeting | None = None
        self._calls: deque[tuple[int, Request]] = deque()
        self._last_call = GREETING_CALL
        self._channel: FrameChannel | None = None

    def call(self, request: Request) -> bytes:
        """Return the message that makes a call; answers come in the order of calls."""
        self._last_call += 1
        self._calls.append((self._last_call, request))
        return encode_call(self._last_call, request)

    def attach(self, session: Session, client_nonce: bytes) -> bytes:
        """Return the message that uses the session on this connection; ``client_nonce`` is 16 new random bytes.

        Raises FormatError if there was no greeting, or the connection is attached already.
        """
        if self.greeting is None:
            raise FormatError("nobody greeted yet")
        self._move(Event.ATTACH)
        self._channel = operator_end(session.key.view, Route.of(self.greeting, client_nonce))
        return self.call(Attach(session.operator, session.operator_key_token, client_nonce))

    def seal(self, content: Buffer) -> bytes:
        """Return the message that asks what ``content`` says; raises NotAttached, SessionExpired."""
        if self._channel is None or self.state is not State.ATTACHED:
            raise NotAttached("no session is attached to this connection")
        return self._channel.sender.seal(content)

    def receive(self, message: Buffer) -> Heard:
        """Return what the message says; raises a Refusal if it is not what the protocol has here: close then."""
        if kind_of(message) == FRAME:
            if self._channel is None or self.state is not State.ATTACHED:
                raise NotAttached("a frame came before a session was attached")
            return Responded(self._channel.receiver.open(message))
        reply = decode_reply(message)
        if reply.number == GREETING_CALL:
            return self._uncalled(reply.answer)
        if not self._calls or reply.number != self._calls[0][0]:
            raise FormatError("an answer to no call, or out of order")
        _, request = self._calls.popleft()
        if isinstance(request, Attach):
            self._move(Event.ATTACHED if isinstance(reply.answer, Attached) else Event.REFUSAL)
        return Answered(reply.answer)

    def end(self) -> None:
        """Forget the keys; the transport is closed."""
        self._move(Event.END)
        self._channel = None

    def _uncalled(self, answer: Answer) -> Heard:
        if isinstance(answer, Refused):
            return FrameRefused(answer)
        if not isinstance(answer, Greeting):
            raise FormatError("an answer that nobody called for")
        self._move(Event.GREETING)
        self.greeting = answer
        return Greeted(answer)

    def _move(self, event: Event) -> None:
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise FormatError(f"the connection is {self.state.value}: no place for {event.value}")
        self.state = after
