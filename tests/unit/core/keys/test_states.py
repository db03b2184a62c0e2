"""Which state lets which operation pass: the service's own table, row by row."""

import msgspec
import pytest

from keystead.core.keys.head import KeyHead
from keystead.core.keys.states import STATES, TABLE, admit, effective_state
from keystead.core.protocols.aws_json.shapes import KeyState
from keystead.errors import ServiceError
from tests.simulators.operations import SimulatedService, refused

USES = (
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "RotateKeyOnDemand",
    "Sign",
    "Verify",
    "VerifyMac",
)
READINGS = (
    "DeleteAlias",
    "DescribeKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    "Keystead.DescribeShredding",
    "Keystead.ShredKey",
)
CHANGES = ("CreateAlias", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription")
SWITCHES = ("DisableKey", "EnableKey")
SCHEDULES = ("DisableKeyRotation", "EnableKeyRotation")

# In the order of STATES: Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport, Unavailable,
# Creating, Updating. A dot passes; otherwise the words that the caller reads after "<arn> is".
PENDING = ("pending deletion", "pending replica deletion")
EXPECTED = {
    "CreateGrant": (".", "disabled", *PENDING, "pending import", ".", "creating", "."),
    **dict.fromkeys(USES, (".", "disabled", *PENDING, "pending import", "unavailable", "creating", ".")),
    **dict.fromkeys(READINGS, (".",) * 8),
    **dict.fromkeys(CHANGES, (".", ".", *PENDING, ".", ".", ".", ".")),
    **dict.fromkeys(SWITCHES, (".", ".", *PENDING, "pending import", ".", "creating", "updating")),
    **dict.fromkeys(SCHEDULES, (".", "disabled", *PENDING, ".", ".", "creating", ".")),
    "GetPublicKey": (".", ".", *PENDING, ".", ".", "creating", "."),
    "ScheduleKeyDeletion": (".", ".", *PENDING, ".", ".", ".", "updating"),
    "CancelKeyDeletion": (*("not pending deletion",) * 2, ".", ".", *("not pending deletion",) * 4),
}
CASES = [
    (operation, state, words) for operation, row in EXPECTED.items() for state, words in zip(STATES, row, strict=True)
]


@pytest.fixture(scope="module")
def enabled() -> KeyHead:
    """The head of a new key."""
    service = SimulatedService()
    return service.head(service.create())


def test_the_table_has_no_row_that_is_not_expected() -> None:
    """Every row is checked below."""
    assert set(EXPECTED) == set(TABLE)


@pytest.mark.parametrize(("operation", "state", "words"), CASES)
def test_each_state_lets_each_operation_pass_or_says_why_not(
    enabled: KeyHead, operation: str, state: KeyState, words: str
) -> None:
    """One cell of the table, with the error and the very words of the service."""
    head = msgspec.structs.replace(enabled, state=state)
    if words == ".":
        admit(head, operation)
    else:
        code = "DisabledException" if words == "disabled" else "KMSInvalidStateException"
        with refused(code, f"{head.arn} is {words}."):
            admit(head, operation)


def test_a_suspended_key_counts_as_disabled(enabled: KeyHead) -> None:
    """Every use of it is refused; a key pending deletion stays what it is."""
    head = msgspec.structs.replace(enabled, suspended=True)
    assert effective_state(head) == "Disabled"
    with pytest.raises(ServiceError, match="is disabled"):
        admit(head, "Encrypt")
    pending = msgspec.structs.replace(head, state="PendingDeletion", deletion=1)
    assert effective_state(pending) == "PendingDeletion"
