"""The head of a key: everything that decides what may be done with it, as one value (``spec/key-record.md``)."""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from keystead.core.keys.specs import kind as kind_of
from keystead.core.ports import Buffer
from keystead.core.protocols.aws_json.shapes import KeySpec, KeyState, KeyUsageType, OriginType
from keystead.core.strict import StrictCodec
from keystead.errors import FormatError
from keystead.identifiers import AccountId, KeyId, Region, is_key_id, key_arn

FORMAT: Final = 1

Digest: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
AttachmentDigest: TypeAlias = Annotated[bytes, msgspec.Meta(max_length=32)]
"""SHA-256 of an attachment; empty where there is no such attachment."""
DomainKeyField: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
ProofId: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Moment: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
"""Milliseconds since the epoch, or 0 for none."""
Days: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class KeyVersion(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One version of a key: material of its own under the same key id."""

    number: Count
    """1 for the first; never reused, never skipped."""
    material_id: Digest
    """Derived from the material; identifies it and tells nothing about it."""
    token: Digest
    """SHA-256 of the key token that holds the material now."""
    created: Moment
    kind: Literal["CREATED", "AUTOMATIC", "ON_DEMAND"]
    """How it came to be: with the key, or by a rotation."""
    domain_key: DomainKeyField
    """The domain key that its first token rested under; stays when the material is sealed anew under later ones."""


class RecentProof(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The proof of a request that changed this key, kept until it expires so that it cannot be used again."""

    proof: ProofId
    expires: Moment


class KeyHead(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One key, without its material."""

    format: Literal[1] = FORMAT
    account: AccountId
    region: Region
    key_id: KeyId
    generation: Count
    """1 when created; one more with every head that is written."""
    created: Moment
    spec: KeySpec
    usage: KeyUsageType
    origin: OriginType
    manager: Literal["CUSTOMER", "AWS"] = "CUSTOMER"
    multi_region: Literal["PRIMARY", "REPLICA"] | None = None
    state: KeyState = "Enabled"
    description: str = ""
    deletion: Moment = 0
    """When the key is due to be deleted; only while it is pending deletion."""
    deletion_window: Days = 0
    """Days that were asked for when the deletion was scheduled; only while it is pending deletion."""
    shredded: Moment = 0
    """When it was marked to be left behind as domain keys rotate (claim 13); from then on there is no such key."""
    suspended: bool = False
    """Every use is refused until it is reinstated."""
    rotation_period: Days = 0
    """Days between automatic rotations; 0 if there are none."""
    rotation_due: Moment = 0
    """When the next automatic rotation is due; 0 exactly if there is none."""
    versions: tuple[KeyVersion, ...]
    """Oldest first; only the newest encrypts."""
    policy: Digest
    """SHA-256 of the policy attachment, which every key has."""
    tags: AttachmentDigest = b""
    aliases: AttachmentDigest = b""
    grants: AttachmentDigest = b""
    recent: tuple[RecentProof, ...] = ()

    @property
    def arn(self) -> str:
        """The key's written ARN."""
        return key_arn(self.region, self.account, self.key_id)

    @property
    def newest(self) -> KeyVersion:
        """The version that encrypts."""
        return self.versions[-1]

    def version(self, number: int) -> KeyVersion | None:
        """Return the version of that number, or None if the key has none such."""
        return self.versions[number - 1] if 1 <= number <= len(self.versions) else None

    def digest_of(self, kind: str) -> bytes:
        """Return the digest that an attachment of this kind must have; empty if there is none."""
        match kind:
            case "policy":
                return self.policy
            case "tags":
                return self.tags
            case "aliases":
                return self.aliases
            case "grants":
                return self.grants
            case "public_key":
                return self.newest.material_id if kind_of(self.spec) == "pair" else b""
            case _:
                return b""


_CODEC: Final = StrictCodec[KeyHead](KeyHead, "a key head")


def encode(head: KeyHead) -> bytes:
    """Return the one written form of a head."""
    return _CODEC.encode(head)


def decode(written: Buffer) -> KeyHead:
    """Return the head that was written.

    Raises:
        FormatError: not what ``encode`` writes, or fields that contradict one another.
    """
    head = _CODEC.decode(written)
    if not _consistent(head):
        raise FormatError("the fields of a key head contradict one another")
    return head


def _consistent(head: KeyHead) -> bool:
    for number, version in enumerate(head.versions, 1):
        if version.number != number:
            return False
    pending = (head.state == "PendingDeletion") is (head.deletion > 0)
    rotating = (head.rotation_period > 0) is (head.rotation_due > 0)
    return len(head.versions) > 0 and pending and rotating and is_key_id(head.key_id)
