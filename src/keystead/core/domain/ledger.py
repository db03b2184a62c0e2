"""What the coordinator knows of its domain, judged anew at every start, and what each module is to be sent next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from keystead.core.domain.coordination import Installation, Position, Progress
from keystead.core.domain.genesis import verify_genesis
from keystead.core.domain.promise import promisers, verified_promiser
from keystead.core.domain.release import Death, abandonment, involved, require_dead, verified_release
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor, accept
from keystead.core.domain.token_difference import carried
from keystead.core.protocols.module_session.messages import AdoptGenesis, Ingest, PromiseSuccessor, ReleaseSuccessor
from keystead.errors import NotPinned, PromiseBroken, PromiseMissing, StateMismatch
from keystead.identifiers import DomainId, DomainKeyId, ModuleId

Delivery: TypeAlias = AdoptGenesis | PromiseSuccessor | Ingest | ReleaseSuccessor


@dataclass(slots=True, kw_only=True)
class Entry:
    """An accepted token and how far its installation is."""

    predecessor: DomainState
    successor: Successor
    stage: Installation = Installation.ACCEPTED
    promises: dict[ModuleId, bytes] = field(default_factory=dict)
    installed: set[ModuleId] = field(default_factory=set)
    abandonment: bytes = b""
    """The approved request to abandon it, if a quorum gave it up."""
    releases: dict[ModuleId, bytes] = field(default_factory=dict)
    statement: bytes = b""
    """Of a module that has it: needed by those that released it."""
    decided: int = 0
    """When it was accepted, in milliseconds since the epoch."""

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
    def missing(self) -> frozenset[ModuleId]:
        """Return the members that the installation, or its abandonment, waits for at this stage."""
        if self.stage is Installation.ACCEPTED:
            return self.remaining - self.promises.keys()
        if self.stage is Installation.ABANDONING:
            asked = abandonment(self.predecessor, self.successor.body.predecessor, self.abandonment, None)
            return frozenset(involved(self.predecessor, self.successor)) - self.releases.keys() - frozenset(asked.lost)
        return self.awaited - self.installed

    @property
    def added_keys(self) -> tuple[DomainKeyId, ...]:
        """Return the domain keys that the token adds."""
        known = {entry.id for entry in self.predecessor.domain_keys}
        return tuple(DomainKeyId(entry.id) for entry in self.successor.state.domain_keys if entry.id not in known)

    @property
    def carried(self) -> bytes:
        """Return the form in which the token is sent to who stands at the predecessor."""
        return carried(self.successor) if self.predecessor.version else self.successor.encoded

    def check_promise(self, member: ModuleId, promise: bytes) -> None:
        """Return if this is the member's promise of this token.

        Raises FormatError, SignatureError, PromiseMissing if it is another's or of another successor.
        """
        body, successor = self.successor.body, self.successor.hash
        if verified_promiser(self.predecessor, body.predecessor, successor, promise) != member:
            raise PromiseMissing("a member answered with the promise of another")

    @property
    def promised_by_all(self) -> bool:
        """Whether everyone who must has promised: somebody may have been shown that."""
        return self.remaining <= self.promises.keys()

    @property
    def death(self) -> Death:
        """Return what shows that the token is dead, if it does."""
        return Death(
            self.successor.encoded, self.abandonment, tuple(self.releases[one] for one in sorted(self.releases))
        )

    @property
    def dead(self) -> bool:
        """Whether the releases show that nobody has the token or can ever install it."""
        try:
            require_dead(self.predecessor, self.successor.body.predecessor, self.death)
        except PromiseBroken:
            return False
        return True

    def check_release(self, member: ModuleId, encoded: bytes) -> None:
        """Return if this is the module's release for the request; raises FormatError, SignatureError, StateMismatch."""
        giver = involved(self.predecessor, self.successor).get(member)
        if giver is None:
            raise StateMismatch("a release of someone who could not install the token")
        asked = abandonment(self.predecessor, self.successor.body.predecessor, self.abandonment, None)
        verified_release(self.predecessor, self.successor.body.predecessor, asked, giver, encoded)

    def progress(self) -> Progress | None:
        """Return what has been reached at this stage, or None while something is missing."""
        if self.stage in {Installation.ACCEPTED, Installation.SPREADING} and self.awaited <= self.installed:
            return Progress.INSTALLED_BY_ALL
        if self.stage is Installation.ACCEPTED and self.promised_by_all:
            return Progress.PROMISED_BY_ALL
        if self.stage is Installation.ABANDONING and self.installed and self.promised_by_all:
            return Progress.FOUND_INSTALLED
        return None

    def delivery_to(self, member: ModuleId, death: Death | None) -> Delivery | None:
        """Return what the member, which stands at the predecessor, is to be sent; None while others are waited for.

        ``death`` shows that what it promised before is dead.
        """
        if self.stage is Installation.ABANDONING:
            asked = member in involved(self.predecessor, self.successor) and member not in self.releases
            return ReleaseSuccessor(self.abandonment) if asked else None
        if self.stage is Installation.SPREADING and member not in involved(self.predecessor, self.successor):
            return None  # it releases nothing, so it follows only what can not be given up any more
        if self.stage is not Installation.ACCEPTED:
            promises = tuple(self.promises[one] for one in sorted(self.remaining))
            return Ingest(self.carried, promises, self.statement)
        if member in self.remaining and member not in self.promises:
            return PromiseSuccessor(self.carried, death)
        return None

    def question_to(self, member: ModuleId) -> Delivery | None:
        """Return what the member, which has this token, is to be asked again; None if nothing."""
        if self.stage is Installation.SPREADING and self.abandonment and not self.statement:
            return Ingest(self.successor.encoded, ())  # others released it, and follow on its word
        if self.stage is not Installation.INSTALLED and member in self.remaining - self.promises.keys():
            return PromiseSuccessor(self.successor.encoded)  # this ledger is of a backup, and lacks the promise
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
        self.deaths: dict[bytes, Death] = {}
        """Shows of each token that was given up that it is dead, by its hash."""

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

    def bury(self) -> None:
        """Give up what is in flight, which is dead and durably recorded as such."""
        entry = self.entries.pop()
        self.deaths[entry.position.hash] = entry.death

    def at(self, version: int) -> Entry | None:
        """Return the entry of a version, if there is one."""
        return self.entries[version - 1] if 0 < version <= len(self.entries) else None

    def delivery_to(
        self, member: ModuleId, position: Position | None, promised: bytes | None = None
    ) -> Delivery | None:
        """Return what a module that stands there (None: is blank) is to be sent next; None if nothing now.

        ``promised`` is the hash of what it promised to follow, if it did. A module that stands where this chain does
        not pass is sent nothing: it is a fork, or this ledger is too old.
        """
        if position is None:
            return AdoptGenesis(self._genesis)
        if not self.passes(position):
            return None
        following = self.at(position.version + 1)
        if following is not None:
            return following.delivery_to(member, self.deaths.get(promised or b""))
        return None if self.in_flight is None else self.in_flight.question_to(member)

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
