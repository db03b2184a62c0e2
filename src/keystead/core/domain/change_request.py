"""What may be asked of a domain (paragraph 119), and the signatures under it.

A request names the domain, the exact predecessor and one change; operators sign its bytes as SSHSIG in a namespace of
our own, with ``ssh-keygen -Y sign`` or alike. A request that is not the one that was signed, or is for another state,
is refused by every module.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.quorum import RequestKind, Rules
from keystead.core.domain.state import Bytes16, Bytes32, Member, Operator, Parameters
from keystead.identifiers import OperatorId
from keystead.primitives.openssh import OperatorKey

NAMESPACE: Final = "keystead.change-request.v1"
PURPOSE: Final = "keystead change request"


class AddDomainKey(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.ADD_DOMAIN_KEY)):
    """Add a fresh domain key, which becomes the newest."""


class AddMember(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.ADD_MEMBER)):
    """Let a security module in."""

    member: Member


class RemoveMember(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.REMOVE_MEMBER)):
    """Put a security module out."""

    member: Bytes16
    lost: bool = False
    """Whether the quorum takes it upon itself that it will never promise or install anything any more."""


class AddOperator(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.ADD_OPERATOR)):
    """List an operator, or another one under the id of a listed one."""

    operator: Operator


class RemoveOperator(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.REMOVE_OPERATOR)):
    """Strike an operator off."""

    operator: Bytes16


class ChangeRules(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.CHANGE_RULES)):
    """Replace all quorum rules."""

    rules: Rules


class RetireDomainKey(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.RETIRE_DOMAIN_KEY)):
    """Keep a domain key that is not the newest, and refuse to open with it."""

    key: Bytes16


class DropDomainKey(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.DROP_DOMAIN_KEY)):
    """Drop a retired domain key for good: what is left is sealed to fresh keys of those who stay."""

    key: Bytes16
    offers: tuple[bytes, ...]
    """Of each member that stays (``offer``), in order of the members' ids."""
    parked: tuple[Bytes16, ...]
    """Members that leave because they made no offer, sorted."""


class Abandon(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.ABANDON)):
    """Free the members from promises of a successor that is not installed. Makes no token."""

    successor: Bytes32
    lost: tuple[Bytes16, ...]
    """Members, sorted, of which the quorum takes it upon itself that they will never install the successor."""


class Recover(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.RECOVER)):
    """Go on with these members, sorted by id, without those who are lost."""

    members: tuple[Member, ...]


class ReinstateDomainKey(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.REINSTATE_DOMAIN_KEY)):
    """Let a retired domain key open again."""

    key: Bytes16


class RenewHolder(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.RENEW_HOLDER)):
    """Seal to a fresh key of one member from now on."""

    offer: bytes


class RecordDestruction(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.RECORD_DESTRUCTION)):
    """Take down that a module destroyed its former sealing keys."""

    attestation: bytes


class ChangeParameters(msgspec.Struct, frozen=True, array_like=True, tag=int(RequestKind.CHANGE_PARAMETERS)):
    """Replace the parameters."""

    parameters: Parameters


DomainChange: TypeAlias = (
    AddDomainKey
    | AddMember
    | RemoveMember
    | AddOperator
    | RemoveOperator
    | ChangeRules
    | RetireDomainKey
    | DropDomainKey
    | Abandon
    | Recover
    | ReinstateDomainKey
    | RenewHolder
    | RecordDestruction
    | ChangeParameters
)


class ChangeRequest(msgspec.Struct, frozen=True, array_like=True):
    """One change that is asked for, of exactly one state."""

    domain: Bytes32
    predecessor: Bytes32
    """SHA-256 of the domain token (of the genesis, for version 1) that this changes."""
    change: DomainChange
    expires: Annotated[int, Meta(ge=0, lt=2**53)]
    """Milliseconds since the epoch after which no module promises a token made from this."""
    nonce: Bytes16

    @property
    def kind(self) -> RequestKind:
        """Return the kind of request."""
        return KINDS[type(self.change)]


KINDS: Final = {
    AddDomainKey: RequestKind.ADD_DOMAIN_KEY,
    AddMember: RequestKind.ADD_MEMBER,
    RemoveMember: RequestKind.REMOVE_MEMBER,
    AddOperator: RequestKind.ADD_OPERATOR,
    RemoveOperator: RequestKind.REMOVE_OPERATOR,
    ChangeRules: RequestKind.CHANGE_RULES,
    RetireDomainKey: RequestKind.RETIRE_DOMAIN_KEY,
    DropDomainKey: RequestKind.DROP_DOMAIN_KEY,
    Abandon: RequestKind.ABANDON,
    Recover: RequestKind.RECOVER,
    ReinstateDomainKey: RequestKind.REINSTATE_DOMAIN_KEY,
    RenewHolder: RequestKind.RENEW_HOLDER,
    RecordDestruction: RequestKind.RECORD_DESTRUCTION,
    ChangeParameters: RequestKind.CHANGE_PARAMETERS,
}

CODEC: Final[DocumentCodec[ChangeRequest]] = DocumentCodec(ChangeRequest, PURPOSE, 1)


class OperatorSignature(msgspec.Struct, frozen=True, array_like=True):
    """One operator's SSHSIG signature, binary."""

    operator: Bytes16
    signature: bytes


class ApprovedRequest(msgspec.Struct, frozen=True, array_like=True):
    """The very bytes of a request, and signatures under them."""

    request: bytes
    signatures: Annotated[tuple[OperatorSignature, ...], Meta(max_length=64)]


APPROVED_CODEC: Final[DocumentCodec[ApprovedRequest]] = DocumentCodec(
    ApprovedRequest, "keystead approved change request", 1
)


def sign(request: bytes, operator: OperatorId, key: OperatorKey) -> OperatorSignature:
    """Return the operator's signature under the bytes of a request."""
    return OperatorSignature(operator, key.sign(NAMESPACE, request))
