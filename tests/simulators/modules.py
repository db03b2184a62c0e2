"""A domain of real security modules in memory: their disks, restarts, founders and front ends, joined by direct calls.

``ModuleDomain`` founds a domain as an installation does: genesis signed by all, then version 1 with a domain key.
``Peer`` is an operator's end of one connection; ``FrontEnd`` has a session there and asks for work, with proofs of a
voucher whose session is from the same domain.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from keystead.components.security_module.journal import Journal
from keystead.components.security_module.module import SecurityModule
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.components.security_module.server import ModuleHandler
from keystead.core.domain import change_request, genesis, succession
from keystead.core.domain.change_request import (
    AddDomainKey,
    ApprovedRequest,
    ChangeRequest,
    DomainChange,
    RetireDomainKey,
)
from keystead.core.domain.genesis import Genesis, MemberSignature
from keystead.core.domain.quorum import KOfOperators, Rules
from keystead.core.domain.state import DomainState, Member, Operator, Permission, Role, operator_id
from keystead.core.ports import Buffer, Link
from keystead.core.protocols.module_session import handshake, messages
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.module_session.messages import Answer, Refused, Request
from keystead.core.protocols.module_session.operator_connection import (
    Answered,
    FrameRefused,
    Heard,
    OperatorConnection,
    Responded,
)
from keystead.core.protocols.module_session.work import Item, Outcome, Work, decode_outcomes, encode_work
from keystead.core.protocols.proof import LIFETIME, Claims, Prover, proof_key
from keystead.core.records import Change, KeyRecord, merged
from keystead.errors import Refusal
from keystead.identifiers import AccountId, DomainId, DomainKeyId, KeyId, Region, root_arn
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.signatures import IdentityPublic
from tests.simulators.world import MemoryDisk, SeededRandomness

ACCOUNT = AccountId("111122223333")
REGION = Region("eu-central-1")
START = 1_790_000_000_000


@dataclass
class SettableClock:
    """A clock that a test sets."""

    time: int = START

    def now(self) -> int:
        """Return what was set."""
        return self.time

    def monotonic(self) -> float:
        """Return it in seconds."""
        return self.time / 1000


@dataclass
class Lines:
    """Collects a journal."""

    lines: list[bytes] = field(default_factory=list)

    def write(self, line: bytes, /) -> None:
        """Take a line."""
        self.lines.append(line)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of that name."""
        return [event for event in map(json.loads, self.lines) if event["event"] == name]


class ModuleHost:
    """One module's host: its disk outlives the module."""

    def __init__(self, name: str, domain: "ModuleDomain", seed: int) -> None:
        self.name = name
        self.domain = domain
        self.randomness = SeededRandomness(seed, name)
        self.disk = MemoryDisk(SeededRandomness(seed, f"{name} disk"))
        self.pinned: DomainId | None = None
        self.journal = Lines()
        self.halted = 0
        self.start()

    def start(self) -> None:
        """Start the module on what rests on the disk."""
        safe = wake(FileRootSlot(self.disk, self.randomness), self.disk, self.randomness)
        clock = self.domain.clock
        self.module = SecurityModule(
            safe,
            lambda: self.pinned,
            clock,
            self.randomness,
            Journal(self.journal, clock),
            self.halt,
        )
        self.module.resume()

    def halt(self) -> None:
        """Learn that the module can not go on."""
        self.halted += 1

    def peer(self) -> "Peer":
        """Connect."""
        return Peer(ModuleHandler(self.module))

    def ask(self, request: Request) -> Answer:
        """Make one call on a connection of its own."""
        return self.peer().call(request)

    @property
    def member(self) -> Member:
        """The module as a genesis lists it."""
        answer = self.ask(messages.Identify())
        assert isinstance(answer, messages.Identity)
        return Member.of(self.name, IdentityPublic(answer.ed25519, answer.mldsa65), answer.sealing, answer.slot)


class Handler(Protocol):
    """The module's end of a connection, whatever is between."""

    def opened(self, link: Link) -> None:
        """Take where to answer."""

    def received(self, message: Buffer) -> None:
        """Take a message; the answer is sent before this returns."""

    def closed(self) -> None:
        """Learn of the end."""


class Peer:
    """An operator's end of one connection to a module, both in this thread."""

    def __init__(self, handler: Handler) -> None:
        self.connection = OperatorConnection()
        self.handler = handler
        self.heard: list[Heard] = []
        self.raw: list[bytes] = []
        self.refused: list[Refusal] = []
        self.open = True
        handler.opened(self)

    def send(self, message: Buffer) -> None:
        """Hear what the module sends."""
        self.raw.append(bytes(message))
        try:
            self.heard.append(self.connection.receive(bytes(message)))
        except Refusal as refusal:
            self.refused.append(refusal)

    def close(self) -> None:
        """Learn that the module closed."""
        if self.open:
            self.open = False
            self.handler.closed()

    def call(self, request: Request) -> Answer:
        """Return the answer to a call."""
        self.handler.received(self.connection.call(request))
        answered = self.heard[-1]
        assert isinstance(answered, Answered)
        return answered.answer

    def attach(self, session: Session, client_nonce: bytes) -> Answer:
        """Return the answer to Attach."""
        self.handler.received(self.connection.attach(session, client_nonce))
        answered = self.heard[-1]
        assert isinstance(answered, Answered)
        return answered.answer

    def exchange(self, frame: bytes) -> bytes | Refused:
        """Return the content of the answer to a frame, or how it was refused."""
        self.handler.received(frame)
        match self.heard[-1]:
            case Responded(content):
                return bytes(content)
            case FrameRefused(refusal):
                return refusal
            case other:
                raise AssertionError(other)


class ModuleDomain:
    """Modules and founders."""

    def __init__(self, modules: int = 2, seed: int = 0, host: "type[ModuleHost]" = ModuleHost) -> None:
        self.clock = SettableClock()
        self.randomness = SeededRandomness(seed, "domain")
        self.keys = {
            name: OperatorKey.generate(self.randomness, name)
            for name in ("officer", "carrier", "front-end", "other-front-end", "voucher")
        }
        may = {
            "officer": Permission.GOVERN,
            "carrier": Permission.CARRY,
            "front-end": Permission.SERVE,
            "other-front-end": Permission.SERVE,
            "voucher": Permission.VOUCH,
        }
        self.operators = {
            name: Operator.of(name, self.keys[name].public, frozenset((may[name],))) for name in self.keys
        }
        self.founded: tuple[DomainState, bytes] | None = None
        self.recovery: set[str] = set()
        """Names of modules that are founded as recovery members."""
        self.hosts = [host(f"module-{number + 1}", self, seed) for number in range(modules)]

    def found(self) -> "ModuleDomain":
        """Found the domain: version 0 at every module."""
        officer = self.operators["officer"].id
        body = genesis.body(
            nonce=self.randomness.token(32),
            created=self.clock.now(),
            members=[self._listed(host) for host in self.hosts],
            operators=self.operators.values(),
            rules=Rules(KOfOperators(1, (officer,))),
        )
        ours = [genesis.sign_as_operator(body, self.operators[name].id, key) for name, key in self.keys.items()]
        signed = Genesis(body, tuple(sorted(ours, key=lambda one: one.operator)), ())
        self.drafted = genesis.CODEC.encode(signed)
        theirs = []
        for host in self.hosts:
            host.pinned = genesis.domain_id(body)
            answer = host.ask(messages.SignGenesis(self.drafted))
            assert isinstance(answer, messages.Signed), answer
            theirs.append(MemberSignature(host.member.id, answer.signature))
        self.genesis = genesis.CODEC.encode(
            Genesis(body, signed.operators, tuple(sorted(theirs, key=lambda one: one.member)))
        )
        for host in self.hosts:
            answer = host.ask(messages.AdoptGenesis(self.genesis))
            assert isinstance(answer, messages.Ingested), answer
        self.founded = genesis.verify_genesis(self.genesis), genesis.domain_id(body)
        return self

    def _listed(self, host: ModuleHost) -> Member:
        role = Role.RECOVERY if host.name in self.recovery else Role.ACTIVE
        return msgspec.structs.replace(host.member, role=role)

    def with_key(self) -> "ModuleDomain":
        """Install a domain key; founds the domain first if it is not."""
        if self.founded is None:
            self.found()
        self.install(self.propose(AddDomainKey()))
        return self

    @property
    def state(self) -> DomainState:
        """What is installed."""
        assert self.founded is not None
        return self.founded[0]

    @property
    def hash(self) -> bytes:
        """Hash of the token that is installed."""
        assert self.founded is not None
        return self.founded[1]

    def approved(self, change: DomainChange, *signers: str) -> bytes:
        """Return a request for this change, signed."""
        expires = self.clock.now() + 3_600_000
        nonce = self.randomness.token(16)
        request = change_request.CODEC.encode(ChangeRequest(self.state.domain, self.hash, change, expires, nonce))
        signatures = [
            change_request.sign(request, self.operators[name].id, self.keys[name]) for name in signers or ("officer",)
        ]
        return change_request.APPROVED_CODEC.encode(ApprovedRequest(request, tuple(signatures)))

    def propose(self, change: DomainChange) -> bytes:
        """Return the first module's token for a change."""
        answer = self.hosts[0].ask(messages.Propose(self.approved(change)))
        assert isinstance(answer, messages.Proposed), answer
        return answer.token

    def promises(self, token: bytes) -> tuple[bytes, ...]:
        """Return every module's promise."""
        given = []
        for host in self.hosts:
            if host.name in self.recovery:
                continue
            answer = host.ask(messages.PromiseSuccessor(token))
            assert isinstance(answer, messages.Promised), answer
            given.append(answer.promise)
        return tuple(given)

    def install(self, token: bytes) -> None:
        """Let every module switch."""
        promises = self.promises(token)
        for host in self.hosts:
            answer = host.ask(messages.Ingest(token, promises))
            assert isinstance(answer, messages.Ingested), answer
        successor = succession.accept(self.state, self.hash, token, None)
        self.founded = successor.state, successor.hash

    def change(self, asked: DomainChange) -> None:
        """Install a change everywhere."""
        self.install(self.propose(asked))

    def offers(self, dropping: bytes = b"") -> tuple[bytes, ...]:
        """Return every module's offer for a token that drops this key, in the order in which a drop lists them."""
        made = {}
        for host in self.hosts:
            answer = host.ask(messages.MakeOffer(dropping))
            assert isinstance(answer, messages.Offered), answer
            made[host.module.identity.id] = answer.offer
        return tuple(offer for _, offer in sorted(made.items()))

    def with_retired_key(self) -> DomainKeyId:
        """Add a domain key, retire the one before for as long as it takes until it may be dropped, and return it."""
        old = self.state.newest
        self.change(AddDomainKey())
        self.change(RetireDomainKey(old))
        self.clock.time += self.state.parameters.retirement
        return old

    def session(self, name: str, host: int = 0) -> Session:
        """Negotiate a session of an operator at one module."""
        peer = self.hosts[host].peer()
        return self.session_on(peer, name)

    def session_on(self, peer: Peer, name: str) -> Session:
        """Negotiate a session on this connection."""
        greeting = peer.connection.greeting
        assert greeting is not None
        key = self.keys[name]
        ephemeral = RecipientKey.generate(self.randomness)
        nonce = self.randomness.token(16)
        offer = handshake.offer(
            key, operator_id(key.public), self.state.domain_id, greeting, ephemeral, nonce, self.clock.now()
        )
        answer = peer.call(messages.Negotiate(offer.hello))
        assert isinstance(answer, messages.Negotiated), answer
        members = {member.id: member.ed25519 for member in self.state.members}
        return offer.accepted(answer.accept, members, self.clock.now())


class FrontEnd:
    """A front end attached to one module, with a voucher behind it, and a repository in memory."""

    def __init__(self, domain: ModuleDomain, host: int = 0, name: str = "front-end") -> None:
        self.domain = domain
        self.name = name
        self.session = domain.session(name, host)
        self.voucher = domain.session("voucher", host)
        self.records: dict[KeyId, KeyRecord] = {}
        self.peer = self.connect(host)
        derived = bytearray(32)
        proof_key(self.voucher.key.view, derived)
        self.prover = Prover(derived)

    def connect(self, host: int) -> Peer:
        """Attach the session to a module of the domain."""
        peer = self.domain.hosts[host].peer()
        answer = peer.attach(self.session, self.domain.randomness.token(16))
        assert isinstance(answer, messages.Attached), answer
        return peer

    def claims(self, action: str, body: bytes, **changed: Any) -> Claims:
        """Return the claims of a request of the account's root user."""
        now = self.domain.clock.now()
        fields: dict[str, Any] = {
            "id": self.domain.randomness.token(16),
            "principal": root_arn(ACCOUNT),
            "account": ACCOUNT,
            "region": REGION,
            "action": action,
            "body": sha256(body),
            "audience": self.session.operator,
            "issued": now,
            "expires": now + LIFETIME,
            "context": {"aws:sourceip": "192.0.2.1"},
        }
        return Claims(**fields | changed)

    def item(self, action: str, body: bytes, *records: KeyRecord, **changed: Any) -> Item:
        """Return a proven item."""
        return Item(self.prover.prove(self.claims(action, body, **changed)), 0, body, records)

    def ask(self, *items: Item, vouchers: tuple[bytes, ...] | None = None) -> tuple[Outcome, ...]:
        """Return the outcomes of a frame of these items; changes are applied."""
        work = Work((self.voucher.operator_key_token,) if vouchers is None else vouchers, items)
        answer = self.peer.exchange(self.peer.connection.seal(encode_work(work)))
        assert isinstance(answer, bytes), answer
        outcomes = decode_outcomes(answer).outcomes
        for outcome in outcomes:
            if outcome.change is not None:
                self.apply(outcome.change)
        return outcomes

    def apply(self, change: Change) -> None:
        """Keep what a module changed."""
        for key in change.keys:
            self.records[key.key_id] = merged(self.records.get(key.key_id, KeyRecord(b"", {}, {})), key)

    def one(self, action: str, body: bytes, *records: KeyRecord, **changed: Any) -> Outcome:
        """Return the outcome of one item in a frame of its own."""
        (outcome,) = self.ask(self.item(action, body, *records, **changed))
        return outcome

    def answer(self, action: str, members: dict[str, Any], *records: KeyRecord) -> dict[str, Any]:
        """Return the answer to a request that must succeed."""
        outcome = self.one(action, json.dumps(members).encode(), *records)
        assert outcome.code == "", (outcome.code, outcome.message)
        answer: dict[str, Any] = json.loads(bytes(outcome.body))
        return answer

    def create(self) -> KeyId:
        """Create a key."""
        return KeyId(self.answer("CreateKey", {})["KeyMetadata"]["KeyId"])
