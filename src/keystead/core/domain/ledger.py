"""What the coordinator knows of its domain, judged anew at every start, and what each module is to be sent next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from keystead.core.domain.coordination import Installation, Position, Progress
from keystead.core.domain.genesis import verify_genesis
from keystead.core.domain.promise import promisers, verified_promiser
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor, accept
from keystead.core.protocols.module_session.messages import AdoptGenesis, Ingest, PromiseSuccessor
from keystead.errors import NotPinned, PromiseMissing
from keystead.identifiers import DomainId, DomainKeyId, ModuleId

Delivery: TypeAlias = AdoptGenesis | PromiseSuccessor | Ingest


@dataclass(slots=True, kw_only=True)
class Entry:
    """An accepted token and how far its installation is."""

    predecessor: DomainState
    successor: Successor
    stage: Installation = Installation.ACCEPTED
    promises: dict[ModuleId, bytes] = field(default_factory=dict)
    installed: set[ModuleId] = field(default_factory=set)

    @property
    def position(self) -> Position:
        """Return the version and hash of the token."""
        return Position(self.successor.state.version, self.successor.hash)

    @property
    def remaining(self) -> frozenset[ModuleId]:
        """Return the members that must promise the token."""
        return promisers(self.predecessor, self.successor)

    @property
    def awaited(self) -> frozenset[ModuleId]:
        """Return the members that must have the token before it is installed."""
        return self.successor.state.active

    @property
    def added_keys(self) -> tuple[DomainKeyId, ...]:
        """Return the domain keys that the token adds."""
        known = {entry.id for entry in self.predecessor.domain_keys}
        return tuple(DomainKeyId(entry.id) for entry in self.successor.state.domain_keys if entry.id not in known)

    def check_promise(self, member: ModuleId, promise: bytes) -> None:
        """Return if this is the member's promise of this token.

        Raises FormatError, SignatureError, PromiseMissing if it is another's or of another successor.
        """
        body, successor = self.successor.body, self.successor.hash
        if verified_promiser(self.predecessor, body.predecessor, successor, promise) != member:
            raise PromiseMissing("a member answered with the promise of another")

    def progress(self) -> Progress | None:
        """Return what has been reached at this stage, or None while something is missing."""
        if self.stage is Installation.ACCEPTED and self.remaining <= self.promises.keys():
            return Progress.PROMISED_BY_ALL
        if self.stage is Installation.SPREADING and self.awaited <= self.installed:
            return Progress.INSTALLED_BY_ALL
        return None

    def delivery_to(self, member: ModuleId) -> Delivery | None:
        """Return what the member, which stands at the predecessor, is to be sent; None while others are waited for."""
        if self.stage is not Installation.ACCEPTED:
            return Ingest(self.successor.encoded, tuple(self.promises[one] for one in sorted(self.remaining)))
        if member in self.remaining and member not in self.promises:
            return PromiseSuccessor(self.successor.encoded)
        return None


class Ledger:
    """The chain from the genesis to the newest accepted token. Holds nothing that was not judged."""

    def __init__(self, genesis: bytes, pin: DomainId) -> None:
        """Take the genesis that everyone signed.

        Raises NotPinned if it is not that of the pinned domain, and what ``genesis.verify_genesis`` raises.
        """
        self._genesis = genesis
        self._initial = verify_genesis(genesis)
        if self._initial.domain != pin:
            raise NotPinned("the genesis is not that of the pinned domain")
        self.entries: list[Entry] = []

    @property
    def newest(self) -> tuple[DomainState, Position]:
        """Return the state that the newest accepted token makes, and its position."""
        if not self.entries:
            return self._initial, Position(0, self._initial.domain)
        return self.entries[-1].successor.state, self.entries[-1].position

    @property
    def installed(self) -> tuple[DomainState, Position]:
        """Return the newest state that every member has, and its position."""
        for entry in reversed(self.entries):
            if entry.stage is Installation.INSTALLED:
                return entry.successor.state, entry.position
        return self._initial, Position(0, self._initial.domain)

    @property
    def in_flight(self) -> Entry | None:
        """Return what was accepted and is not installed yet."""
        return self.entries[-1] if self.entries and self.entries[-1].stage is not Installation.INSTALLED else None

    def judged(self, token: bytes, now: int | None) -> Entry:
        """Return the entry that a token would be after the newest; raises what ``succession.accept`` raises."""
        state, position = self.newest
        return Entry(predecessor=state, successor=accept(state, position.hash, token, now))

    def append(self, entry: Entry) -> None:
        """Add an entry that was judged and durably recorded."""
        self.entries.append(entry)

    def at(self, version: int) -> Entry | None:
        """Return the entry of a version, if there is one."""
        return self.entries[version - 1] if 0 < version <= len(self.entries) else None

    def delivery_to(self, member: ModuleId, position: Position | None) -> Delivery | None:
        """Return what a module that stands there (None: is blank) is to be sent next; None if nothing now.

        A module that stands where this chain does not pass is sent nothing: it is a fork, or this ledger is too old.
        """
        if position is None:
            return AdoptGenesis(self._genesis)
        following = self.at(position.version + 1)
        return following.delivery_to(member) if following is not None and self.passes(position) else None

    def passes(self, position: Position) -> bool:
        """Whether the chain has this version with this hash."""
        if position.version == 0:
            return position.hash == self._initial.domain
        entry = self.at(position.version)
        return entry is not None and entry.position == position

    def modules(self) -> Iterable[ModuleId]:
        """Return the members before and after what is in flight, in order of id."""
        state, _ = self.newest
        before = self.entries[-1].predecessor.members_by_id if self.in_flight is not None else {}
        return sorted(before.keys() | state.members_by_id.keys())
