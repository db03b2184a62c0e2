"""Speaks to front ends: a challenge, who they are, then batches of requests and verdicts on them."""

from collections.abc import Callable
from typing import Final, Protocol

from keystead.components.authentication_service.judge import Judge, Voucher
from keystead.core.domain.state import DomainState, Permission
from keystead.core.ports import Buffer, Clock, Link, LinkHandler, Randomness
from keystead.core.protocols.authentication import (
    CHALLENGE_SIZE,
    Batch,
    Challenge,
    Denied,
    Introduction,
    Verdicts,
    decode_at_service,
    encode,
)
from keystead.errors import NotPermitted, Refusal, SessionError, UnknownOperator
from keystead.identifiers import OperatorId
from keystead.primitives.labels import Label
from keystead.primitives.signatures import verify_handshake

_UNAVAILABLE: Final = Denied("DependencyTimeoutException", "The system timed out while trying to fulfill the request.")


class Vouching(Protocol):
    """Where the session with the security modules comes from."""

    def voucher(self) -> Voucher | None:
        """Return what proofs are to be made with now, or None while no module can be reached."""


class FrontEndConnection(LinkHandler):
    """One front end's connection. Anything that breaks the protocol closes it."""

    def __init__(
        self, judge: Judge, vouching: Vouching, state: Callable[[], DomainState], clock: Clock, randomness: Randomness
    ) -> None:
        """Take what the connection needs; ``state`` returns the domain's newest known state."""
        self._judge = judge
        self._vouching = vouching
        self._state = state
        self._clock = clock
        self._nonce = randomness.token(CHALLENGE_SIZE)
        self._link: Link | None = None
        self._audience: OperatorId | None = None

    def opened(self, link: Link) -> None:
        """Challenge the front end."""
        self._link = link
        link.send(encode(Challenge(self._nonce)))

    def received(self, message: Buffer) -> None:
        """Answer an introduction or a batch; close the link at anything else."""
        link = self._link
        if link is None:
            return
        try:
            decoded = decode_at_service(message)
            if isinstance(decoded, Introduction):
                self._introduced(decoded)
            else:
                link.send(encode(self._verdicts(decoded)))
        except Refusal:
            link.close()

    def closed(self) -> None:
        """Forget the link."""
        self._link = None

    def _introduced(self, introduction: Introduction) -> None:
        if self._audience is not None:
            raise SessionError("a front end introduces itself once")
        operator = self._state().operator(introduction.operator)
        if operator is None:
            raise UnknownOperator("not an operator of the domain")
        if Permission.SERVE not in operator.permissions:
            raise NotPermitted("not a front end")
        verify_handshake(operator.public.ed25519, Label.AUTHENTICATION_CHALLENGE, self._nonce, introduction.signature)
        self._audience = operator.id

    def _verdicts(self, batch: Batch) -> Verdicts:
        audience = self._audience
        if audience is None:
            raise SessionError("a front end introduces itself first")
        voucher = self._vouching.voucher()
        if voucher is None:
            return Verdicts(batch.number, b"", (_UNAVAILABLE,) * len(batch.requests))
        now = self._clock.now()
        judge = self._judge.judge
        verdicts = tuple([judge(request, audience, voucher, now) for request in batch.requests])
        return Verdicts(batch.number, voucher.token, verdicts)
