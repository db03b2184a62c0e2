"""DescribeKey, UpdateKeyDescription, EnableKey, DisableKey, ScheduleKeyDeletion and CancelKeyDeletion."""

from typing import Final

from keystead.core.keys.metadata import metadata, seconds
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed
from keystead.core.operations.checks import in_range
from keystead.core.operations.context import Context, Done
from keystead.core.protocols.aws_json.shapes import (
    CancelKeyDeletionRequest,
    CancelKeyDeletionResponse,
    DescribeKeyRequest,
    DescribeKeyResponse,
    DisableKeyRequest,
    EnableKeyRequest,
    ScheduleKeyDeletionRequest,
    ScheduleKeyDeletionResponse,
    UpdateKeyDescriptionRequest,
)
from keystead.core.records import Change

DAY: Final = 86_400_000
SHORTEST_WINDOW: Final = 7
LONGEST_WINDOW: Final = 30


def describe_key(_context: Context, _request: DescribeKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Tell what the key's head says."""
    (key,) = keys
    return Done(DescribeKeyResponse(key_metadata=metadata(key.head)))


def update_key_description(context: Context, request: UpdateKeyDescriptionRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Replace the description."""
    (key,) = keys
    return Done(None, Change((changed(context, key, description=request.description),)))


def enable_key(context: Context, _request: EnableKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Allow cryptographic use. Written even if nothing else changes: the proof is used up."""
    (key,) = keys
    return Done(None, Change((changed(context, key, state="Enabled"),)))


def disable_key(context: Context, _request: DisableKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Refuse cryptographic use. Written even if nothing else changes: the proof is used up."""
    (key,) = keys
    return Done(None, Change((changed(context, key, state="Disabled"),)))


def schedule_key_deletion(context: Context, request: ScheduleKeyDeletionRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Refuse use from now on and name the day from which the key may be deleted."""
    (key,) = keys
    days = deletion_window(request)
    due = context.now + days * DAY
    change = changed(context, key, state="PendingDeletion", deletion=due, deletion_window=days)
    answer = ScheduleKeyDeletionResponse(
        key_id=key.head.arn, deletion_date=seconds(due), key_state="PendingDeletion", pending_window_in_days=days
    )
    return Done(answer, Change((change,)))


def cancel_key_deletion(context: Context, _request: CancelKeyDeletionRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Keep the key; it is disabled then."""
    (key,) = keys
    change = changed(context, key, state="Disabled", deletion=0, deletion_window=0)
    return Done(CancelKeyDeletionResponse(key_id=key.head.arn), Change((change,)))


def deletion_window(request: ScheduleKeyDeletionRequest) -> int:
    """Return the days to wait before deletion; ValidationException unless 7 to 30."""
    days = request.pending_window_in_days
    if days is None:
        return LONGEST_WINDOW
    return in_range("pendingWindowInDays", days, SHORTEST_WINDOW, LONGEST_WINDOW)
