"""The key repository in memory: for tests and simulations; the same promises, but nothing outlives the process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

from keystead.components.key_repository.memory_rotations import MemoryRotationRepository
from keystead.core.operations.granted import retirers
from keystead.core.protocols.module_session.resealing import RestingKey
from keystead.core.records import (
    ALIASES,
    GRANTS,
    AliasChange,
    Change,
    DomainKeyFence,
    HeadReader,
    KeyChange,
    KeyReader,
    KeyRecord,
    KeyWriter,
    merged,
)
from keystead.core.rotation.repository import ListedKey, MovedKey, ResealWriter, Resting, RestingReader, Stored
from keystead.errors import ConflictError, DuplicateError, FencedError
from keystead.identifiers import AccountId, AliasName, DomainKeyId, KeyId, Region
from keystead.primitives.digest import sha256

_Owner: TypeAlias = tuple[AccountId, Region]


_LIVE: Final = "live"
_LEFT_BEHIND: Final = "left behind"
_ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class _State:
    """One state of the whole repository; a change makes the next one from copies, or none."""

    keys: dict[KeyId, tuple[_Owner, KeyRecord]] = field(default_factory=dict)
    aliases: dict[tuple[_Owner, AliasName], KeyId] = field(default_factory=dict)
    homes: dict[KeyId, dict[int, DomainKeyId]] = field(default_factory=dict)
    """Under which domain key each version's token rests, and at 0 the head."""


class MemoryKeyRepository(KeyReader, HeadReader, KeyWriter, DomainKeyFence, RestingReader, ResealWriter):
    """All ports of the key repository over one state. Owned by one event loop."""

    def __init__(self, rotations: MemoryRotationRepository | None = None) -> None:
        """Begin empty, with no domain key admitted."""
        self._rotations = rotations or MemoryRotationRepository()
        self._left_behind: dict[KeyId, bytes] = {}
        self._state = _State()
        self._writable: dict[DomainKeyId, bool] = {}

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return one key from the state of this moment."""
        found = self._state.keys.get(key_id)
        return None if found is None else found[1]

    async def alias(self, account: AccountId, region: Region, name: AliasName) -> KeyId | None:
        """Return what the index has in the state of this moment."""
        return self._state.aliases.get(((account, region), name))

    async def page_of_keys(self, account: AccountId, region: Region, after: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page in order of id."""
        keys = self._state.keys
        ids = (each for each in sorted(keys) if keys[each][0] == (account, region) and each > after)
        return [KeyRecord(keys[each][1].head, {}, {}) for each in islice(ids, limit)]

    async def page_of_heads(self, after: KeyId, limit: int) -> list[tuple[KeyId, bytes]]:
        """Return a page in order of id."""
        keys = self._state.keys
        return [(each, keys[each][1].head) for each in islice((one for one in sorted(keys) if one > after), limit)]

    async def page_of_aliases(
        self, account: AccountId, region: Region, after: AliasName, limit: int
    ) -> list[tuple[AliasName, KeyRecord]]:
        """Return a page in order of name."""
        names = sorted(name for owner, name in self._state.aliases if owner == (account, region) and name > after)
        target = self._state.aliases
        return [
            (name, _listed(self._state.keys[target[(account, region), name]][1], ALIASES))
            for name in islice(names, limit)
        ]

    async def page_of_retirable(self, region: Region, principal: str, start: KeyId, limit: int) -> list[KeyRecord]:
        """Return a page in order of id."""
        keys = self._state.keys
        found = (keys[each] for each in sorted(keys) if each >= start and keys[each][0][1] == region)
        meant = (record for _, record in found if principal in retirers(record.attachments.get(GRANTS, b"")))
        return [_listed(record, GRANTS) for record in islice(meant, limit)]

    async def count(self) -> int:
        """Return how many keys there are."""
        return len(self._state.keys)

    async def apply(self, change: Change) -> None:
        """Make the next state of copies; an error leaves the one that was."""
        following = self._following()
        for key in change.keys:
            self._check_fence(key)
            _put_key(following, key)
        for alias in change.aliases:
            _put_alias(following, alias)
        self._state = following

    async def admit(self, domain_key: DomainKeyId, now: int) -> None:
        """Open, unless the domain key is known."""
        self._writable.setdefault(domain_key, True)
        self._rotations.admitted.setdefault(domain_key, now)

    async def fence(self, domain_key: DomainKeyId) -> None:
        """Close for good."""
        if domain_key in self._writable:
            self._writable[domain_key] = False

    async def page_under(self, domain_key: DomainKeyId, after: KeyId, limit: int) -> list[ListedKey]:
        """Return a page in order of id."""
        keys = self._state.keys
        ids = (each for each in sorted(keys) if each > after and self._rests(each, domain_key) == _LIVE)
        records = [(each, keys[each][1]) for each in islice(ids, limit)]
        return [ListedKey(each, RestingKey(record.head, dict(record.tokens))) for each, record in records]

    async def resting_under(self, domain_key: DomainKeyId) -> Resting:
        """Return how many there are."""
        found = [self._rests(each, domain_key) for each in self._state.keys]
        return Resting(found.count(_LIVE), found.count(_LEFT_BEHIND))

    async def reseal(self, rotation: int, moved: Sequence[MovedKey], now: int) -> Stored:
        """Replace what is as it was listed; an error leaves the state that was."""
        following, left_behind, replaced = self._following(), {}, 0
        for one in moved:
            head_hash = sha256(one.listed.resting.head)
            if one.change is not None:
                self._check_fence(one.change)
                head_hash = sha256(one.change.head)
                if not _is_as_listed(following, one):
                    continue
                _put_key(following, one.change)
                replaced += 1
            if one.left_behind:
                left_behind[one.listed.key_id] = head_hash
        self._state = following
        self._left_behind |= left_behind
        if replaced:
            self._rotations.resealed(rotation, replaced, now)
        return Stored(replaced)

    def _following(self) -> _State:
        state = self._state
        return _State(state.keys.copy(), state.aliases.copy(), state.homes.copy())

    def _rests(self, key_id: KeyId, domain_key: DomainKeyId) -> str:
        homes = self._state.homes[key_id]
        if homes[0] == domain_key:
            return _LIVE
        if domain_key not in homes.values():
            return _ELSEWHERE
        head = self._state.keys[key_id][1].head
        return _LEFT_BEHIND if self._left_behind.get(key_id) == sha256(head) else _LIVE

    def _check_fence(self, key: KeyChange) -> None:
        for domain_key in {key.head_domain_key, *(token.domain_key for token in key.tokens)}:
            if not self._writable.get(domain_key, False):
                raise FencedError("the domain key takes no new records")


def _put_key(state: _State, key: KeyChange) -> None:
    owner = (key.account, key.region)
    if not key.replaces:
        if key.key_id in state.keys:
            raise DuplicateError("there is a key with this id")
        state.keys[key.key_id] = (owner, merged(KeyRecord(b"", {}, {}), key))
        state.homes[key.key_id] = _homes(key)
        return
    found = state.keys.get(key.key_id)
    if found is None or found[0] != owner or sha256(found[1].head) != key.replaces:
        raise ConflictError("the key is not as it was read")
    state.keys[key.key_id] = (owner, merged(found[1], key))
    state.homes[key.key_id] = state.homes[key.key_id] | _homes(key)


def _is_as_listed(state: _State, moved: MovedKey) -> bool:
    """Whether the head is the one that was listed; raises ConflictError if it is, and a token is not."""
    record, listed = state.keys[moved.listed.key_id][1], moved.listed.resting
    if record.head != listed.head:
        return False
    for token in () if moved.change is None else moved.change.tokens:
        if record.tokens.get(token.version) != listed.tokens.get(token.version):
            raise ConflictError("a key token is not as it was read")
    return True


def _homes(key: KeyChange) -> dict[int, DomainKeyId]:
    return {0: key.head_domain_key} | {token.version: token.domain_key for token in key.tokens}


def _put_alias(state: _State, alias: AliasChange) -> None:
    place = ((alias.account, alias.region), alias.name)
    found = state.aliases.get(place)
    if alias.replaces is None and alias.target is not None and found is not None:
        raise DuplicateError("the alias name is taken")
    if found != alias.replaces or (alias.target is None and found is None):
        raise ConflictError("the alias is not as it was read")
    if alias.target is None:
        del state.aliases[place]
    elif alias.target in state.keys:
        state.aliases[place] = alias.target
    else:
        raise ConflictError("there is no key for the alias")


def _listed(record: KeyRecord, kind: str) -> KeyRecord:
    return KeyRecord(record.head, {}, {one: content for one, content in record.attachments.items() if one == kind})
