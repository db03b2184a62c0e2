"""How the records of a customer's key travel and rest: what front ends carry, repositories keep, modules write.

Only a module makes or opens what is sealed here. To everyone else a record is bytes with an index beside them. The
ports of the key repository stand at the end; readers and writers are two ports, so that who only reads cannot write.
"""

from typing import Final, Protocol

import msgspec

from keystead.identifiers import AccountId, AliasName, DomainKeyId, KeyId, Region

POLICY: Final = "policy"
TAGS: Final = "tags"
ALIASES: Final = "aliases"
GRANTS: Final = "grants"
PUBLIC_KEY: Final = "public_key"
ATTACHMENTS: Final = (POLICY, TAGS, ALIASES, GRANTS, PUBLIC_KEY)
"""What rests beside a head, in clear, and is valid only if its SHA-256 is the one in the head."""


class KeyRecord(msgspec.Struct, frozen=True, array_like=True):
    """One key as the repository returned it and as a frame carries it to a module."""

    head: bytes
    """The sealed head."""
    tokens: dict[int, bytes]
    """Key tokens by version; a frame carries only those that the operation needs."""
    attachments: dict[str, bytes]
    """Content by kind; a frame carries only those that the operation needs."""


class KeyChange(msgspec.Struct, frozen=True, array_like=True):
    """A key's next state, made by a module. Applied wholly or not at all."""

    key_id: KeyId
    account: AccountId
    region: Region
    replaces: bytes
    """SHA-256 of the sealed head that this was made from; empty for a key that must not exist yet."""
    head: bytes
    head_domain_key: DomainKeyId
    tokens: tuple["TokenChange", ...] = ()
    """Key tokens that are added (or replaced, when re-sealed)."""
    attachments: dict[str, bytes] = {}
    """Attachments that are replaced."""


class TokenChange(msgspec.Struct, frozen=True, array_like=True):
    """A key token that is added, or replaced when re-sealed under another domain key."""

    version: int
    domain_key: DomainKeyId
    token: bytes


class AliasChange(msgspec.Struct, frozen=True, array_like=True):
    """A change of the index from alias names to keys; the truth is in the keys' alias attachments."""

    account: AccountId
    region: Region
    name: AliasName
    target: KeyId | None
    """None removes the name."""
    replaces: KeyId | None
    """The key that the name points to now; None if it must not exist."""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """All that one request changes, in one transaction."""

    keys: tuple[KeyChange, ...]
    aliases: tuple[AliasChange, ...] = ()


class KeyReader(Protocol):
    """Reads the key repository. Every method may raise RepositoryUnavailable. What it returns proves nothing yet."""

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return one key with all its tokens and attachments as one consistent snapshot, or None."""

    async def alias(self, account: AccountId, region: Region, name: AliasName) -> KeyId | None:
        """Return the key that the index has for a name."""

    async def page_of_keys(self, account: AccountId, region: Region, after: KeyId, limit: int) -> list[KeyRecord]:
        """Return up to ``limit`` records (heads alone) with ids above ``after`` in order of id."""

    async def page_of_aliases(
        self, account: AccountId, region: Region, after: AliasName, limit: int
    ) -> list[tuple[AliasName, KeyRecord]]:
        """Return up to ``limit`` alias names above ``after`` in order, each with its key's head and aliases."""

    async def page_of_retirable(self, region: Region, principal: str, start: KeyId, limit: int) -> list[KeyRecord]:
        """Return up to ``limit`` records (heads and grants) with ids from ``start`` on in order of id.

        They are of any account. Each has a grant that a principal of this name (``granted.name_of``) may retire.
        """

    async def count(self) -> int:
        """Return how many keys there are (for status, not for decisions)."""


class HeadReader(Protocol):
    """Reads the sealed heads of all keys, whoever owns them; for the coordinator, which looks for those that are due.

    Every method may raise RepositoryUnavailable. What it returns proves nothing yet.
    """

    async def page_of_heads(self, after: KeyId, limit: int) -> list[tuple[KeyId, bytes]]:
        """Return up to ``limit`` ids above ``after`` in order, each with its sealed head."""

    async def record(self, key_id: KeyId) -> KeyRecord | None:
        """Return one key with all its tokens and attachments as one consistent snapshot, or None."""


class KeyWriter(Protocol):
    """Writes the key repository."""

    async def apply(self, change: Change) -> None:
        """Make the change durable, wholly or not at all, before returning.

        Raises ConflictError if a head or alias is not the one named in ``replaces``, DuplicateError if a new key id or
        alias name is taken, FencedError if a named domain key is unknown or not writable, RepositoryUnavailable.
        """


class DomainKeyFence(Protocol):
    """Says under which domain keys the key repository takes records; for the coordinator alone."""

    async def admit(self, domain_key: DomainKeyId, now: int) -> None:
        """Take records under this domain key from now on, unless it is known already; durable before returning.

        A fence stays: who admits a fenced domain key again changes nothing. Raises RepositoryUnavailable.
        """

    async def fence(self, domain_key: DomainKeyId) -> None:
        """Take no record under this domain key any more; durable before returning, and no write comes after it.

        Raises RepositoryUnavailable.
        """


def merged(record: KeyRecord, change: KeyChange) -> KeyRecord:
    """Return the record as it is after the change; what a front end that wrote the change may keep in its cache."""
    tokens = record.tokens | {token.version: token.token for token in change.tokens}
    return KeyRecord(change.head, tokens, record.attachments | change.attachments)
