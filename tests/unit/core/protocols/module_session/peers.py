"""An operator and a module joined by a wire that a test may bend. Both ends are the real state machines."""

from collections.abc import Callable

from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.handshake import Offer, Session, offer
from keystead.core.protocols.module_session.messages import (
    GREETING_CALL,
    Attach,
    Attached,
    Call,
    Negotiate,
    decode_call,
    encode_reply,
)
from keystead.core.protocols.module_session.operator_connection import Answered, OperatorConnection, Responded
from keystead.identifiers import ModuleId
from keystead.primitives.hpke import RecipientKey
from tests.simulators.session_modules import SessionDomain, SessionModule
from tests.simulators.world import SeededRandomness

NOW = 1_700_000_000_000


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> int:
        """Return what was set."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds."""
        return self.time / 1000


class Peers:
    """One operator, one domain of two modules, and a connection to the first."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = SetClock()
        self.randomness = SeededRandomness(seed, "peers")
        self.domain = SessionDomain(2, self.clock, self.randomness)
        self.modules = [self.domain.module(number, self.randomness) for number in range(2)]
        self.members: dict[ModuleId, bytes] = {member.id: member.ed25519 for member in self.domain.members}

    def connect(self, module: SessionModule | None = None) -> "Wire":
        """Return a greeted connection."""
        return Wire(self, module or self.modules[0])

    def offer(self, wire: "Wire") -> Offer:
        """Return a hello for the greeting on this wire."""
        identity = self.domain.identity
        return offer(
            identity.key,
            identity.operator,
            self.domain.domain,
            wire.far.greeting,
            RecipientKey.generate(self.randomness),
            self.randomness.token(16),
            self.clock.time,
        )

    def negotiate(self, wire: "Wire") -> Session:
        """Return a session negotiated over this wire."""
        offered = self.offer(wire)
        answer = wire.module.negotiate(Negotiate(offered.hello), wire.far.greeting)
        return offered.accepted(answer.accept, self.members, self.clock.time)

    def attached(self, module: SessionModule | None = None, session: Session | None = None) -> "Wire":
        """Return a connection that is attached to a session."""
        wire = self.connect(module)
        wire.attach(session or self.negotiate(wire), self.randomness.token(16))
        return wire


class Wire:
    """A connection whose messages pass through ``bend``."""

    session: Session
    client_nonce: bytes

    def __init__(self, peers: Peers, module: SessionModule) -> None:
        self.peers = peers
        self.module = module
        self.far = ModuleConnection(module.greeting())
        self.near = OperatorConnection()
        self.bend: Callable[[bytes], bytes] = lambda message: message
        self.near.receive(encode_reply(GREETING_CALL, self.far.greeting))

    def attach(self, session: Session, client_nonce: bytes) -> None:
        """Attach the session at both ends."""
        self.session, self.client_nonce = session, client_nonce
        call = decode_call(self.near.attach(session, client_nonce))
        assert isinstance(call.request, Attach)
        answer = self.answer_attach(call)
        heard = self.near.receive(encode_reply(call.number, answer))
        assert heard == Answered(answer)

    def answer_attach(self, call: Call) -> Attached:
        """Answer as the module does."""
        assert isinstance(call.request, Attach)
        tenure, key = self.module.opened(call.request.operator_key_token)
        return self.far.attach(call.request, tenure, key, self.module.domain.clock.now())

    def request(self, content: bytes) -> bytes:
        """Return the content as the module opens it."""
        return self.deliver(self.near.seal(content))

    def deliver(self, frame: bytes) -> bytes:
        """Let the module open a frame."""
        now = self.module.domain.clock.now()
        return bytes(self.far.open(self.bend(frame), self.module.operators, now)[1])

    def respond(self, content: bytes) -> bytes:
        """Return the content as the operator opens it."""
        heard = self.near.receive(self.bend(self.far.seal(content)))
        assert isinstance(heard, Responded)
        return bytes(heard.content)
