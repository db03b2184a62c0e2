"""A front end's way to the modules: any serves any item, many items share a frame, and a lost one is asked again.

Items wait in one queue. A frame leaves on the loop turn after the first item came, if a link is idle, so that what is
submitted together travels together; else when the frame before it has returned. So frames grow with the load, and a
lone item does not wait. A module that does not answer within a second loses its items to another. Modules keep no
customer's state and whoever writes compares and swaps, so asking twice does no harm.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from keystead.core.ports import Clock, Network, Randomness
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.module_session.work import MAX_ITEMS, Item, Outcome
from keystead.errors import FormatError, PeerUnavailable
from keystead.identifiers import DomainId
from keystead.transport.module_connection import ModuleConnection
from keystead.transport.module_link import ModuleLink
from keystead.transport.module_links import ModuleLinks
from keystead.transport.session_keeper import DomainView, OperatorIdentity, SessionKeeper
from keystead.transport.submission import Submission, encode, outcomes_for

DEADLINE: Final = 2.0
"""Seconds after which an item that no module answered fails."""
UNANSWERED: Final = 1.0
"""Seconds after which a frame is asked of another module."""
SHARED: Final = 32
"""Items that are worth a second module while the first is busy: fewer cost less in one larger frame a little later."""
PATIENT: Final = 0.002
"""Seconds that fewer items wait behind a frame that is under way; then another module is asked."""
MAX_ATTEMPTS: Final = 3
"""How often an item is asked: one that brings modules down must not bring down many."""
MAX_CONTENT: Final = 8 * 1024 * 1024
"""Bytes of a frame's content, half of what a link carries; more items than fit are asked in two frames."""
_SWEEP: Final = 0.1


class Fleet:
    """The modules of a domain, for one operator. Every field is owned by the event loop that ``run`` runs on."""

    def __init__(
        self,
        network: Network,
        addresses: Sequence[str],
        identity: OperatorIdentity,
        view: DomainView,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Prepare; nothing is connected before ``run``."""
        self._links = ModuleLinks(lambda address: ModuleLink(network, address, randomness, self), addresses)
        self._view = view
        self._keeper = SessionKeeper(identity, view, clock, randomness, self._renew_links)
        self._waiting: deque[Submission] = deque()
        self._asked: dict[ModuleConnection, None] = {}  # in order, so that a simulation repeats itself
        self._turn = 0
        self._flush_is_due = False
        self._is_impatient = False
        self._patience: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._became_ready = asyncio.Event()

    @property
    def domain(self) -> DomainId:
        """The domain that is served."""
        return self._view.domain

    @property
    def current_session(self) -> Session | None:
        """The session of the moment, if there is one."""
        return self._keeper.session

    @property
    def session(self) -> Session:
        """The session of the moment, such as a proof key is derived from; raises PeerUnavailable if there is none."""
        session = self._keeper.session
        if session is None:
            raise PeerUnavailable("no module has granted a session yet")
        return session

    @property
    def live(self) -> int:
        """How many modules can be asked now."""
        return sum(link.connection is not None and link.connection.attached for link in self._links)

    async def run(self) -> None:
        """Keep the links and the session until cancelled; what waits then fails with PeerUnavailable."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._links.run())
                tasks.create_task(self._keeper.run(self._links))
        finally:
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None
            for submission in self._waiting:
                _fail(submission, "this process is stopping")
            self._waiting.clear()

    def use(self, addresses: Sequence[str]) -> None:
        """Use the modules at these addresses from now on. One that is left out still answers what it was asked."""
        self._links.use(addresses)

    async def ready(self) -> None:
        """Return when a module can be asked."""
        while not self.live:
            self._became_ready.clear()
            await self._became_ready.wait()

    def submit(self, item: Item, voucher: bytes) -> asyncio.Future[Outcome]:
        """Return the outcome to come.

        It is PeerUnavailable if no module gives one within DEADLINE, FormatError if the item is too large for a frame.

        ``voucher`` is the operator key token under whose session the item's proof was made; ``item.voucher`` must be 0.
        Cancelling the future forgets the item; what the module does with it is not undone.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append(Submission(item, voucher, outcome, loop.time() + DEADLINE))
        if not self._worth_asking():
            if self._patience is None:
                self._patience = loop.call_later(PATIENT, self._grow_impatient)
        elif not self._flush_is_due:
            self._flush_is_due = True
            loop.call_soon(self._flush)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP, self._sweep)
        return outcome

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Hand out the outcomes; raises FormatError, which closes the connection, if one is not its item's."""
        batch = connection.under_way
        decoded = outcomes_for(batch, content)
        connection.under_way = []
        self._asked.pop(connection, None)
        if self._waiting:
            self._flush()
        for submission, outcome in zip(batch, decoded.outcomes, strict=True):
            if not submission.outcome.done():
                submission.outcome.set_result(outcome)

    def lost(self, connection: ModuleConnection) -> None:
        """Ask again what was under way on a connection that ended, before all that waits."""
        self._asked.pop(connection, None)
        batch, connection.under_way = connection.under_way, []
        for submission in reversed(batch):
            if submission.attempts < MAX_ATTEMPTS:
                self._waiting.appendleft(submission)
            else:
                _fail(submission, f"asked {MAX_ATTEMPTS} times in vain; {connection.why_ended}")
        self._flush()

    def usable(self) -> None:
        """Use a link that was connected."""
        self._became_ready.set()
        self._flush()

    def session_refused(self, session: Session) -> None:
        """Negotiate another session, unless this one serves elsewhere and is new."""
        self._keeper.discard(session, in_use=self.live > 0)

    def _renew_links(self) -> None:
        for link in self._links:
            link.renew()

    def _flush(self) -> None:
        self._flush_is_due = False
        while self._waiting and self._worth_asking() and (connection := self._next_idle()) is not None:
            batch = self._next_batch()
            if batch:
                self._ask(connection, batch)

    def _worth_asking(self) -> bool:
        """Whether what waits should not wait for the frame under way."""
        return not self._asked or self._is_impatient or len(self._waiting) >= SHARED

    def _grow_impatient(self) -> None:
        """What waits has waited long enough: ask another module, whatever is under way."""
        self._patience = None
        self._is_impatient = True
        self._flush()
        self._is_impatient = False

    def _next_idle(self) -> ModuleConnection | None:
        """Return an idle connection; modules take turns."""
        links = self._links.now
        count = len(links)
        for step in range(1, count + 1):
            connection = links[(self._turn + step) % count].connection
            if connection is not None and connection.idle:
                self._turn = (self._turn + step) % count
                return connection
        return None

    def _next_batch(self) -> list[Submission]:
        """Take the oldest items that somebody still waits for, as many as one frame carries."""
        waiting = self._waiting
        batch: list[Submission] = []
        while waiting and len(batch) < MAX_ITEMS:
            submission = waiting.popleft()
            if not submission.outcome.done():
                batch.append(submission)
        return batch

    def _ask(self, connection: ModuleConnection, batch: list[Submission]) -> None:
        content = encode(batch)
        while len(content) > MAX_CONTENT and len(batch) > 1:
            half = len(batch) // 2
            self._waiting.extendleft(reversed(batch[half:]))
            batch = batch[:half]
            content = encode(batch)
        if len(content) > MAX_CONTENT:
            batch[0].outcome.set_exception(FormatError("the item is larger than a frame may be"))
            return
        for submission in batch:
            submission.attempts += 1
        self._asked[connection] = None
        connection.ask(batch, content, asyncio.get_running_loop().time())

    def _sweep(self) -> None:
        """Give up what is overdue, and the modules that do not answer."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [one for one in self._asked if one.sent_at + UNANSWERED <= now]:
            connection.close(PeerUnavailable("the module did not answer in time"))
        for connection in self._asked:
            _fail_overdue(connection.under_way, now)
        while self._waiting and self._waiting[0].due <= now:
            _fail(self._waiting.popleft(), "no module answered in time")
        busy = self._waiting or self._asked
        self._sweeper = loop.call_later(_SWEEP, self._sweep) if busy else None


def _fail_overdue(batch: Sequence[Submission], now: float) -> None:
    for submission in batch:
        if submission.due <= now:
            _fail(submission, "no module answered in time")


def _fail(submission: Submission, why: str) -> None:
    if not submission.outcome.done():
        submission.outcome.set_exception(PeerUnavailable(why))
