"""What is told about a key (KeyMetadata of the service model), from its head alone."""

from keystead.core.keys.head import KeyHead
from keystead.core.keys.states import effective_state
from keystead.core.protocols.aws_json.shapes import KeyMetadata, MultiRegionConfiguration, MultiRegionKey


def seconds(moment: int) -> float:
    """Return milliseconds since the epoch as the service writes time: seconds with a fraction."""
    return moment / 1000


def metadata(head: KeyHead) -> KeyMetadata:
    """Return the members that a symmetric encryption key has in its present state."""
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
        customer_master_key_spec="SYMMETRIC_DEFAULT",
        key_spec=head.spec,
        encryption_algorithms=["SYMMETRIC_DEFAULT"],
        multi_region=head.multi_region is not None,
        multi_region_configuration=_regions(head),
        current_key_material_id=head.newest.material_id.hex(),
    )


def _regions(head: KeyHead) -> MultiRegionConfiguration | None:
    if head.multi_region is None:
        return None
    return MultiRegionConfiguration(
        multi_region_key_type=head.multi_region,
        primary_key=MultiRegionKey(arn=head.arn, region=head.region),
        replica_keys=[],
    )
