"""Brings one module what it needs next: the genesis, a token to promise, a token to ingest; again until it has it."""

import asyncio
from typing import Final

from keystead.components.coordinator.coordinator import Coordinator, Report
from keystead.core.domain.coordination import Position
from keystead.core.domain.ledger import Delivery
from keystead.core.ports import Clock, Network, Randomness
from keystead.core.protocols.module_session.messages import Greeting, Ingested, Promised, Released
from keystead.errors import FormatError, PeerUnavailable, Refusal, RepositoryError, WrongDomain, WrongPredecessor
from keystead.transport.backoff import Backoff
from keystead.transport.module_connection import ModuleConnection

PATIENCE: Final = 1.0
"""Seconds in which a module must greet."""
CALL_DEADLINE: Final = 5.0
"""Seconds in which a call must be answered."""


class Courier:
    """Attends to the module at one address. Every field is owned by the event loop, and changed by ``run`` alone."""

    def __init__(
        self,
        coordinator: Coordinator,
        network: Network,
        address: str,
        clock: Clock,
        randomness: Randomness,
        report: Report,
    ) -> None:
        """Prepare; nothing is connected before ``run``."""
        self.greeting: Greeting | None = None
        """What the module said on the connection of the moment, or on the last one."""
        self.position: Position | None = None
        """Where the module stands, as it said last; None if it is blank or was never heard."""
        self.reachable = False
        self.trouble = ""
        """Why the module does not get on; empty while nothing is wrong."""
        self.since: int | None = None
        """Since when it is in trouble, in milliseconds since the epoch."""
        self.retry: int | None = None
        """When it is tried again, in milliseconds since the epoch; None while it is being tried."""
        self._address = address
        self._coordinator = coordinator
        self._network = network
        self._clock = clock
        self._report = report
        self._backoff = Backoff(randomness)
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Attend to the module until cancelled."""
        self._coordinator.watch(self._stirred.set)
        try:
            while True:
                await self._visit()
                pause = self._backoff.next()
                self.retry = self._clock.now() + round(pause * 1000)
                await asyncio.sleep(pause)
        finally:
            self._coordinator.unwatch(self._stirred.set)

    def responded(self, connection: ModuleConnection, content: bytearray) -> None:
        """Refuse a frame: none was asked for."""
        del connection, content
        raise FormatError("the module answered a frame that nobody sent")

    def ended(self, connection: ModuleConnection) -> None:
        """Wake up: the connection is lost."""
        del connection
        self._stirred.set()

    async def _visit(self) -> None:
        try:
            await self._attend()
        except (PeerUnavailable, Refusal, RepositoryError, TimeoutError) as error:
            self._troubled(str(error) or "the module does not answer")
        finally:
            self.reachable = False

    async def _attend(self) -> None:
        self.retry = None
        connection = ModuleConnection(self)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._network.connect(self._address, connection)
                greeting = await connection.greeting
            self._greeted(greeting)
            while connection.live:
                await self._step(connection, greeting)
            raise connection.why_ended
        finally:
            connection.close()

    def _greeted(self, greeting: Greeting) -> None:
        self.greeting, self.reachable = greeting, True
        if greeting.domain is None or greeting.token_hash is None:
            self.position = None
            return
        if greeting.domain != self._coordinator.ledger.newest[0].domain:
            raise WrongDomain("the module serves another domain")
        self.position = Position(greeting.version, greeting.token_hash)

    async def _step(self, connection: ModuleConnection, greeting: Greeting) -> None:
        """Send the module what it needs, or wait until that may have changed."""
        self._stirred.clear()
        ledger = self._coordinator.ledger
        if self.position is not None:
            if not ledger.passes(self.position):
                await self._coordinator.resume()  # another coordinator may have brought it there
            if not ledger.passes(self.position):
                raise WrongPredecessor("the module stands where the tokens that are known here do not lead")
            await self._coordinator.stands_at(greeting.module, self.position)
        delivery = ledger.delivery_to(greeting.module, self.position, greeting.promised)
        if delivery is not None:
            await self._deliver(connection, greeting, delivery)
        self.trouble, self.since = "", None
        self._backoff.reset()
        if delivery is None:
            await self._stirred.wait()

    async def _deliver(self, connection: ModuleConnection, greeting: Greeting, delivery: Delivery) -> None:
        async with asyncio.timeout(CALL_DEADLINE):
            answer = await connection.call(delivery)
        if isinstance(answer, Promised):
            await self._coordinator.promised(greeting.module, answer.promise)
        elif isinstance(answer, Released):
            await self._coordinator.released(greeting.module, answer.release)
        elif isinstance(answer, Ingested):
            self.position = Position(answer.version, answer.token_hash)
            self._coordinator.stated(self.position, answer.statement)
        else:
            raise FormatError("the module answered something else than it was asked")

    def _troubled(self, trouble: str) -> None:
        if trouble != self.trouble:
            self._report("module_troubled", address=self._address, trouble=trouble)
        if self.since is None:
            self.since = self._clock.now()
        self.trouble = trouble
