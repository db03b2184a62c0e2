"""Automatic rotation by boto3: what is set is told, and what cannot rotate is refused as the model says."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.slow

MINUTES = timedelta(minutes=5)
"""How far clocks may differ."""


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    """Return the name of the error that a call ends with, and its message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


@pytest.fixture
def key(kms: Any) -> dict[str, Any]:
    """Return the metadata of a new key."""
    metadata: dict[str, Any] = kms.create_key()["KeyMetadata"]
    return metadata


def test_the_period_is_told_until_rotation_is_disabled(kms: Any, key: dict[str, Any]) -> None:
    """The default is 365 days; enabling it again changes the period and the day."""
    name = key["KeyId"]
    assert kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"] is False
    for members, days in (({}, 365), ({"RotationPeriodInDays": 90}, 90), ({"RotationPeriodInDays": 2560}, 2560)):
        kms.enable_key_rotation(KeyId=key["Arn"], **members)
        told = kms.get_key_rotation_status(KeyId=name)
        assert (told["KeyId"], told["KeyRotationEnabled"], told["RotationPeriodInDays"]) == (name, True, days)
        assert abs(told["NextRotationDate"] - key["CreationDate"] - timedelta(days=days)) < MINUTES
        assert "OnDemandRotationStartDate" not in told
    kms.disable_key_rotation(KeyId=name)
    told = kms.get_key_rotation_status(KeyId=name)
    assert told["KeyRotationEnabled"] is False
    assert "NextRotationDate" not in told
    assert kms.list_key_rotations(KeyId=name)["Rotations"] == []


def test_the_period_has_bounds(kms: Any, key: dict[str, Any]) -> None:
    """In the service's words."""
    clause = "Value '2561' at 'rotationPeriodInDays' failed to satisfy constraint"
    message = f"1 validation error detected: {clause}: Member must have value less than or equal to 2560"
    told = refusal(kms.enable_key_rotation, KeyId=key["KeyId"], RotationPeriodInDays=2561)
    assert told == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["enable_key_rotation", "disable_key_rotation"])
def test_what_may_not_rotate_is_refused(kms: Any, key: dict[str, Any], operation: str) -> None:
    """Other kinds of keys, a key that is disabled, one pending deletion, and one that is not there."""
    call, name, arn = getattr(kms, operation), key["KeyId"], key["Arn"]
    other = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    assert refusal(call, KeyId=other)[0] == "UnsupportedOperationException"
    kms.disable_key(KeyId=name)
    assert refusal(call, KeyId=name) == ("DisabledException", f"{arn} is disabled.")
    kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    assert refusal(call, KeyId=name) == ("KMSInvalidStateException", f"{arn} is pending deletion.")
    assert refusal(call, KeyId="867f5ebb-d842-8939-a284-749b636cee34")[0] == "NotFoundException"
    assert refusal(call, KeyId="arn:aws:kms")[0] in {"InvalidArnException", "NotFoundException"}


def test_a_rotation_on_demand_leaves_the_day_alone(kms: Any, key: dict[str, Any]) -> None:
    """And is listed as what it is; while the key is pending deletion it rotates no more by itself."""
    name = key["KeyId"]
    kms.enable_key_rotation(KeyId=name)
    day = kms.get_key_rotation_status(KeyId=name)["NextRotationDate"]
    kms.rotate_key_on_demand(KeyId=name)
    assert kms.get_key_rotation_status(KeyId=name)["NextRotationDate"] == day
    assert [one["RotationType"] for one in kms.list_key_rotations(KeyId=name)["Rotations"]] == ["ON_DEMAND"]
    kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    assert kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"] is False
    kms.cancel_key_deletion(KeyId=name)
    assert kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"] is True
