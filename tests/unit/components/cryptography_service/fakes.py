"""Fakes of what stands behind the front end, and a client that calls the application without a network."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from typing import Any

from keystead.components.cryptography_service.admitted import Admission
from keystead.components.cryptography_service.application import Application
from keystead.components.cryptography_service.executed import Execution
from keystead.components.cryptography_service.health import HealthCheck
from keystead.components.cryptography_service.located import Records
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.components.cryptography_service.request_ids import RequestIds
from keystead.components.key_repository.memory import MemoryKeyRepository
from keystead.core.operations.quotas import QUOTAS
from keystead.core.protocols.authentication import Request
from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.records import POLICY, Change, KeyChange, KeyRecord, TokenChange
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.transport.authentication_link import Vouched

ACCOUNT = AccountId("111122223333")
REGION = Region("eu-central-1")
DOMAIN_KEY = DomainKeyId(bytes(16))
KEY = KeyId("11111111-1111-4111-8111-111111111111")
TYPE = "application/x-amz-json-1.1"


class ManualClock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> int:
        """Milliseconds of the epoch."""
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        """Seconds."""
        return self.seconds


class CountingRandomness:
    """Bytes that count up, so that each is known."""

    def __init__(self) -> None:
        self._next = 0

    def token(self, size: int) -> bytes:
        """The next bytes."""
        begin, self._next = self._next, self._next + size
        return bytes(number % 256 for number in range(begin, self._next))

    def fill(self, buffer: bytearray | memoryview) -> None:
        """The next bytes."""
        buffer[:] = self.token(len(buffer))


class FakeAuthentication:
    """Vouches for everything, unless it has an error to raise."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.error: Exception | None = None
        self.vouched = Vouched(b"proof", b"voucher", ACCOUNT, REGION)

    async def authenticate(self, request: Request) -> Vouched:
        """Vouch."""
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return self.vouched


class FakeModules:
    """Answers each item as the test says; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Item] = []
        self.vouchers: list[bytes] = []
        self.answer: Callable[[Item], Outcome] = lambda item: done(item, b"{}")

    async def submit(self, item: Item, voucher: bytes) -> Outcome:
        """Answer."""
        self.asked.append(item)
        self.vouchers.append(voucher)
        return self.answer(item)


class WatchedRepository(MemoryKeyRepository):
    """Counts what is read, fails when told to, and lets something happen before a write."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.error: Exception | None = None
        self.before_write: Callable[[], Awaitable[None]] | None = None

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Count and read."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        return await super().record(key_id)

    async def apply(self, change: Change) -> None:
        """Write after what happens first."""
        if self.before_write is not None:
            await self.before_write()
        if self.error is not None:
            raise self.error
        await super().apply(change)


def done(item: Item, body: bytes, change: Change | None = None) -> Outcome:
    """The outcome of an item that was executed."""
    return Outcome(sha256(item.body).digest(), "", None, body, change)


def failed(item: Item, code: str, message: str | None = None) -> Outcome:
    """The outcome of an item that was not."""
    return Outcome(sha256(item.body).digest(), code, message, b"")


def first_state(key_id: KeyId = KEY) -> KeyChange:
    """A new key of three versions."""
    tokens = tuple(TokenChange(number, DOMAIN_KEY, b"token %d" % number) for number in (1, 2, 3))
    return KeyChange(key_id, ACCOUNT, REGION, b"", b"head 0", DOMAIN_KEY, tokens, {POLICY: b"policy"})


def next_state(record: KeyRecord, head: bytes, key_id: KeyId = KEY) -> KeyChange:
    """The state after the one that a module was shown."""
    return KeyChange(key_id, ACCOUNT, REGION, sha256(record.head).digest(), head, DOMAIN_KEY)


@dataclass
class Answer:
    """What the client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, type and message of an error."""
        content = json.loads(self.body)
        return self.status, content["__type"], content.get("message")


@dataclass
class FrontEnd:
    """The application with all its fakes."""

    authentication: FakeAuthentication = field(default_factory=FakeAuthentication)
    modules: FakeModules = field(default_factory=FakeModules)
    repository: WatchedRepository = field(default_factory=WatchedRepository)
    clock: ManualClock = field(default_factory=ManualClock)
    live_modules: int = 2
    rates: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(QUOTAS, inf))

    def __post_init__(self) -> None:
        cache = RecordsCache(self.repository, self.clock)
        randomness = CountingRandomness()
        execution = Execution(Records(self.repository, cache), cache, self.modules, self.repository, randomness)
        health = HealthCheck(lambda: self.live_modules, self.authentication, self.repository)
        self.reported: list[tuple[str, str]] = []
        self.application = Application(
            self.authentication,
            Admission(self.clock, self.rates),
            execution,
            health,
            RequestIds(randomness),
            lambda request_id, kind: self.reported.append((request_id, kind)),
        )

    async def with_key(self) -> None:
        """Store one key."""
        await self.repository.admit(DOMAIN_KEY, 1)
        await self.repository.apply(Change((first_state(),)))

    async def call(
        self,
        operation: str,
        body: bytes = b"{}",
        *,
        method: str = "POST",
        path: bytes = b"/",
        headers: dict[str, str] | None = None,
        pieces: int = 1,
    ) -> Answer:
        """Send one request to the application and return its answer."""
        given = {"X-Amz-Target": f"TrentService.{operation}", "Content-Type": TYPE} if headers is None else headers
        scope = {
            "type": "http",
            "method": method,
            "raw_path": path,
            "query_string": b"",
            "scheme": "https",
            "client": ("192.0.2.7", 4711),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }
        size = max(1, -(-len(body) // pieces))
        parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        return await send(self.application, scope, parts)


async def send(application: Application, scope: dict[str, Any], parts: list[bytes]) -> Answer:
    """Call the application with a body in parts."""
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def take(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, take)
    head, body = sent
    names = {name.decode(): value.decode() for name, value in head["headers"]}
    assert names["content-length"] == str(len(body["body"]))
    return Answer(head["status"], names, body["body"])


def run(script: Callable[[FrontEnd], Awaitable[None]]) -> FrontEnd:
    """Run the script with a front end that has one key."""
    front_end = FrontEnd()

    async def _run() -> None:
        await front_end.with_key()
        await script(front_end)

    asyncio.run(_run())
    return front_end
