"""A rotation from an old domain key to a new one: may a record that was acknowledged ever become unreadable?

Modules install the domain's versions one after another, none before all have the one before (``no_fork`` shows why that
may be relied upon). Front ends hold what a module sealed for them for as long as they like before they write it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

OLD: Final = 0
NEW: Final = 1
BEGUN, WITH_NEW, RETIRED, DROPPED = range(4)
"""Versions of the domain: with the old key, with both, with the old one retired, without it."""
PLANNED, FENCED, RESEALED = range(3)
"""What the coordinator did; the rest it reads from the domain."""


@dataclass(frozen=True)
class Guards:
    """The rules of the rotation; a test takes away one at a time."""

    fence_closes: bool = True
    fence_before_listing: bool = True
    fence_sees_what_stays: bool = True
    """A key that lives is not written while one of its tokens stays under a fenced domain key."""
    compare_and_swap: bool = True
    count_before_drop: bool = True
    backup_before_drop: bool = True


@dataclass(frozen=True)
class Bounds:
    """How much happens."""

    modules: int = 3
    writers: int = 2
    """Changes that were sealed and are not written yet."""
    changes: int = 3
    """Of each key."""
    backups: int = 1
    guards: Guards = field(default_factory=Guards)


class Record(NamedTuple):
    """A key: what its head and its token rest under."""

    head: int
    token: int
    marked: bool
    """To be shredded."""
    meant: bool
    """What was last acknowledged about that."""
    change: int


class Write(NamedTuple):
    """What a module sealed and a front end, or the rotation, is about to write."""

    replaces: int
    """The change that was read; 0 for a new key."""
    head: int
    token: int
    brings_token: bool
    marked: bool
    """What the head says."""
    asked: bool = True
    """Whether a customer asked for it; the rotation changes nothing that a customer sees."""


class Installation(NamedTuple):
    """One state of the model; there is one key."""

    versions: tuple[int, ...] = ()
    """Of the modules, sorted: nothing else tells them apart."""
    accepted: int = BEGUN
    """The newest token that the coordinator took for installation."""
    stage: int = PLANNED
    writable: tuple[bool, bool] = (True, False)
    record: Record | None = None
    writes: tuple[Write, ...] = ()
    """Sorted."""
    backup: tuple[Record | None, tuple[bool, bool], int] | None = None
    restored: bool = False


class RotationModel:
    """The model, within bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.guards = bounds.guards

    def initial(self) -> Installation:
        """Return an installation without a key of a customer."""
        return Installation(versions=(BEGUN,) * self.bounds.modules)

    def steps(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        """Return what may happen next."""
        yield from self._of_the_coordinator(state)
        yield from self._of_operators(state)
        yield from self._of_modules(state)
        yield from self._of_front_ends(state)
        yield from self._of_the_repository(state)

    def breaches(self, state: Installation) -> Iterator[str]:
        """Return whether a change was undone, or what is needed rests under what a module has dropped, so all will."""
        record = state.record
        if record is not None and record.marked != record.meant:
            yield "an acknowledged change is undone"
        if record is None or state.versions[-1] < DROPPED:
            return
        if not record.marked and OLD in {record.head, record.token}:
            yield "an acknowledged key is unreadable"
        if record.marked and record.head == OLD:
            yield "what a marked key is called is unreadable"

    def done(self, state: Installation) -> bool:
        """Whether the rotation has ended."""
        return state.versions[0] == DROPPED

    def _of_the_coordinator(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        everywhere, before = state.versions[0], self.guards.fence_before_listing
        if state.accepted == BEGUN:
            yield "add", state._replace(accepted=WITH_NEW)
        if state.accepted >= WITH_NEW and not state.writable[NEW]:
            yield "admit", state._replace(writable=(state.writable[OLD], True))
        if everywhere >= WITH_NEW and state.stage == (PLANNED if before else RESEALED) and state.writable[OLD]:
            open_still = not self.guards.fence_closes
            yield "fence", state._replace(stage=max(state.stage, FENCED), writable=(open_still, state.writable[NEW]))
        listed = FENCED if before else PLANNED
        if everywhere >= WITH_NEW and state.stage == listed and not _left(state.record):
            yield "none-left", state._replace(stage=RESEALED)
        if state.stage == RESEALED and _left(state.record) and state.accepted < DROPPED:
            yield "some-left", state._replace(stage=listed)

    def _of_operators(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        everywhere = state.versions[0]
        fenced = not (state.writable[OLD] and self.guards.fence_closes)
        if state.stage == RESEALED and fenced and state.accepted == WITH_NEW and everywhere == WITH_NEW:
            yield "retire", state._replace(accepted=RETIRED)
        if state.accepted == RETIRED and everywhere == RETIRED:
            yield "reinstate", state._replace(accepted=WITH_NEW, versions=(WITH_NEW,) * len(state.versions))
            if self._may_drop(state):
                yield "drop", state._replace(accepted=DROPPED)

    def _may_drop(self, state: Installation) -> bool:
        if self.guards.count_before_drop and (state.stage != RESEALED or _left(state.record)):
            return False
        if not self.guards.backup_before_drop or not self.bounds.backups:
            return True
        return state.backup is not None and not _left(state.backup[0]) and not state.backup[1][OLD]

    def _of_modules(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        for place, version in enumerate(state.versions):
            ready = version == state.versions[0] and (version >= WITH_NEW or state.writable[NEW])
            if version < state.accepted and ready:
                versions = (*state.versions[:place], version + 1, *state.versions[place + 1 :])
                yield f"install {version + 1}", state._replace(versions=tuple(sorted(versions)))

    def _of_front_ends(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        if len(state.writes) == self.bounds.writers:
            return
        for version in sorted(set(state.versions)):
            for name, write in self._sealed(state.record, version):
                if write not in state.writes:  # a second of the same kind tells nothing new
                    yield f"{name} at {version}", state._replace(writes=tuple(sorted((*state.writes, write))))

    def _sealed(self, record: Record | None, version: int) -> Iterator[tuple[str, Write]]:
        """Return what a module of this version seals, of what it opens."""
        newest = OLD if version == BEGUN else NEW
        if record is None:
            yield "create", Write(0, newest, newest, brings_token=True, marked=False)
            return
        if version >= WITH_NEW and _opens(version, record.head):
            yield from self._resealed(record, version)
        if record.change >= self.bounds.changes or not _opens(version, record.head):
            return
        change = record.change
        if not record.marked:
            yield "mark", Write(change, newest, record.token, brings_token=False, marked=True)
            yield "change", Write(change, newest, record.token, brings_token=False, marked=False)
        elif _opens(version, record.token):
            yield "spare", Write(change, newest, newest, brings_token=record.token != newest, marked=False)
            yield "spare-head", Write(change, newest, record.token, brings_token=False, marked=False)

    def _of_the_repository(self, state: Installation) -> Iterator[tuple[str, Installation]]:
        for write in state.writes:
            rest = tuple(one for one in state.writes if one is not write)
            yield "lose", state._replace(writes=rest)
            if (record := self._written(state, write)) is not None:
                yield "write", state._replace(writes=rest, record=record)
        if self.bounds.backups and not state.restored:
            copy = (state.record, state.writable, state.stage)
            if state.backup != copy:
                yield "back-up", state._replace(backup=copy)
            if state.backup is not None:
                kept, writable, stage = state.backup
                known = kept.change if kept else 0
                writes = tuple(one for one in state.writes if one.replaces <= known)  # no head is ever made twice
                after = state._replace(record=kept, writable=writable, stage=stage, writes=writes, restored=True)
                yield "restore", after

    def _written(self, state: Installation, write: Write) -> Record | None:
        """Return what the repository makes of a write; None if it refuses."""
        before = state.record
        if write.replaces != (before.change if before else 0) and (self.guards.compare_and_swap or before is None):
            return None
        if not state.writable[write.head] or (write.brings_token and not state.writable[write.token]):
            return None
        token = write.token if write.brings_token or before is None else before.token
        if self.guards.fence_sees_what_stays and not write.marked and not state.writable[token]:
            return None
        change = before.change + 1 if before else 1
        meant = write.marked if write.asked or before is None else before.meant
        return Record(write.head, token, write.marked, meant, change)

    def _resealed(self, record: Record, version: int) -> Iterator[tuple[str, Write]]:
        """Return what the rotation has sealed anew, with a module that has both keys."""
        moves = record.token == OLD and not record.marked and _opens(version, OLD)
        if record.head == OLD or moves:
            token = NEW if moves else record.token
            yield "reseal", Write(record.change, NEW, token, brings_token=moves, marked=record.marked, asked=False)


def _opens(version: int, under: int) -> bool:
    return version == WITH_NEW or under == (OLD if version == BEGUN else NEW)


def _left(record: Record | None) -> bool:
    """Whether something rests under the old key that must not be left there."""
    return record is not None and (record.head == OLD or (record.token == OLD and not record.marked))
