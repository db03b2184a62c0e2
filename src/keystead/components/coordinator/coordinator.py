"""Decides about installation requests (FIG. 19) and takes each accepted token to its end, through any crash."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from keystead.core.domain import domain_token
from keystead.core.domain.coordination import TRANSITIONS, Decision, Installation, Position, Progress, decide
from keystead.core.domain.ledger import Entry, Ledger
from keystead.core.domain.release import Death, abandonment
from keystead.core.domain.state import Permission
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.core.ports import Clock
from keystead.core.protocols.coordination import Install, verify_submission
from keystead.core.records import DomainKeyFence
from keystead.errors import ConflictError, InstallationDenied, NotPermitted, PromiseMissing, Refusal, UnknownOperator
from keystead.identifiers import ModuleId, OperatorId

_MAY_SUBMIT: Final = frozenset({Permission.GOVERN, Permission.CARRY})
_WHY: Final = {
    Decision.NOT_GREATER: "its version is not greater than the one that is installed",
    Decision.IN_FLIGHT: "another token is being installed",
    Decision.ABANDONED: "it was abandoned, and nobody can ever install it",
    Decision.NO_DESCENDANT: "it was not made from the version that is installed",
}


class Report(Protocol):
    """Tells the log, and through it the operators, what happened."""

    def __call__(self, event: str, **fields: object) -> object:
        """Write an event with its fields."""


Publish: TypeAlias = Callable[[int, bytes], None]
"""Makes the token of an installed version readable for every role, durably."""


@dataclass(frozen=True, slots=True)
class _Denial:
    decision: Decision
    refusal: Refusal


class Coordinator:
    """The one writer of a ledger. Every field is owned by the event loop; the ledger is changed under one lock."""

    def __init__(
        self,
        ledger: Ledger,
        repository: TokenRepository,
        fence: DomainKeyFence,
        publish: Publish,
        clock: Clock,
        report: Report,
    ) -> None:
        """Take a ledger that begins at the pinned genesis; ``resume`` fills it."""
        self.ledger = ledger
        self._repository = repository
        self._fence = fence
        self._publish = publish
        self._clock = clock
        self._report = report
        self.objections: Callable[[Entry], Awaitable[None]] = _no_objections
        """Raises a Refusal if a token that a quorum asked for must not be installed yet, for the sake of what rests."""
        self._lock = asyncio.Lock()
        self._watchers: dict[Callable[[], None], None] = {}  # in the order in which they came

    async def resume(self) -> None:
        """Judge what is kept and not known here, and go on from there: at the start, and behind another coordinator.

        Raises what ``succession.accept`` and ``Entry.check_promise`` raise, RepositoryUnavailable.
        """
        async with self._lock:
            await self._catch_up()
            await self._advance()

    async def install(self, request: Install, reported: Collection[Position]) -> int:
        """Return the version whose installation was begun, or is under way already; it goes on whatever happens.

        ``reported`` is where modules say that they stand. Raises UnknownOperator, NotPermitted, SignatureError
        for a request of no one who may make it, InstallationDenied by version or descent (FIG. 19) or because another
        coordinator was faster, and what ``succession.accept`` raises.
        """
        # Who asked may go away at any moment. What is recorded as accepted must then be known here all the same.
        return await asyncio.shield(self._install(request, reported))

    async def _install(self, request: Install, reported: Collection[Position]) -> int:
        async with self._lock:
            body = self._authentic_body(request)
            position = Position(body.state.version, domain_token.token_hash(request.token))
            superseded = self._superseded_by(body)
            judged = self._judged(request.token, position, body.predecessor, superseded, reported)
            if judged is None:
                return position.version
            if isinstance(judged, Entry):
                await self.objections(judged)
            if superseded is not None and isinstance(judged, Entry):
                await self._set_stage(superseded, Installation.INSTALLED)
            submission = Submission(
                token=request.token,
                position=position,
                predecessor=body.predecessor,
                submitter=OperatorId(request.submitter),
                decision=judged.decision if isinstance(judged, _Denial) else Decision.ACCEPTED,
                decided=self._clock.now(),
            )
            await self._record(submission)
            if isinstance(judged, _Denial):
                raise judged.refusal
            judged.decided = submission.decided
            self.ledger.append(judged)
            await self._advance()
            return position.version

    async def promised(self, member: ModuleId, promise: bytes) -> None:
        """Keep a member's promise of what is in flight; raises what ``Entry.check_promise`` raises."""
        async with self._lock:
            entry = self.ledger.in_flight
            if entry is None:
                raise PromiseMissing("nothing is in flight that could be promised")
            entry.check_promise(member, promise)
            await self._repository.keep_promise(entry.position.hash, member, promise)
            entry.promises[member] = promise
            await self._advance()

    async def stands_at(self, member: ModuleId, position: Position) -> None:
        """Keep that a member has what is in flight, if that is where it stands."""
        async with self._lock:
            entry = self.ledger.in_flight
            if entry is None or entry.position != position or member in entry.installed:
                return
            await self._repository.keep_installation(position.hash, member, self._clock.now())
            entry.installed.add(member)
            await self._advance()

    async def abandon(self, approved: bytes) -> int:
        """Return the version of what is in flight, which is given up from now on as a quorum asks.

        Raises what ``release.abandonment`` raises, and InstallationDenied: if something else or nothing is in flight,
        if a module has it, or if all promised it and the quorum declares members lost, for one of those may have sealed
        something under its key: then it is installed.
        """
        return await asyncio.shield(self._abandon(approved))

    async def _abandon(self, approved: bytes) -> int:
        async with self._lock:
            entry = self.ledger.in_flight
            if entry is None:
                raise InstallationDenied("nothing is being installed that could be abandoned")
            asked = abandonment(entry.predecessor, entry.successor.body.predecessor, approved, self._clock.now())
            if asked.successor != entry.position.hash:
                raise InstallationDenied("another token is being installed than the one to be abandoned")
            if entry.installed or (entry.promised_by_all and asked.lost):
                raise InstallationDenied("the token is or may be installed at a module: it is installed everywhere")
            if entry.abandonment != approved:
                await self._repository.keep_abandonment(entry.position.hash, approved)
                entry.abandonment, entry.stage = approved, TRANSITIONS[entry.stage, Progress.GIVEN_UP]
                entry.releases.clear()
                self._report("installation_abandoned", version=entry.position.version)
            await self._advance()
            return entry.position.version

    async def released(self, member: ModuleId, release: bytes) -> None:
        """Keep a module's release of what is given up; raises what ``Entry.check_release`` raises."""
        async with self._lock:
            entry = self.ledger.in_flight
            if entry is None or entry.stage is not Installation.ABANDONING:
                return
            entry.check_release(member, release)
            await self._repository.keep_release(entry.position.hash, member, release)
            entry.releases[member] = release
            await self._advance()

    def stated(self, position: Position, statement: bytes) -> None:
        """Take a module's word that it has what is in flight, for those that released it."""
        entry = self.ledger.in_flight
        if entry is not None and entry.position == position and not entry.statement:
            entry.statement = statement
            self._notify()

    async def until_installed(self, version: int) -> Position:
        """Return what every member has, as soon as that is this version or a later one."""
        changed = asyncio.Event()
        self.watch(changed.set)
        try:
            while (installed := self.ledger.installed[1]).version < version:
                await changed.wait()
                changed.clear()
            return installed
        finally:
            self.unwatch(changed.set)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever there may be something new to send or to tell; it must not block."""
        self._watchers[changed] = None

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` no more."""
        self._watchers.pop(changed, None)

    def _authentic_body(self, request: Install) -> domain_token.Body:
        state, _ = self.ledger.newest
        submitter = state.operator(OperatorId(request.submitter))
        if submitter is None:
            raise UnknownOperator("the submitter is no operator of this domain")
        if _MAY_SUBMIT.isdisjoint(submitter.permissions):
            raise NotPermitted("the submitter may neither govern nor carry")
        verify_submission(request, submitter.public)
        return domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(request.token).body)

    def _judged(
        self,
        token: bytes,
        position: Position,
        predecessor: bytes,
        superseded: Entry | None,
        reported: Collection[Position],
    ) -> Entry | _Denial | None:
        """Return the entry that the token would be, why it is none, or None if it is in flight already."""
        if position.hash in self.ledger.deaths:
            return _Denial(
                Decision.ABANDONED, InstallationDenied(f"the token is not installed: {_WHY[Decision.ABANDONED]}")
            )
        in_flight = self.ledger.in_flight
        _, installed = self.ledger.installed
        if superseded is not None:
            installed, in_flight = superseded.position, None
        under_way = None if in_flight is None else in_flight.position
        decision = decide(position, predecessor, installed, under_way, reported)
        if decision is Decision.ALREADY_ACCEPTED:
            return None
        if decision is not Decision.ACCEPTED:
            return _Denial(decision, InstallationDenied(f"the token is not installed: {_WHY[decision]}"))
        try:
            return self.ledger.judged(token, self._clock.now())
        except Refusal as refusal:
            return _Denial(Decision.INVALID, refusal)

    def _superseded_by(self, body: domain_token.Body) -> Entry | None:
        """Return what is in flight if the token follows it and all whom it keeps have that: the rest is not awaited."""
        entry = self.ledger.in_flight
        if entry is None or entry.stage is not Installation.SPREADING or body.predecessor != entry.position.hash:
            return None
        return entry if entry.awaited & body.state.active <= entry.installed else None

    async def _record(self, submission: Submission) -> None:
        try:
            await self._repository.record(submission)
        except ConflictError:
            await self._catch_up()
            await self._advance()
            raise InstallationDenied(f"the token is not installed: {_WHY[Decision.IN_FLIGHT]}") from None
        version, decision = submission.position.version, submission.decision.name.lower()
        self._report("installation_decided", version=version, decision=decision)

    async def _catch_up(self) -> None:
        """Take in what is kept and not in the ledger yet: all at the start, later what another was faster with."""
        for buried in await self._repository.abandoned():
            self.ledger.deaths[domain_token.token_hash(buried.token)] = Death(
                buried.token, buried.abandonment, tuple(buried.releases[one] for one in sorted(buried.releases))
            )
        in_flight = self.ledger.in_flight
        if in_flight is not None and in_flight.position.hash in self.ledger.deaths:
            self.ledger.entries.pop()  # another coordinator gave it up
        kept = await self._repository.accepted()
        for accepted in kept[len(self.ledger.entries) :]:
            entry = self.ledger.judged(accepted.token, None)
            _restore(entry, accepted)
            self.ledger.append(entry)
            self._publish_installed(entry)

    async def _advance(self) -> None:
        """Take what is in flight as far as it goes now. Each step is durable before the next."""
        entry = self.ledger.in_flight
        if entry is not None and entry.stage is Installation.ABANDONING and entry.dead:
            await self._bury(entry)
            entry = None
        while entry is not None and (progress := entry.progress()) is not None:
            if entry.stage is Installation.ACCEPTED:
                # Before any member has the key: the first record that it seals must find its way into the repository.
                for key in entry.added_keys:
                    await self._fence.admit(key, self._clock.now())
            await self._set_stage(entry, TRANSITIONS[entry.stage, progress])
        self._notify()

    async def _set_stage(self, entry: Entry, stage: Installation) -> None:
        await self._repository.set_stage(entry.position.hash, stage)
        entry.stage = stage
        self._report("installation_advanced", version=entry.position.version, stage=stage.name.lower())
        self._publish_installed(entry)

    async def _bury(self, entry: Entry) -> None:
        # Nobody has its key or ever will; and no write may come that names it.
        for key in entry.added_keys if entry.promised_by_all else ():
            await self._fence.fence(key)
        await self._repository.bury(entry.position.hash)
        self.ledger.bury()
        self._report("installation_buried", version=entry.position.version)

    def _notify(self) -> None:
        for changed in tuple(self._watchers):
            changed()

    def _publish_installed(self, entry: Entry) -> None:
        if entry.stage is Installation.INSTALLED:
            self._publish(entry.position.version, entry.successor.encoded)


async def _no_objections(entry: Entry) -> None:
    del entry


def _restore(entry: Entry, kept: AcceptedToken) -> None:
    """Take over what is kept about an accepted token; promises are verified, for they will be shown to members."""
    for member, promise in kept.promises.items():
        entry.check_promise(member, promise)
        entry.promises[member] = promise
    entry.installed.update(kept.installed)
    entry.abandonment = kept.abandonment
    for member, release in kept.releases.items():
        entry.check_release(member, release)
        entry.releases[member] = release
    entry.stage = kept.stage
    entry.decided = kept.decided
