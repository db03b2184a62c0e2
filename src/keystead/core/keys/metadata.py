"""What is told about a key (KeyMetadata of the service model), from its head alone."""

from typing import Any, Final, get_args

from keystead.core.keys.head import KeyHead, KeyVersion
from keystead.core.keys.specs import SYMMETRIC, algorithms
from keystead.core.keys.states import effective_state
from keystead.core.protocols.aws_json.shapes import (
    CustomerMasterKeySpec,
    KeyMetadata,
    KeySpec,
    KeyUsageType,
    MultiRegionConfiguration,
    MultiRegionKey,
)

_MEMBERS: Final[dict[KeyUsageType, str]] = {
    "ENCRYPT_DECRYPT": "encryption_algorithms",
    "SIGN_VERIFY": "signing_algorithms",
    "GENERATE_VERIFY_MAC": "mac_algorithms",
    "KEY_AGREEMENT": "key_agreement_algorithms",
    "ENCAPSULATE_DECAPSULATE": "encapsulation_algorithms",
}
_FORMER: Final[dict[str, CustomerMasterKeySpec]] = {spec: spec for spec in get_args(CustomerMasterKeySpec)}


def seconds(moment: int) -> float:
    """Return milliseconds since the epoch as the service writes time: seconds with a fraction."""
    return moment / 1000


def metadata(head: KeyHead) -> KeyMetadata:
    """Return the members that a key of its spec and usage has in its present state."""
    state = effective_state(head)
    return KeyMetadata(
        aws_account_id=head.account,
        key_id=head.key_id,
        arn=head.arn,
        creation_date=seconds(head.created),
        enabled=state == "Enabled",
        description=head.description,
        key_usage=head.usage,
        key_state=state,
        deletion_date=seconds(head.deletion) if state == "PendingDeletion" and head.deletion else None,
        origin=head.origin,
        key_manager=head.manager,
        customer_master_key_spec=former_spec(head.spec),
        key_spec=head.spec,
        multi_region=head.multi_region is not None,
        multi_region_configuration=_regions(head),
        current_key_material_id=shown_material_id(head, head.newest),
        **algorithm_members(head),
    )


def algorithm_members(head: KeyHead) -> dict[str, Any]:
    """Return the one member that tells the algorithms of a key, under the name that goes with its usage."""
    return {_MEMBERS[head.usage]: list(algorithms(head.spec, head.usage))}


def former_spec(spec: KeySpec) -> CustomerMasterKeySpec | None:
    """Return the spec as the deprecated member tells it, which lacks the newer ones."""
    return _FORMER.get(spec)


def shown_material_id(head: KeyHead, version: KeyVersion) -> str | None:
    """Return the id of the material of a version; only of symmetric encryption keys it is told."""
    return version.material_id.hex() if head.spec == SYMMETRIC else None


def _regions(head: KeyHead) -> MultiRegionConfiguration | None:
    if head.multi_region is None:
        return None
    return MultiRegionConfiguration(
        multi_region_key_type=head.multi_region,
        primary_key=MultiRegionKey(arn=head.arn, region=head.region),
        replica_keys=[],
    )
