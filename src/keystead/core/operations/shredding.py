"""Keystead.ShredKey and Keystead.DescribeShredding (paragraphs 43, 100, 104, 143): the end of a key, how far it is."""

from keystead.core.domain.state import DomainKeyEntry, DroppedKey, Holder, Standing
from keystead.core.keys.ending import ended_attachments, ended_fields, freed_names
from keystead.core.keys.head import KeyHead
from keystead.core.keys.metadata import seconds
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.shredding import Shredding, shredding
from keystead.core.operations.changes import changed
from keystead.core.operations.context import Context, Done
from keystead.core.protocols.aws_json.extension import (
    DescribeShreddingRequest,
    DescribeShreddingResponse,
    DomainKeyStatus,
    HolderOfDomainKey,
    MaterialShredding,
    ShredKeyRequest,
    ShredKeyResponse,
)
from keystead.core.records import Change
from keystead.core.tokens.envelope import named_domain_key


def shred_key(context: Context, _request: ShredKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Mark a key to be shredded, whatever its state. Nothing takes that back; asked again it changes nothing more."""
    (key,) = keys
    marked = key.head.shredded or context.now
    answer = ShredKeyResponse(key_id=key.head.arn, shredding_status="SHRED_PENDING", marked_date=seconds(marked))
    return Done(answer, ended(context, key, marked))


def ended(context: Context, key: OpenedKey, marked: int) -> Change:
    """Return the change that marks a key: its names and grants end with it, its head stays as a tombstone."""
    change = changed(context, key, attachments=ended_attachments(key.head), **ended_fields(marked))
    return Change((change,), freed_names(key))


def describe_shredding(context: Context, _request: DescribeShreddingRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Tell under which domain keys a key's material rests, who holds those, and whether all of that has ended."""
    (key,) = keys
    head = key.head
    resting = {one.number: named_domain_key(key.token(one.number)) for one in head.versions}
    found = shredding(head, resting, context.domain)
    return Done(
        DescribeShreddingResponse(
            key_id=head.arn,
            shredding_status=found.status,
            marked_date=seconds(head.shredded) if head.shredded else None,
            domain_version=context.domain.version,
            materials=[_material(head, version, found.resting[version]) for version in sorted(found.resting)],
            awaited_domain_keys=_awaited(found),
            holders=[_holder(holder) for holder in found.holders],
        )
    )


def _awaited(found: Shredding) -> list[str]:
    every = {one.id for known in found.reaches.values() for one in known if isinstance(one, DomainKeyEntry)}
    return sorted(key.hex() for key in every)


def _material(head: KeyHead, version: int, resting: DomainKeyEntry | DroppedKey) -> MaterialShredding:
    dropped = resting.dropped if isinstance(resting, DroppedKey) else None
    return MaterialShredding(
        key_material_id=head.versions[version - 1].material_id.hex(),
        domain_key_id=resting.id.hex(),
        domain_key_status=_standing(resting),
        dropped_in_version=dropped,
    )


def _standing(resting: DomainKeyEntry | DroppedKey) -> DomainKeyStatus:
    if isinstance(resting, DroppedKey):
        return "DROPPED"
    return "RETIRED" if resting.standing is Standing.RETIRED else "ACTIVE"


def _holder(holder: Holder) -> HolderOfDomainKey:
    return HolderOfDomainKey(
        module_id=holder.module.hex(),
        sealing_key=holder.sealing.hex(),
        root_slot=holder.slot.name,
        fate=holder.fate.name,
    )
