"""The table of operations is complete, fits the service model, and is what the reference pages say."""

import pytest

from keystead.core.keys.states import TABLE
from keystead.core.operations.operation import Operation
from keystead.core.operations.table import OPERATIONS, find
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.errors import ServiceError
from tools.render_operations import REFERENCE, pages

BUILT = {
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "CreateKey",
    "Decapsulate",
    "Decrypt",
    "DeleteAlias",
    "DeriveSharedSecret",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "Keystead.DescribeShredding",
    "Keystead.ShredKey",
    "GetPublicKey",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
    "Verify",
    "VerifyMac",
}
CROSSING = {
    "CreateGrant",
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
    "ListRetirableGrants",
    "ReEncrypt",
    "RetireGrant",
    "RevokeGrant",
    "Sign",
    "Verify",
    "VerifyMac",
}
CHANGING = {
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "CreateKey",
    "DeleteAlias",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Keystead.ShredKey",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
}


def test_every_operation_has_one_row() -> None:
    """What is built is in the table under its own name, and in the service model."""
    assert set(OPERATIONS) == BUILT
    assert set(OPERATIONS) <= set(MODEL)
    assert all(name == row.name for name, row in OPERATIONS.items())


@pytest.mark.parametrize("row", OPERATIONS.values(), ids=OPERATIONS)
def test_a_row_says_what_its_operation_is(row: Operation) -> None:
    """Its request, limits, whether it changes anything, whether it crosses accounts, and its row of states."""
    assert row.request is MODEL[row.name].input
    assert row.body_limit >= 128 * 1024
    assert row.deadline_ms > 0
    assert row.mutates is (row.name in CHANGING)
    assert row.cross_account is (row.name in CROSSING)
    assert not row.judged or row.name in TABLE


@pytest.mark.requirement("APICK-01", "APIENC-01", "APIENC-02", "APIRK-01")
@pytest.mark.parametrize("name", ["CreateKey", "Encrypt", "Decrypt", "ReEncrypt"])
def test_the_operations_of_the_patent_exist(name: str) -> None:
    """By the names that they have in the service."""
    assert find(name).name == name


@pytest.mark.parametrize("name", sorted(MODEL.keys() - BUILT))
def test_what_is_not_built_is_told_as_such(name: str) -> None:
    """An operation of the model is not supported."""
    with pytest.raises(ServiceError) as caught:
        find(name)
    assert (caught.value.code, caught.value.message) == (
        "UnsupportedOperationException",
        f"{name} is not supported.",
    )


def test_what_no_model_has_is_unknown() -> None:
    """Also names that differ in case only."""
    for name in ("encrypt", "Encrypt ", "", "Shred"):
        with pytest.raises(ServiceError) as caught:
            find(name)
        assert caught.value.code == "UnknownOperationException"


@pytest.mark.parametrize("page", pages())
def test_the_reference_pages_are_those_of_the_tables(page: str) -> None:
    """Printed again they are the same: ``python tools/render_operations.py`` writes them."""
    assert (REFERENCE / page).read_text() == pages()[page]
