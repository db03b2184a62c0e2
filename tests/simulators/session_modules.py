"""A domain whose modules have real sessions and no keys of customers: for links, fleets and their benchmark.

The sessions, tokens, signatures and frames are the real ones; what an item asks for is answered by a function.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keystead.core.domain.quorum import KOfOperators, Rules
from keystead.core.domain.state import DomainState, Member, Operator, Permission
from keystead.core.ports import Buffer, Clock, Link, LinkHandler, Listener, Network, Randomness
from keystead.core.protocols.module_session.connection import ModuleConnection, Tenure
from keystead.core.protocols.module_session.handshake import LIFETIME, SESSION_KEY_SIZE, Grant, accept, admit
from keystead.core.protocols.module_session.messages import (
    FRAME,
    GREETING_CALL,
    Answer,
    Attach,
    Call,
    Greeting,
    Negotiate,
    Negotiated,
    decode_call,
    encode_reply,
    kind_of,
    refused,
)
from keystead.core.protocols.module_session.work import Item, Outcome, Outcomes, decode_work, encode_outcomes
from keystead.core.tokens.envelope import SealedClass, header
from keystead.core.tokens.operator_key_token import SESSION_KEY, SessionClaims, claims_of, content
from keystead.errors import FormatError, Refusal
from keystead.identifiers import DomainId, DomainKeyId, OperatorId
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import PUBLIC_SIZE
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey, OperatorPublic
from keystead.primitives.sealing import NONCE, seal, unseal
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey
from keystead.transport.session_keeper import OperatorIdentity

Execute = Callable[[Item], Outcome]


def echo(item: Item) -> Outcome:
    """Answer with the body."""
    return Outcome(sha256(item.body), "", None, item.body)


@dataclass(slots=True)
class KnownDomain:
    """A DomainView that a test sets."""

    state: DomainState

    @property
    def domain(self) -> DomainId:
        """The domain."""
        return self.state.domain_id


class SessionDomain:
    """Modules of one domain, the key that they share, and one operator that may serve."""

    def __init__(self, count: int, clock: Clock, randomness: Randomness) -> None:
        """Make ``count`` modules' identities; ``module`` starts one."""
        key = OperatorKey.generate(randomness, "front end")
        public = OperatorPublic.from_line(key.public_line)
        operator = Operator.of("front-end", public, frozenset((Permission.SERVE,)))
        self.identity = OperatorIdentity(operator=operator.id, key=key)
        self.domain = DomainId(randomness.token(32))
        self.identities = [IdentityKey.generate(randomness) for _ in range(count)]
        self.members = [
            Member.of(f"module-{number + 1}", identity.public, bytes(PUBLIC_SIZE))
            for number, identity in enumerate(self.identities)
        ]
        self.state = DomainState(
            self.domain,
            1,
            tuple(sorted(self.members, key=lambda member: member.id)),
            (operator,),
            Rules(KOfOperators(1, (operator.id,)), ()),
            (),
        )
        self.view = KnownDomain(self.state)
        self.clock = clock
        self.shared_key = Secret.random(32, randomness)
        self.lifetime = LIFETIME
        self.newest = DomainKeyId(bytes(16))
        """The domain key that operator key tokens name; the shared key stands for every one."""

    def module(self, number: int, randomness: Randomness, execute: Execute = echo) -> "SessionModule":
        """Start a module: a new incarnation of that member."""
        return SessionModule(self, number, randomness, execute)


class SessionModule:
    """One incarnation of one module."""

    def __init__(self, domain: SessionDomain, number: int, randomness: Randomness, execute: Execute) -> None:
        self.domain = domain
        self.member = domain.members[number]
        self.identity = domain.identities[number]
        self.randomness = randomness
        self.execute = execute
        self.incarnation = randomness.token(16)
        self.operators: dict[OperatorId, bytes] = {
            operator.id: operator.public.ed25519 for operator in domain.state.operators
        }
        self.negotiations = 0
        self.frames = 0

    async def listen(self, network: Network, address: str) -> Listener:
        """Serve connections."""
        return await network.listen(address, lambda: ModuleHandler(self))

    def greeting(self) -> Greeting:
        """Return the greeting of a new connection."""
        return Greeting(
            module=self.member.id,
            incarnation=self.incarnation,
            connection_nonce=self.randomness.token(16),
            domain=self.domain.domain,
            version=1,
            token_hash=bytes(32),
        )

    def negotiate(self, request: Negotiate, greeting: Greeting) -> Negotiated:
        """Grant a session."""
        self.negotiations += 1
        now = self.domain.clock.now()
        admitted = admit(request.hello, greeting, self.operators, now)
        key = Secret.random(SESSION_KEY_SIZE, self.randomness)
        expires = now + self.domain.lifetime
        nonce = self.randomness.token(NONCE)
        packed = content(key.view, SessionClaims(admitted.operator, now, expires))
        named = header(SealedClass.OPERATOR_KEY_TOKEN, self.domain.newest)
        token = (
            named
            + nonce
            + seal(self.domain.shared_key.view, Label.OPERATOR_KEY_TOKEN, nonce, packed, self.domain.domain)
        )
        grant = Grant(session_key=key, operator_key_token=token, expires=expires)
        return Negotiated(accept(admitted, grant, self.member.id, self.identity))

    def opened(self, operator_key_token: bytes) -> tuple[Tenure, bytes]:
        """Open an operator key token."""
        stated = len(header(SealedClass.OPERATOR_KEY_TOKEN, self.domain.newest))
        nonce, sealed = operator_key_token[stated : stated + NONCE], operator_key_token[stated + NONCE :]
        packed = unseal(self.domain.shared_key.view, Label.OPERATOR_KEY_TOKEN, nonce, sealed, self.domain.domain)
        claims = claims_of(packed)
        return Tenure(operator=claims.operator, expires=claims.expires), packed[:SESSION_KEY]


class ModuleHandler(LinkHandler):
    """The module's end of one link."""

    def __init__(self, module: SessionModule) -> None:
        self.module = module
        self.connection = ModuleConnection(module.greeting())
        self.link: Link | None = None

    def opened(self, link: Link) -> None:
        """Greet."""
        self.link = link
        link.send(encode_reply(GREETING_CALL, self.connection.greeting))

    def received(self, message: Buffer) -> None:
        """Answer a call or a frame; close after a refused frame, or what is neither."""
        if self.link is None:
            return
        try:
            if kind_of(message) == FRAME:
                self.link.send(self._served(message))
            else:
                self.link.send(self._answered(decode_call(message)))
        except Refusal as refusal:
            self.link.send(encode_reply(GREETING_CALL, refused(refusal)))
            self.link.close()

    def closed(self) -> None:
        """Forget the keys."""
        self.connection.end()

    def _answered(self, call: Call) -> bytes:
        try:
            answer: Answer = self._answer(call)
        except Refusal as refusal:
            answer = refused(refusal)
        return encode_reply(call.number, answer)

    def _answer(self, call: Call) -> Answer:
        if isinstance(call.request, Negotiate):
            return self.module.negotiate(call.request, self.connection.greeting)
        if isinstance(call.request, Attach):
            tenure, key = self.module.opened(call.request.operator_key_token)
            return self.connection.attach(call.request, tenure, key, self.module.domain.clock.now())
        raise FormatError("this module has sessions only")

    def _served(self, frame: Buffer) -> bytes:
        now = self.module.domain.clock.now()
        _, asked = self.connection.open(frame, self.module.operators, now)
        self.module.frames += 1
        outcomes = Outcomes(tuple([self.module.execute(item) for item in decode_work(asked).items]))
        return self.connection.seal(encode_outcomes(outcomes))
