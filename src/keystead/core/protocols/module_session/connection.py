"""The module's end of one connection: greeted, attached, closed (``spec/module-session.md``, sections 2 and 4)."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.frame import FrameChannel, Route, module_end
from keystead.core.protocols.module_session.messages import Attach, Attached, Greeting
from keystead.errors import AlreadyAttached, NotAttached, SessionExpired, UnknownOperator, WrongOperator
from keystead.identifiers import OperatorId


class State(Enum):
    """Where a connection stands at the module."""

    GREETED = "greeted"
    ATTACHED = "attached"
    CLOSED = "closed"


class Event(Enum):
    """What happens to a connection."""

    ATTACH = "attach"
    FRAME = "frame"
    REFUSAL = "refusal of a frame"
    END = "end"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.GREETED, Event.ATTACH): State.ATTACHED,
    (State.GREETED, Event.REFUSAL): State.CLOSED,
    (State.GREETED, Event.END): State.CLOSED,
    (State.ATTACHED, Event.FRAME): State.ATTACHED,
    (State.ATTACHED, Event.REFUSAL): State.CLOSED,
    (State.ATTACHED, Event.END): State.CLOSED,
    (State.CLOSED, Event.REFUSAL): State.CLOSED,
    (State.CLOSED, Event.END): State.CLOSED,
}
"""What is not listed is refused: a second attach, a frame before the first, anything after the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """Who a session belongs to and how long, as the module read it in an operator key token."""

    operator: OperatorId
    expires: int


class ModuleConnection:
    """Judges what arrives on one connection. Holds frame keys from attach to the end, never the session key."""

    def __init__(self, greeting: Greeting) -> None:
        """Take what this connection was greeted with."""
        self.greeting = greeting
        self.state = State.GREETED
        self._tenure: Tenure | None = None
        self._channel: FrameChannel | None = None

    def attach(self, attach: Attach, tenure: Tenure, session_key: Buffer, now: int) -> Attached:
        """Use the session that the operator key token holds; returns the answer.

        Raises AlreadyAttached, WrongOperator if who attaches is not whose session it is, SessionExpired.
        """
        after = TRANSITIONS.get((self.state, Event.ATTACH))
        if after is None:
            raise AlreadyAttached("the connection is attached to a session already, or closed")
        if attach.operator != tenure.operator:
            raise WrongOperator("the session was given to another operator")
        _check_expiry(tenure, now)
        self._channel = module_end(session_key, Route.of(self.greeting, attach.client_nonce))
        self._tenure = tenure
        self.state = after
        return Attached(tenure.expires)

    def open(self, frame: Buffer, operators: Container[OperatorId], now: int) -> tuple[OperatorId, bytearray]:
        """Return who sent the frame, and its content, which the caller wipes.

        ``operators`` are those installed now. Raises NotAttached, SessionExpired, UnknownOperator, and what
        ``FrameReceiver.open`` raises. After any refusal the connection is closed: nothing more on it is opened.
        """
        try:
            tenure, channel = self._attached()
            _check_expiry(tenure, now)
            if tenure.operator not in operators:
                raise UnknownOperator("the operator is not installed any more")
            content = channel.receiver.open(frame)
        except BaseException:
            self._move(Event.REFUSAL)
            raise
        return tenure.operator, content

    def seal(self, content: Buffer) -> bytes:
        """Return the response frame to the oldest unanswered request; raises NotAttached."""
        _, channel = self._attached()
        return channel.sender.seal(content)

    def end(self) -> None:
        """Forget the keys; the transport is closed."""
        self._move(Event.END)

    def _attached(self) -> tuple[Tenure, FrameChannel]:
        if (self.state, Event.FRAME) not in TRANSITIONS or self._tenure is None or self._channel is None:
            raise NotAttached("no session is attached to this connection")
        return self._tenure, self._channel

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]
        self._tenure = self._channel = None


def _check_expiry(tenure: Tenure, now: int) -> None:
    if tenure.expires <= now:
        raise SessionExpired("the session is past its expiry")
