"""Measures the module link alone: a fleet at one end, a module with real sessions and a trivial answer at the other.

Both run in processes of their own on uvloop, over a Unix socket, with ``concurrency`` items always under way. Printed
are items per second, and microseconds of processor time per item at the operator's end and at the module's.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.report import Figure, Options
from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.frame import Route, operator_end
from keystead.core.protocols.module_session.handshake import Session, offer
from keystead.core.protocols.module_session.messages import Attach, Greeting, Negotiate
from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.records import KeyRecord
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.fleet import Fleet
from keystead.transport.unix import UnixNetwork
from tests.simulators.session_modules import SessionDomain, SessionModule
from tests.simulators.world import SeededRandomness

ITEMS = 200_000
NEGOTIATIONS = 200
FRAMES = 20_000
CONCURRENCIES = (1, 32, 256)
ANSWER = (
    b'{"CiphertextBlob":"' + b"A" * 300 + b'","KeyId":"' + b"k" * 75 + b'","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}'
)
PROOF = bytes(420)
RECORD = KeyRecord(bytes(420), {1: bytes(130)}, {"policy": bytes(300)})


class WallClock:
    """The host's clock."""

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()


def _domain() -> SessionDomain:
    """Return the same domain in each process: secrets do not survive a fork, seeds do."""
    return SessionDomain(1, WallClock(), SeededRandomness(0, "domain"))


def answer(item: Item) -> Outcome:
    """Answer as fast as can be."""
    return Outcome(sha256(item.body), "", None, ANSWER)


async def _serve(domain: SessionDomain, address: str, stop: int, report: int) -> None:
    listener = await domain.module(0, SystemRandomness(), answer).listen(UnixNetwork(), address)
    stopped = asyncio.Event()

    def asked() -> None:
        command = os.read(stop, 1)
        if command:
            os.write(report, time.process_time().hex().encode() + b"\n")
        else:
            stopped.set()

    asyncio.get_running_loop().add_reader(stop, asked)
    await stopped.wait()
    await listener.close()


async def _keep_under_way(fleet: Fleet, concurrency: int, items: int) -> None:
    """Submit items from callbacks, as many at once as ``concurrency`` says, until all are answered."""
    done = asyncio.get_running_loop().create_future()
    left = items
    unanswered = items

    def submit() -> None:
        nonlocal left
        left -= 1
        body = b'{"KeyId":"alias/app","Plaintext":"' + b"%088d" % left + b'"}'
        fleet.submit(Item(PROOF, 0, body, (RECORD,)), b"v" * 200).add_done_callback(answered)

    def answered(outcome: asyncio.Future[Outcome]) -> None:
        nonlocal unanswered
        outcome.result()
        unanswered -= 1
        if left:
            submit()
        elif not unanswered:
            done.set_result(None)

    for _ in range(min(concurrency, items)):
        submit()
    await done


async def _measure(domain: SessionDomain, address: str, module_time: Callable[[], float]) -> list[Figure]:
    fleet = Fleet(UnixNetwork(), [address], domain.identity, domain.view, domain.clock, SystemRandomness())
    running = asyncio.create_task(fleet.run())
    await fleet.ready()
    rows: list[Figure] = []
    for concurrency in CONCURRENCIES:
        items = ITEMS // 10 if concurrency == 1 else ITEMS
        await _keep_under_way(fleet, concurrency, items // 20)
        begun, operator, module = time.perf_counter(), time.process_time(), module_time()
        await _keep_under_way(fleet, concurrency, items)
        name = f"{concurrency} under way"
        rows += [
            Figure(name=name, value=items / (time.perf_counter() - begun), unit="items/s"),
            Figure(name=f"{name}, operator", value=(time.process_time() - operator) / items * 1e6, unit="us/item"),
            Figure(name=f"{name}, module", value=(module_time() - module) / items * 1e6, unit="us/item"),
        ]
    running.cancel()
    await asyncio.wait([running])
    return rows


def _negotiated(domain: SessionDomain, module: SessionModule, greeting: Greeting) -> Session:
    now = domain.clock.now()
    ephemeral = RecipientKey.generate(module.randomness)
    nonce = module.randomness.token(16)
    identity = domain.identity
    offered = offer(identity.key, identity.operator, domain.domain, greeting, ephemeral, nonce, now)
    members = {member.id: member.ed25519 for member in domain.members}
    return offered.accepted(module.negotiate(Negotiate(offered.hello), greeting).accept, members, now)


def _session_costs() -> list[Figure]:
    """Compare what a session costs once with what it costs to validate a request under it (paragraph 45)."""
    domain = _domain()
    module = domain.module(0, SystemRandomness())
    greeting = module.greeting()
    begun = time.process_time()
    session, *_ = [_negotiated(domain, module, greeting) for _ in range(NEGOTIATIONS)]
    negotiated = time.process_time()
    connection = ModuleConnection(greeting)
    route = Route.of(greeting, bytes(16))
    sender = operator_end(session.key.view, route).sender
    attach = Attach(session.operator, session.operator_key_token, bytes(16))
    tenure, key = module.opened(session.operator_key_token)
    connection.attach(attach, tenure, key, domain.clock.now())
    frames = [sender.seal(bytes(1024)) for _ in range(FRAMES)]
    ready = time.process_time()
    for frame in frames:
        connection.open(frame, module.operators, domain.clock.now())
    validated = time.process_time()
    return [
        Figure(name="negotiate a session, both ends", value=(negotiated - begun) / NEGOTIATIONS * 1e6, unit="us"),
        Figure(name="validate a request of 1 KiB", value=(validated - ready) / FRAMES * 1e6, unit="us"),
    ]


def measure(_options: Options) -> list[Figure]:
    """Return three figures for each concurrency, and what sessions cost."""
    with TemporaryDirectory() as folder:
        address = f"unix:{Path(folder, 'module-1.sock')}"
        commands, command = os.pipe()
        reports, report = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(command)
            try:
                uvloop.run(_serve(_domain(), address, commands, report))
            finally:
                os._exit(0)
        os.close(commands)

        def module_time() -> float:
            os.write(command, b"?")
            return float.fromhex(os.read(reports, 64).decode())

        try:
            return [*uvloop.run(_measure(_domain(), address, module_time)), *_session_costs()]
        finally:
            os.close(command)
            os.waitpid(child, 0)
