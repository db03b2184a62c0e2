"""A front end in wrong hands: it has a rightful operator key, session and proofs, and does with them what it likes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import json

from keystead.components.cryptography_service.admitted import Admitted
from keystead.components.cryptography_service.authenticated import Authenticated
from keystead.components.cryptography_service.located import Records
from keystead.components.cryptography_service.received import received
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.records import KeyRecord
from keystead.identifiers import AccountId, KeyId, Region
from keystead.transport.authentication_link import AuthenticationLink
from tests.simulation.client import Signer, plain
from tests.simulation.front_door import scope_of
from tests.simulation.installation import (
    ACCOUNT,
    AUTHENTICATION,
    CRYPTOGRAPHY,
    REGION,
    Installation,
)
from tests.simulators.loop import simulate
from tests.simulators.workload import Asked
from tests.simulators.world import SeededRandomness, SimProcess


class Captured:
    """One captured front end of an installation whose other parts are honest."""

    def __init__(self, at: Installation, operator: str = CRYPTOGRAPHY) -> None:
        process = SimProcess(f"captured {operator}", at.loop)
        clock = at.clocks[CRYPTOGRAPHY]
        founder = at.founder(operator)
        randomness = SeededRandomness(at.seed, f"captured {operator}")
        self.at = at
        self.operator = founder.operator().id
        self.fleet = at.fleet(operator, process, at.view(), clock, randomness)
        self._records = Records(at.keys, RecordsCache(at.keys, clock))
        network = at.network.of(process)
        self._authentication = AuthenticationLink(network, AUTHENTICATION, self.operator, founder.key)
        process.start(self.fleet.run())
        process.start(self._authentication.run())

    async def item(
        self, operation: str, account: AccountId = ACCOUNT, region: Region = REGION, **parameters: Any
    ) -> tuple[Item, bytes]:
        """Return an honest item for what a customer signed, as an honest front end makes it, and its voucher."""
        signer = Signer(self.at.credentials[account], region)
        request = signer.signed(Asked(operation, parameters), self.at.clocks["clients"].now())
        got = received(scope_of(request), request.data or b"")
        vouched = await self._authentication.authenticate(got.request)
        known = Authenticated(got, AccountId(vouched.account), Region(vouched.region), vouched.proof, vouched.voucher)
        admitted = Admitted(known, decode(operation, got.body))
        return (await self._records.located(admitted, fresh=True)).item, vouched.voucher

    async def send(self, item: Item, voucher: bytes) -> Outcome:
        """Return what a module makes of an item."""
        return await self.fleet.submit(item, voucher)

    async def served(
        self, operation: str, account: AccountId = ACCOUNT, region: Region = REGION, **parameters: Any
    ) -> dict[str, Any]:
        """Return the answer to a customer whom it serves honestly, what was changed being written."""
        outcome = await self.send(*await self.item(operation, account, region, **parameters))
        assert outcome.code == "", outcome
        if outcome.change is not None:
            await self.at.keys.apply(outcome.change)
        return plain(json.decode(outcome.body)) if outcome.body else {}

    async def key(self, account: AccountId = ACCOUNT, region: Region = REGION) -> KeyId:
        """Return a new key of a customer."""
        created = await self.served("CreateKey", account, region)
        return KeyId(created["KeyMetadata"]["KeyId"])

    async def record(self, key_id: KeyId) -> KeyRecord:
        """Return what is stored of a key."""
        found = await self.at.keys.record(key_id)
        assert found is not None
        return found

    def refusals(self) -> list[str]:
        """Return the kinds of refusals that the modules logged, oldest first."""
        logged = [json.decode(seen.content) for seen in self.at.history.exposures if seen.place.startswith("log of")]
        return [event["kind"] for event in logged if event["event"] == "items refused"]


def captured(story: Callable[[Captured], Awaitable[None]]) -> None:
    """Tell what a captured front end tries."""

    async def told() -> None:
        at = Installation(1)
        kept.append(at)
        await at.found()
        front_end = Captured(at)
        await front_end.fleet.ready()
        await story(front_end)
        at.end()

    kept: list[Installation] = []
    simulate(told, 1, 120.0)


async def until_connected() -> None:
    """Let links be made."""
    await asyncio.sleep(1)
