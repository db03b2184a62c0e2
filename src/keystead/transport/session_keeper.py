"""Keeps an operator's session: negotiates it, and the next one when two thirds of its life are over."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from keystead.core.domain.state import DomainState
from keystead.core.ports import Clock, Randomness
from keystead.core.protocols.module_session.fields import NONCE_SIZE
from keystead.core.protocols.module_session.handshake import Session, offer
from keystead.core.protocols.module_session.messages import Negotiate, Negotiated
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import FormatError, KeysteadError, PeerUnavailable, Refusal
from keystead.identifiers import DomainId, OperatorId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.openssh import OperatorKey
from keystead.transport.backoff import Backoff
from keystead.transport.module_link import ModuleLink

LONGEST_NAP: Final = 1.0
"""Seconds between two looks at the clock, which may have been set meanwhile, and at the domain."""
SETTLED: Final = 30_000
"""Milliseconds after which every module of the domain should take a session that one of them granted."""


class DomainView(Protocol):
    """What this process knows of its domain, from the newest domain token that it verified."""

    @property
    def domain(self) -> DomainId:
        """The domain that this process is pinned to."""

    @property
    def state(self) -> DomainState:
        """What that token says; the members' identities are trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorIdentity:
    """Which operator this process is."""

    operator: OperatorId
    key: OperatorKey = field(repr=False)


class SessionKeeper:
    """Holds the current session. Every field is owned by the task that runs ``run``."""

    def __init__(
        self,
        identity: OperatorIdentity,
        domain: DomainView,
        clock: Clock,
        randomness: Randomness,
        changed: Callable[[], None],
    ) -> None:
        """Take who this process is, and who is told of a new session."""
        self._identity = identity
        self._domain = domain
        self._clock = clock
        self._randomness = randomness
        self._changed = changed
        self._session: Session | None = None
        self._discarded = asyncio.Event()

    @property
    def session(self) -> Session | None:
        """The session of the moment; None if there is none that is neither expired nor refused."""
        session = self._session
        if session is None or self._discarded.is_set() or session.expires <= self._clock.now():
            return None
        return session

    def discard(self, session: Session, *, in_use: bool) -> None:
        """Negotiate another instead of this one, which a module refused.

        One that is in use at another module is given SETTLED to be taken by this one too, which may be behind the
        other.
        """
        if session is self._session and not (in_use and self._clock.now() - session.begun < SETTLED):
            self._discarded.set()

    async def run(self, links: Iterable[ModuleLink]) -> None:
        """Keep a session, through whichever of the links of the moment answers, until cancelled."""
        backoff = Backoff(self._randomness)
        while True:
            try:
                session = await self._negotiated(links)
            except (PeerUnavailable, Refusal):
                await asyncio.sleep(backoff.next())
                continue
            self._session = session
            self._discarded.clear()
            self._changed()
            if await self._lasted(session):
                backoff.reset()
            else:
                await asyncio.sleep(backoff.next())

    async def _negotiated(self, links: Iterable[ModuleLink]) -> Session:
        """Return a session from the first link that gives one; raises what the last one failed with."""
        failure: KeysteadError = PeerUnavailable("no module is connected")
        for link in links:
            if link.greeting is None:
                continue
            try:
                return await self._negotiated_at(link)
            except (PeerUnavailable, Refusal) as error:
                failure = error
        raise failure

    async def _negotiated_at(self, link: ModuleLink) -> Session:
        connection = link.connection
        if connection is None:
            raise PeerUnavailable("the module is gone")
        offered = offer(
            self._identity.key,
            self._identity.operator,
            self._domain.domain,
            connection.greeting.result(),
            RecipientKey.generate(self._randomness),
            self._randomness.token(NONCE_SIZE),
            self._clock.now(),
        )
        answer = await link.control(Negotiate(offered.hello))
        if not isinstance(answer, Negotiated):
            raise FormatError("the module answered something else than what it was asked")
        members = {module: member.ed25519 for module, member in self._domain.state.members_by_id.items()}
        return offered.accepted(answer.accept, members, self._clock.now())

    async def _lasted(self, session: Session) -> bool:
        """Return True when the session is due to be renewed.

        False as soon as a module refused it, or it rests under a domain key that is not the newest: that one will be
        retired. The session serves until there is another.
        """
        while (left := (session.due - self._clock.now()) / 1000) > 0:
            if self._outdated(session):
                return False
            try:
                async with asyncio.timeout(min(left, LONGEST_NAP)):
                    await self._discarded.wait()
                    return False
            except TimeoutError:
                continue
        return True

    def _outdated(self, session: Session) -> bool:
        keys = self._domain.state.domain_keys
        return bool(keys) and named_domain_key(session.operator_key_token) != keys[-1].id
