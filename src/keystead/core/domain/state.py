"""What a domain is at one version: members, operators, permissions, rules, domain keys (paragraphs 115 and 128)."""

import base64
from collections.abc import Mapping
from enum import IntEnum, unique
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta

from keystead.core.domain.quorum import Rules
from keystead.errors import NoDomain
from keystead.identifiers import DomainId, DomainKeyId, ModuleId, OperatorId
from keystead.primitives.digest import labelled_digest
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorPublic
from keystead.primitives.signatures import IdentityPublic

Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[a-z0-9][a-z0-9._-]*\Z")]
Version = Annotated[int, Meta(ge=0, lt=2**53)]
ID_SIZE = 16


@unique
class Permission(IntEnum):
    """What an operator may do; numbers are never reused."""

    GOVERN = 1
    """Sign requests that change the domain."""
    CARRY = 2
    """Bring tokens to modules: the coordinator."""
    SERVE = 3
    """Use customers' keys for requests that are proved, and be the audience of proofs: a front end."""
    VOUCH = 4
    """Prove that a request is a customer's: an authentication service."""


@unique
class SlotKind(IntEnum):
    """What a module's private keys rest under; numbers are never reused. It decides what renewing them promises."""

    FILE = 1
    """A file: an image of the disk from before still has what it held."""
    MEMORY = 2
    """Memory of the domain's modules alone: a restart needs a live member."""
    PKCS11 = 3
    """An object in a device, deleted there."""


@unique
class Role(IntEnum):
    """What a member is there for; the quorum chooses, and numbers are never reused."""

    ACTIVE = 1
    """It serves, and no token is installed without its promise."""
    RECOVERY = 2
    """It is kept offline for when all others are lost: domain keys are sealed to it, nobody waits for it."""


class Member(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A security module of the domain, by its full public keys."""

    name: Name
    ed25519: Bytes32
    mldsa65: Annotated[bytes, Meta(min_length=1952, max_length=1952)]
    sealing: Annotated[bytes, Meta(min_length=1216, max_length=1216)]
    """The HPKE public key to which domain keys are sealed for it."""
    slot: SlotKind
    """As the module says of itself."""
    role: Role

    @classmethod
    def of(
        cls,
        name: str,
        identity: IdentityPublic,
        sealing: bytes,
        slot: SlotKind = SlotKind.FILE,
        role: Role = Role.ACTIVE,
    ) -> "Member":
        """Return the member with these public keys."""
        return cls(name, identity.ed25519, identity.mldsa65, sealing, slot, role)

    @property
    def identity(self) -> IdentityPublic:
        """Return the public keys that verify what the module signs."""
        return IdentityPublic(ed25519=self.ed25519, mldsa65=self.mldsa65)

    @cached_property
    def id(self) -> ModuleId:
        """Return the module's id: it follows from the identity, and stays when the sealing key is renewed."""
        return module_id(self.identity)


class Operator(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A person or a service that may do something to the domain, by its full public key."""

    name: Name
    key: bytes
    """The OpenSSH public key in its wire encoding."""
    permissions: tuple[Permission, ...]
    """Sorted, each once."""

    def __post_init__(self) -> None:
        """Refuse permissions in another order, or listed twice."""
        if list(self.permissions) != sorted(set(self.permissions)):
            raise ValueError("permissions are listed in order of their numbers, each once")

    @classmethod
    def of(cls, name: str, public: OperatorPublic, permissions: frozenset[Permission]) -> "Operator":
        """Return the operator with this public key."""
        return cls(name, public.wire(), tuple(sorted(permissions)))

    @cached_property
    def public(self) -> OperatorPublic:
        """Return the public key; raises FormatError if the operator was listed with none."""
        return OperatorPublic.from_wire(self.key)

    @cached_property
    def id(self) -> OperatorId:
        """Return the operator's id, which follows from the key."""
        return operator_id(self.public)


@unique
class Standing(IntEnum):
    """What members do with a domain key that they hold; numbers are never reused."""

    ACTIVE = 1
    """They open what rests under it; the newest one seals."""
    RETIRED = 2
    """They keep it and refuse to open with it, until it is dropped or reinstated."""


class DomainKeyEntry(msgspec.Struct, frozen=True, array_like=True):
    """A domain key of the domain: its id, and a commitment that only this very key satisfies."""

    id: Bytes16
    commitment: Bytes32
    since: Version
    """The version that added it."""
    standing: Standing = Standing.ACTIVE


class DroppedKey(msgspec.Struct, frozen=True, array_like=True):
    """A domain key that was dropped: no token from ``dropped`` on has it."""

    id: Bytes16
    since: Version
    dropped: Version


@unique
class Fate(IntEnum):
    """What is known of the private half of a sealing key; numbers are never reused."""

    HOLDS = 1
    """The member that has it is listed with it."""
    RENEWED = 2
    """Replaced by an offer: the member destroys it when it ingests the token that says so."""
    OUTSTANDING = 3
    """Nobody knows: its member left, or is not among those who must follow."""
    DESTROYED = 4
    """The module attested that it was destroyed, and a quorum recorded that."""


class Holder(msgspec.Struct, frozen=True, array_like=True):
    """A sealing key to which domain keys were sealed, from version ``since`` until before ``until``."""

    module: Bytes16
    sealing: Bytes32
    """SHA-256 of the public key."""
    slot: SlotKind
    since: Version
    until: Version = 0
    """0 while it is listed."""
    fate: Fate = Fate.HOLDS


class Parameters(msgspec.Struct, frozen=True, array_like=True):
    """What a quorum has set for the domain."""

    retirement: Annotated[int, Meta(ge=0, lt=2**53)] = 3_600_000
    """Milliseconds for which a domain key must have been retired before a member promises to drop it."""


class DomainState(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """The complete parameters of a domain at one version (a full token's content, paragraph 121)."""

    domain: Bytes32
    version: Version
    members: tuple[Member, ...]
    """Sorted by id."""
    operators: tuple[Operator, ...]
    """Sorted by id."""
    rules: Rules
    domain_keys: tuple[DomainKeyEntry, ...]
    """Oldest first; the last is the newest, under which everything new is sealed."""
    former: tuple[Bytes16, ...] = ()
    """Operators that were removed, sorted by id: none of them is listed again."""
    parameters: Parameters = Parameters()
    dropped: tuple[DroppedKey, ...] = ()
    """In the order in which they were dropped."""
    holders: tuple[Holder, ...] = ()
    """One for each sealing key that a token was ever sealed to, in the order in which they came."""

    @property
    def domain_id(self) -> DomainId:
        """Return the domain's id."""
        return DomainId(self.domain)

    @property
    def newest(self) -> DomainKeyId:
        """Return the domain key under which everything new is sealed; raises NoDomain if there is none yet."""
        if not self.domain_keys:
            raise NoDomain("the domain has no domain key yet")
        return DomainKeyId(self.domain_keys[-1].id)

    @property
    def retired(self) -> frozenset[DomainKeyId]:
        """Return the domain keys under which nothing is opened."""
        return frozenset(DomainKeyId(one.id) for one in self.domain_keys if one.standing is Standing.RETIRED)

    @cached_property
    def members_by_id(self) -> Mapping[ModuleId, Member]:
        """Return the members by id."""
        return {member.id: member for member in self.members}

    @cached_property
    def operators_by_id(self) -> Mapping[OperatorId, Operator]:
        """Return the operators by id."""
        return {operator.id: operator for operator in self.operators}

    def member(self, module: ModuleId) -> Member | None:
        """Return the member with this id, or None."""
        return self.members_by_id.get(module)

    def operator(self, operator: OperatorId) -> Operator | None:
        """Return the operator with this id, or None."""
        return self.operators_by_id.get(operator)

    @property
    def active(self) -> frozenset[ModuleId]:
        """Return the members that serve."""
        return frozenset(member.id for member in self.members if member.role is Role.ACTIVE)

    def domain_key(self, key: DomainKeyId) -> DomainKeyEntry | None:
        """Return the domain key with this id, or None."""
        return next((entry for entry in self.domain_keys if entry.id == key), None)

    def holders_of(self, key: DomainKeyId) -> tuple[Holder, ...]:
        """Return every sealing key that this domain key was ever sealed to, whatever became of either."""
        lives = [(one.since, one.dropped) for one in self.dropped if one.id == key]
        lives += [(one.since, self.version + 1) for one in self.domain_keys if one.id == key]
        return tuple(
            holder
            for holder in self.holders
            for since, dropped in lives
            if holder.since < dropped and (holder.until == 0 or holder.until > since)
        )

    def operators_who(self, permission: Permission) -> Mapping[OperatorId, Operator]:
        """Return the operators that have a permission, by id."""
        return {operator.id: operator for operator in self.operators if permission in operator.permissions}


def operator_id(public: OperatorPublic) -> OperatorId:
    """Return the id of the operator with this public key."""
    return OperatorId(labelled_digest(Label.OPERATOR_ID, public.wire())[:ID_SIZE])


def module_fingerprint(identity: IdentityPublic, sealing: bytes, slot: SlotKind) -> str:
    """Return what a person compares before a module is listed: a digest of its public keys and its kind of slot."""
    kind = bytes((slot,))
    digest = labelled_digest(Label.MODULE_FINGERPRINT, identity.ed25519, identity.mldsa65, sealing, kind)
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def module_id(identity: IdentityPublic) -> ModuleId:
    """Return the id of the module with these public keys."""
    return ModuleId(labelled_digest(Label.MODULE_ID, identity.ed25519, identity.mldsa65)[:ID_SIZE])
