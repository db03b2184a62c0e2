"""EnableKeyRotation, DisableKeyRotation, RotateKeyOnDemand and what is told of rotations (claims 5, 9 and 18)."""

from typing import Final

from keystead.core.keys.automatic_rotation import scheduled
from keystead.core.keys.head import KeyHead, KeyVersion
from keystead.core.keys.metadata import seconds
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed, new_version
from keystead.core.operations.checks import rotates, rotates_by_itself
from keystead.core.operations.context import Context, Done
from keystead.core.operations.paging import page
from keystead.core.protocols.aws_json.shapes import (
    DisableKeyRotationRequest,
    EnableKeyRotationRequest,
    GetKeyRotationStatusRequest,
    GetKeyRotationStatusResponse,
    ListKeyRotationsRequest,
    ListKeyRotationsResponse,
    RotateKeyOnDemandRequest,
    RotateKeyOnDemandResponse,
    RotationsListEntry,
)
from keystead.core.records import Change, TokenChange
from keystead.errors import ServiceError

MAX_ON_DEMAND: Final = 25
DEFAULT_PERIOD: Final = 365
"""Days."""
AHEAD_OF_SCHEDULE: Final = 20 * 60 * 1000
"""Milliseconds before an automatic rotation in which none is made on demand, as ConflictException of the model says."""


def enable_key_rotation(context: Context, request: EnableKeyRotationRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Have the key rotate by itself each so many days, counted from now, also if it did so before."""
    (key,) = keys
    rotates_by_itself(key.head)
    return Done(None, Change((changed(context, key, **scheduled(rotation_period(request), context.now)),)))


def disable_key_rotation(context: Context, _request: DisableKeyRotationRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Have the key rotate no more by itself. Written even if nothing else changes: the proof is used up."""
    (key,) = keys
    rotates_by_itself(key.head)
    return Done(None, Change((changed(context, key, rotation_period=0, rotation_due=0),)))


def rotation_period(request: EnableKeyRotationRequest) -> int:
    """Return the days between two automatic rotations that are asked for."""
    return request.rotation_period_in_days or DEFAULT_PERIOD


def rotate_key_on_demand(context: Context, _request: RotateKeyOnDemandRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Add a version with fresh material; from now on it alone encrypts, and every earlier one still decrypts."""
    (key,) = keys
    head = key.head
    rotates(head)
    if sum(version.kind == "ON_DEMAND" for version in head.versions) >= MAX_ON_DEMAND:
        raise ServiceError(
            "LimitExceededException",
            "The on-demand rotations limit has been reached for the given keyId. "
            f"No more on-demand rotations can be performed for this key: {head.arn}",
        )
    if 0 < head.rotation_due <= context.now + AHEAD_OF_SCHEDULE:
        raise ServiceError(
            "ConflictException",
            f"An automatic rotation of {head.arn} is in progress or scheduled to begin within the next 20 minutes.",
        )
    number = head.newest.number + 1
    token = context.vault.new_token(head.account, head.region, head.key_id, number, head.usage)
    version = new_version(token, number, context.now, "ON_DEMAND")
    tokens = (TokenChange(number, token.domain_key, token.token),)
    change = changed(context, key, tokens=tokens, versions=(*head.versions, version))
    return Done(RotateKeyOnDemandResponse(key_id=head.key_id), Change((change,)))


def list_key_rotations(_context: Context, request: ListKeyRotationsRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List the rotations, oldest first, or every key material."""
    (key,) = keys
    rotates(key.head)
    every = request.include_key_material == "ALL_KEY_MATERIAL"
    versions = [version for version in key.head.versions if every or version.kind != "CREATED"]
    versions, marker = page("ListKeyRotations", versions, request.limit, request.marker)
    rotations = [_rotation(key.head, version) for version in versions]
    return Done(ListKeyRotationsResponse(rotations=rotations, next_marker=marker, truncated=marker is not None))


def get_key_rotation_status(
    _context: Context,
    _request: GetKeyRotationStatusRequest,
    keys: tuple[OpenedKey, ...],
) -> Done:
    """Tell whether the key rotates by itself; while it is pending deletion it does not.

    No rotation on demand is ever in progress: it is done when it is answered. So none is told to have started.
    """
    (key,) = keys
    head = key.head
    if head.state == "PendingImport":
        rotates_by_itself(head)
    if not head.rotation_period:
        return Done(GetKeyRotationStatusResponse(key_id=head.key_id, key_rotation_enabled=False))
    return Done(
        GetKeyRotationStatusResponse(
            key_id=head.key_id,
            key_rotation_enabled=head.state != "PendingDeletion",
            rotation_period_in_days=head.rotation_period,
            next_rotation_date=seconds(head.rotation_due),
        )
    )


def _rotation(head: KeyHead, version: KeyVersion) -> RotationsListEntry:
    return RotationsListEntry(
        key_id=head.key_id,
        key_material_id=version.material_id.hex(),
        key_material_state="CURRENT" if version is head.newest else "NON_CURRENT",
        rotation_date=None if version.kind == "CREATED" else seconds(version.created),
        rotation_type=None if version.kind == "CREATED" else version.kind,
    )
