"""Operations beside those of AWS KMS: the same protocol, with ``X-Amz-Target: Keystead.Name`` (spec/shredding.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from keystead.core.protocols.aws_json.model import ModelledOperation, Shape, Timestamp
from keystead.core.protocols.aws_json.shapes import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.shapes import KeyIdType
from keystead.core.protocols.aws_json.targets import EXTENSION

SHRED_KEY: Final = f"{EXTENSION}ShredKey"
DESCRIBE_SHREDDING: Final = f"{EXTENSION}DescribeShredding"

ShreddingStatus: TypeAlias = Literal["NONE", "SHRED_PENDING", "SHRED_COMPLETE"]
DomainKeyStatus: TypeAlias = Literal["ACTIVE", "RETIRED", "DROPPED"]


class ShredKeyRequest(Shape, frozen=True, kw_only=True):
    """Asks for the end of a key."""

    key_id: KeyIdType


class ShredKeyResponse(Shape, frozen=True, kw_only=True):
    """The key is out of use, for good."""

    key_id: str
    shredding_status: ShreddingStatus
    marked_date: Timestamp


class DescribeShreddingRequest(Shape, frozen=True, kw_only=True):
    """Asks how far the end of a key is."""

    key_id: KeyIdType


class MaterialShredding(Shape, frozen=True, kw_only=True):
    """Under which domain key one material of the key rests."""

    key_material_id: str
    domain_key_id: str
    domain_key_status: DomainKeyStatus
    dropped_in_version: int | None = None
    """Version of the domain that dropped the domain key."""


class HolderOfDomainKey(Shape, frozen=True, kw_only=True):
    """A sealing key to which one of these domain keys was sealed."""

    module_id: str
    sealing_key: str
    """SHA-256 of the public key."""
    root_slot: str
    fate: str


class DescribeShreddingResponse(Shape, frozen=True, kw_only=True):
    """How far the end of a key is, at this version of the domain."""

    key_id: str
    shredding_status: ShreddingStatus
    marked_date: Timestamp | None = None
    domain_version: int
    materials: list[MaterialShredding]
    awaited_domain_keys: list[str]
    """Those that a token of the key ever rested under, or may have, and that are not dropped yet."""
    holders: list[HolderOfDomainKey]


BESIDE: Final[Mapping[str, ModelledOperation]] = MappingProxyType(
    {
        name: ModelledOperation(
            name=name,
            input=request,
            output=response,
            errors=frozenset({"NotFoundException", "InvalidArnException", "KMSInternalException"}),
            paginated=False,
        )
        for name, request, response in (
            (SHRED_KEY, ShredKeyRequest, ShredKeyResponse),
            (DESCRIBE_SHREDDING, DescribeShreddingRequest, DescribeShreddingResponse),
        )
    }
)
OPERATIONS: Final[Mapping[str, ModelledOperation]] = MappingProxyType({**MODEL, **BESIDE})
"""Every operation that a request can be for: those of the service model, and these."""
