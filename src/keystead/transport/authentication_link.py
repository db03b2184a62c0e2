"""A front end's link to the authentication service: requests leave in batches, verdicts come back in order.

A batch leaves on the loop turn after its first request if none is under way, else when the one under way has returned;
so batches grow with the load and a lone request does not wait. A lost connection is made again, and what was unanswered
is asked again: judging a request twice does no harm.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from keystead.core.ports import Buffer, Link, LinkHandler, Network
from keystead.core.protocols.authentication import (
    Authenticated,
    Batch,
    Challenge,
    Introduction,
    Request,
    Verdicts,
    decode_at_front_end,
    encode,
)
from keystead.errors import FormatError, PeerUnavailable, ServiceError
from keystead.identifiers import OperatorId
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey

BATCH: Final = 64
DEADLINE: Final = 2.0
"""Seconds after which a request that nobody judged fails."""
_FIRST_WAIT: Final = 0.02
_LONGEST_WAIT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Vouched:
    """An authentic request: its proof, the voucher that makes the proof readable to modules, and whose it is."""

    proof: bytes
    voucher: bytes
    account: str
    region: str


@dataclass(slots=True, eq=False)
class _Pending:
    request: Request
    answer: asyncio.Future[Vouched]
    due: float


class AuthenticationLink:
    """Asks the authentication service. Every field is owned by the event loop that ``run`` runs on."""

    def __init__(self, network: Network, address: str, operator: OperatorId, key: OperatorKey) -> None:
        """Prepare; nothing is connected before ``run``."""
        self._network = network
        self._address = address
        self._operator = operator
        self._key = key
        self._waiting: deque[_Pending] = deque()
        self._under_way: list[_Pending] = []
        self._link: Link | None = None
        self._number = 0
        self._flush_is_due = False
        self._expiry: asyncio.TimerHandle | None = None

    def authenticate(self, request: Request) -> asyncio.Future[Vouched]:
        """Return the verdict to come: Vouched, or the ServiceError for the client, or PeerUnavailable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Vouched] = loop.create_future()
        self._waiting.append(_Pending(request, answer, loop.time() + DEADLINE))
        self._flush_soon(loop)
        return answer

    async def run(self) -> None:
        """Keep the link connected until cancelled; what is pending then fails."""
        self._expire()
        wait = _FIRST_WAIT
        try:
            while True:
                end = _FrontEnd(self)
                try:
                    await self._network.connect(self._address, end)
                except PeerUnavailable:
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, _LONGEST_WAIT)
                    continue
                await end.lost.wait()
                wait = _FIRST_WAIT
                await asyncio.sleep(wait)
        finally:
            if self._expiry is not None:
                self._expiry.cancel()
            if self._link is not None:
                self._link.close()
            self._fail(self._take_all())

    def introduce(self, link: Link, challenge: Challenge) -> None:
        """Answer the service's challenge; from then on batches may leave."""
        signature = self._key.sign_handshake(Label.AUTHENTICATION_CHALLENGE, challenge.nonce)
        link.send(encode(Introduction(self._operator, signature)))
        self._link = link
        self._flush_soon(asyncio.get_running_loop())

    def judged(self, verdicts: Verdicts) -> None:
        """Hand the verdicts to who asked; raises FormatError if they are not those of the batch under way."""
        asked = self._under_way
        if verdicts.number != self._number or len(verdicts.verdicts) != len(asked):
            raise FormatError("not the verdicts that were asked for")
        self._under_way = []
        if self._waiting:
            self._flush()
        voucher = verdicts.voucher
        for pending, verdict in zip(asked, verdicts.verdicts, strict=True):
            if pending.answer.done():
                continue
            if isinstance(verdict, Authenticated):
                pending.answer.set_result(Vouched(verdict.proof, voucher, verdict.account, verdict.region))
            else:
                pending.answer.set_exception(ServiceError(verdict.code, verdict.message))

    def lost(self, link: Link) -> None:
        """Ask again, on the next connection, what was under way on this one."""
        if self._link is link:
            self._link = None
            self._waiting.extendleft(reversed(self._under_way))
            self._under_way = []

    def _flush_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._flush_is_due and not self._under_way and self._link is not None:
            self._flush_is_due = True
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._link is None or self._under_way or not self._waiting:
            return
        waiting = self._waiting
        self._under_way = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
        self._number += 1
        self._link.send(encode(Batch(self._number, tuple([pending.request for pending in self._under_way]))))

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(DEADLINE / 4, self._expire)
        now = loop.time()
        if self._under_way and self._under_way[0].due < now and self._link is not None:
            self._link.close()
        while self._waiting and self._waiting[0].due < now:
            self._fail([self._waiting.popleft()])

    def _take_all(self) -> list[_Pending]:
        taken = [*self._under_way, *self._waiting]
        self._under_way = []
        self._waiting.clear()
        return taken

    @staticmethod
    def _fail(pending: list[_Pending]) -> None:
        for one in pending:
            if not one.answer.done():
                one.answer.set_exception(PeerUnavailable("the authentication service does not answer"))


class _FrontEnd(LinkHandler):
    """One connection's ear: the challenge first, verdicts after."""

    def __init__(self, owner: AuthenticationLink) -> None:
        self.lost = asyncio.Event()
        self._owner = owner
        self._link: Link | None = None

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link

    def received(self, message: Buffer) -> None:
        """Answer the challenge, or hand on the verdicts."""
        link = self._link
        if link is None:
            return
        try:
            decoded = decode_at_front_end(message)
            if isinstance(decoded, Challenge):
                self._owner.introduce(link, decoded)
            else:
                self._owner.judged(decoded)
        except FormatError:
            link.close()

    def closed(self) -> None:
        """Tell the owner."""
        if self._link is not None:
            self._owner.lost(self._link)
        self.lost.set()
