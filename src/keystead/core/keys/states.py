"""What each state of a key lets each operation do: one table (kms-developer-guide, "Key states of AWS KMS keys").

``docs/reference/key-states.md`` is printed from it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from keystead.core.keys.head import KeyHead
from keystead.core.protocols.aws_json.extension import DESCRIBE_SHREDDING, SHRED_KEY
from keystead.core.protocols.aws_json.shapes import KeyState
from keystead.errors import ServiceError

Verdict: TypeAlias = Literal[
    "ok",
    "disabled",
    "pending deletion",
    "not pending deletion",
    "pending import",
    "unavailable",
    "creating",
    "updating",
]
"""What is said of the key to a caller who may not do this now; ``ok`` if he may."""

STATES: Final[tuple[KeyState, ...]] = (
    "Enabled",
    "Disabled",
    "PendingDeletion",
    "PendingReplicaDeletion",
    "PendingImport",
    "Unavailable",
    "Creating",
    "Updating",
)


def _row(
    disabled: Verdict = "ok",
    pending_deletion: Verdict = "ok",
    pending_import: Verdict = "ok",
    unavailable: Verdict = "ok",
    creating: Verdict = "ok",
    updating: Verdict = "ok",
    enabled: Verdict = "ok",
) -> Mapping[KeyState, Verdict]:
    return MappingProxyType(
        {
            "Enabled": enabled,
            "Disabled": disabled,
            "PendingDeletion": pending_deletion,
            "PendingReplicaDeletion": pending_deletion,
            "PendingImport": pending_import,
            "Unavailable": unavailable,
            "Creating": creating,
            "Updating": updating,
        }
    )


_USE: Final = _row("disabled", "pending deletion", "pending import", "unavailable", "creating")
_SCHEDULE: Final = _row("disabled", "pending deletion", creating="creating")
"""What has imported material, or none at hand, never rotates by itself: the operation says so, in every state."""
_GRANT: Final = _row("disabled", "pending deletion", "pending import", creating="creating")
_READ: Final = _row()
_READ_PUBLIC: Final = _row(pending_deletion="pending deletion", creating="creating")
_CHANGE: Final = _row(pending_deletion="pending deletion")
_SWITCH: Final = _row("ok", "pending deletion", "pending import", "ok", "creating", "updating")
_CANCEL: Final = _row(
    enabled="not pending deletion",
    disabled="not pending deletion",
    pending_import="not pending deletion",
    unavailable="not pending deletion",
    creating="not pending deletion",
    updating="not pending deletion",
)

TABLE: Final[Mapping[str, Mapping[KeyState, Verdict]]] = MappingProxyType(
    {
        "CancelKeyDeletion": _CANCEL,
        DESCRIBE_SHREDDING: _READ,
        SHRED_KEY: _READ,
        "CreateAlias": _CHANGE,
        "CreateGrant": _GRANT,
        "Decapsulate": _USE,
        "Decrypt": _USE,
        "DeleteAlias": _READ,
        "DeriveSharedSecret": _USE,
        "DescribeKey": _READ,
        "DisableKey": _SWITCH,
        "DisableKeyRotation": _SCHEDULE,
        "EnableKey": _SWITCH,
        "EnableKeyRotation": _SCHEDULE,
        "Encapsulate": _USE,
        "Encrypt": _USE,
        "GenerateDataKey": _USE,
        "GenerateDataKeyPair": _USE,
        "GenerateDataKeyPairWithoutPlaintext": _USE,
        "GenerateDataKeyWithoutPlaintext": _USE,
        "GenerateMac": _USE,
        "GetKeyPolicy": _READ,
        "GetKeyRotationStatus": _READ,
        "GetPublicKey": _READ_PUBLIC,
        "ListAliases": _READ,
        "ListGrants": _READ,
        "ListKeyPolicies": _READ,
        "ListKeyRotations": _READ,
        "ListResourceTags": _READ,
        "PutKeyPolicy": _READ,
        "ReEncrypt": _USE,
        "RetireGrant": _READ,
        "RevokeGrant": _READ,
        "RotateKeyOnDemand": _USE,
        "ScheduleKeyDeletion": _row(pending_deletion="pending deletion", updating="updating"),
        "Sign": _USE,
        "TagResource": _CHANGE,
        "UntagResource": _CHANGE,
        "UpdateAlias": _CHANGE,
        "UpdateKeyDescription": _CHANGE,
        "Verify": _USE,
        "VerifyMac": _USE,
    }
)
"""Verdict by operation and state, for every operation on a key. Of UpdateAlias it is the new target that is judged."""


def admit(head: KeyHead, operation: str) -> None:
    """Let an operation on this key pass if its state allows it.

    A key that is suspended counts as disabled.

    Raises:
        ServiceError: DisabledException or KMSInvalidStateException with the service's words.
    """
    verdict = TABLE[operation][effective_state(head)]
    if verdict == "ok":
        return
    code = "DisabledException" if verdict == "disabled" else "KMSInvalidStateException"
    replicas = head.state == "PendingReplicaDeletion" and verdict == "pending deletion"
    words = "pending replica deletion" if replicas else verdict
    raise ServiceError(code, f"{head.arn} is {words}.")


def is_gone(head: KeyHead, now: int) -> bool:
    """Whether the key exists for nobody any more: it was marked to be shredded, or the day of its deletion has come."""
    return head.shredded > 0 or 0 < head.deletion <= now


def effective_state(head: KeyHead) -> KeyState:
    """Return the state that counts, marks included."""
    if head.suspended and head.state == "Enabled":
        return "Disabled"
    return head.state
