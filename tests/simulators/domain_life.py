"""A domain of real modules under a coordinator that keeps whatever anyone ever said and shows it to anyone.

The actions are those of ``tests/model/no_fork.py``, with offers, retirement and drops beside them.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from keystead.components.security_module.ingestion import open_domain_keys
from keystead.core.domain import succession
from keystead.core.domain.change_request import (
    APPROVED_CODEC,
    Abandon,
    AddDomainKey,
    ApprovedRequest,
    DomainChange,
    RemoveMember,
)
from keystead.core.domain.promise import promisers
from keystead.core.domain.release import Death, involved
from keystead.core.domain.state import DomainState, Fate
from keystead.core.domain.succession import Successor
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.messages import Answer, Request
from keystead.errors import Refusal
from keystead.identifiers import DomainKeyId, ModuleId
from tests.simulators.modules import ModuleDomain, ModuleHost
from tests.simulators.world import PowerCut


class Violated(AssertionError):
    """What must never be was seen."""


@dataclass
class Known:
    """One token, with all that was ever said about it."""

    token: bytes
    successor: Successor
    predecessor: DomainState
    predecessor_hash: bytes
    promises: dict[ModuleId, bytes] = field(default_factory=dict)
    releases: dict[bytes, dict[ModuleId, bytes]] = field(default_factory=lambda: defaultdict(dict))
    """By the request to abandon it."""
    statements: dict[ModuleId, bytes] = field(default_factory=dict)


class DomainLife:
    """Founders with a domain key, and whoever joins them."""

    def __init__(self, founders: int = 3, seed: int = 0) -> None:
        self.domain = ModuleDomain(founders, seed)
        self.domain.with_key()
        self.destroyed: ModuleHost | None = None
        self.tokens: list[Known] = []
        self.requests: list[tuple[Known, bytes]] = []
        """To abandon a token."""
        self.installed: dict[int, bytes] = {}
        self.reached: dict[str, int] = {}
        self.took_place: set[str] = set()
        self._final: set[bytes] = set()
        self.look()

    @property
    def living(self) -> list[ModuleHost]:
        """Every module but the one that was destroyed."""
        return [host for host in self.domain.hosts if host is not self.destroyed]

    def join(self, name: str) -> None:
        """Bring a blank module the genesis and the first token; it waits to be let in."""
        newcomer = ModuleHost(name, self.domain, 1)
        newcomer.pinned = self.domain.state.domain_id
        position = self.domain.hosts[0].module.installed._safe.position  # noqa: SLF001 - as a coordinator has it
        assert position is not None
        newcomer.ask(messages.AdoptGenesis(position.genesis))
        newcomer.ask(messages.Ingest(position.token, position.promises))
        self.domain.hosts.append(newcomer)

    def offer(self, host: ModuleHost, dropping: bytes = b"") -> bytes | None:
        """Return a module's offer for a token that drops this domain key, if it makes one."""
        answer = self.ask(host, messages.MakeOffer(dropping))
        return answer.offer if isinstance(answer, messages.Offered) else None

    def ask(self, host: ModuleHost, request: Request) -> Answer | None:
        """Return the answer, or None if the power was cut meanwhile and the module started again."""
        try:
            return host.ask(request)
        except PowerCut:
            self.took_place.add("power-cut")
            host.start()
            return None

    def propose(self, host: ModuleHost, change: DomainChange, *, asked: bool = True) -> Known | None:
        """Let a module make a token; if it was not asked for, of a request that no quorum signed, and by a forger."""
        current = host.module.installed.current
        self.domain.founded = current.state, current.hash
        approved = self.domain.approved(change)
        answer = self.ask(host, messages.Propose(approved if asked else _unsigned(approved)))
        if not isinstance(answer, messages.Proposed):
            return None
        if not asked:
            raise Violated("a module made a token that no quorum asked for")
        successor = succession.accept(current.state, current.hash, answer.token, None)
        known = Known(answer.token, successor, current.state, current.hash)
        self.tokens.append(known)
        return known

    def promise(self, host: ModuleHost, known: Known, death: Death | None = None) -> bool:
        """Ask for a promise, and keep it."""
        answer = self.ask(host, messages.PromiseSuccessor(known.token, death))
        if isinstance(answer, messages.Promised):
            known.promises[host.module.identity.id] = answer.promise
            self.took_place.add("switch" if death else "promise")
        return isinstance(answer, messages.Promised)

    def abandon(self, known: Known, lost: tuple[ModuleId, ...] | None = None) -> bytes:
        """Return a quorum's request to abandon a token; if nothing else is said, it declares lost who is."""
        if lost is None:
            lost = () if self.destroyed is None else (self.destroyed.module.identity.id,)
        self.domain.founded = known.predecessor, known.predecessor_hash
        request = self.domain.approved(Abandon(known.successor.hash, lost))
        self.requests.append((known, request))
        return request

    def release(self, host: ModuleHost, known: Known, request: bytes) -> bool:
        """Ask for a release, and keep it."""
        answer = self.ask(host, messages.ReleaseSuccessor(request))
        if isinstance(answer, messages.Released):
            known.releases[request][host.module.identity.id] = answer.release
            self.took_place.add("release")
        return isinstance(answer, messages.Released)

    def install(self, host: ModuleHost, known: Known) -> bool:
        """Show a module all promises of a token, and somebody's word that it has it.

        A module that is no member before it nor after it is brought what every member has, as the ledger does: nobody
        asks it for a release, so it could be led to what is given up. It holds no key then, and serves nobody.
        """
        if not self._may_be_brought(host, known):
            return False
        for statement in (*known.statements.values(), b""):
            answer = self.ask(host, messages.Ingest(known.token, tuple(known.promises.values()), statement))
            if isinstance(answer, messages.Ingested):
                known.statements[host.module.identity.id] = answer.statement
                self.took_place.add("install")
                return True
        return False

    def _may_be_brought(self, host: ModuleHost, known: Known) -> bool:
        ids = involved(known.predecessor, known.successor)
        return host.module.identity.id in ids or known.successor.state.active <= known.statements.keys()

    def deaths(self, host: ModuleHost) -> list[Death]:
        """Return all that might show that what a module promised is dead."""
        promised = host.module.installed.promised
        return [
            Death(known.token, request, tuple(known.releases[request].values()))
            for known, request in self.requests
            if known.successor.hash == promised and known.releases[request]
        ]

    def look(self) -> None:
        """Hold every living module against what any of them ever had; raises Violated."""
        for host in self.living:
            current = host.module.installed.current
            version = current.state.version
            if self.installed.setdefault(version, current.hash) != current.hash:
                raise Violated(f"two parameter sets under version {version}")
            if version < self.reached.get(host.name, 0):
                raise Violated(f"{host.name} went back to version {version}")
            self.reached[host.name] = version
            held = {DomainKeyId(entry.id) for entry in current.state.domain_keys}
            if current.state.member(host.module.identity.id) and current.keys.keys() != held:
                raise Violated(f"{host.name} does not hold the domain keys of version {version}")

    def look_behind(self) -> None:
        """Try to open every token that was ever made with all that is left where nothing should be; raises Violated.

        The account says where: at modules that it lists for a dropped domain key, none of whose sealing keys that had
        it is outstanding. Whom it does not list at all, no installed version named; of those it promises nothing.
        """
        for host in self.living:
            state, module = host.module.installed.current.state, host.module.identity.id
            for dropped in state.dropped:
                holders = [one for one in state.holders_of(DomainKeyId(dropped.id)) if one.module == module]
                if holders and all(one.fate in {Fate.RENEWED, Fate.DESTROYED} for one in holders):
                    self._look_behind(host, dropped.id)

    def _look_behind(self, host: ModuleHost, dropped: bytes) -> None:
        for known in self.tokens:
            if any(entry.id == dropped for entry in known.successor.state.domain_keys) and self.opens(host, known):
                raise Violated(f"{host.name} still opens a token with a domain key that it dropped")
        self.took_place.add("closed")

    def opens(self, host: ModuleHost, known: Known) -> bool:
        """Whether a module, taken as a whole, opens the domain keys of a token."""
        safe = host.module.installed._safe  # noqa: SLF001 - whoever took the whole module would look here as well
        for key in (safe.identity.sealing, safe.offered):
            try:
                if key is not None:
                    open_domain_keys(known.successor, safe.identity.id, key)
                    return True
            except Refusal:
                continue
        return False

    def end(self) -> int:
        """Do what an honest coordinator and a quorum do, and return the version that all have; raises Violated."""
        self._until_quiet(self._follow)
        leader = max(filter(self._serves, self.living), key=lambda one: one.module.installed.current.state.version)
        last = self.propose(leader, self._last_change(leader))
        if last is None:
            raise Violated("no member makes a token any more")
        self._free(last)
        for host in self.living:
            if host.module.identity.id in promisers(last.predecessor, last.successor):
                death = next(iter(self._shown(host)), None)
                if not self.promise(host, last, death):
                    raise Violated(f"{host.name} promises nothing any more")
        self._until_quiet(self._follow)
        self.look()
        behind = [host.name for host in self._concerned(last) if self._stands(host) != last.successor.hash]
        if behind:
            raise Violated(f"{behind} do not follow")
        return last.successor.state.version

    def _shown(self, host: ModuleHost) -> list[Death]:
        return [one for one in self.deaths(host) if one.approved in self._final]

    def _free(self, last: Known) -> None:
        """Have a quorum give up whatever somebody promised in place of the last token."""
        bound = {host.module.installed.promised for host in self.living} - {None}
        self._final.clear()
        for known in [one for one in self.tokens if one.successor.hash in bound]:
            if known.predecessor_hash != last.predecessor_hash:
                continue
            request = self.abandon(known)
            self._final.add(request)
            for host in self._concerned(known):
                if not self.release(host, known, request):
                    raise Violated(f"{host.name} releases nothing any more")

    def _concerned(self, known: Known) -> list[ModuleHost]:
        ids = involved(known.predecessor, known.successor)
        return [host for host in self.living if host.module.identity.id in ids]

    def _last_change(self, leader: ModuleHost) -> DomainChange:
        lost = self.destroyed
        state = leader.module.installed.current.state
        if lost is not None and state.member(lost.module.identity.id) is not None:
            return RemoveMember(lost.module.identity.id, lost=True)
        return AddDomainKey()

    def _follow(self) -> bool:
        """Bring anyone whatever it takes; return whether someone got on."""
        return any(
            self.install(host, known)
            for host in self.living
            for known in self.tokens
            if known.predecessor_hash == self._stands(host) and known.promises
        )

    def _serves(self, host: ModuleHost) -> bool:
        return host.module.installed.current.state.member(host.module.identity.id) is not None

    def _stands(self, host: ModuleHost) -> bytes:
        return host.module.installed.current.hash

    def _until_quiet(self, step: Callable[[], bool]) -> None:
        while step():
            pass


def _unsigned(approved: bytes) -> bytes:
    return APPROVED_CODEC.encode(ApprovedRequest(APPROVED_CODEC.decode(approved).request, ()))
