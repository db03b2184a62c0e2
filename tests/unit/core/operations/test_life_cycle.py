"""UpdateKeyDescription, EnableKey, DisableKey, ScheduleKeyDeletion and CancelKeyDeletion."""

import pytest

from keystead.identifiers import KeyId
from tests.simulators.operations import START, SimulatedService, refused

DAY = 86_400


@pytest.fixture
def service() -> SimulatedService:
    """A service with one key, ``key_id``."""
    return SimulatedService()


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A new key."""
    return service.create()


def test_a_disabled_key_is_of_no_use_until_it_is_enabled(service: SimulatedService, key_id: KeyId) -> None:
    """Neither encryption nor decryption; afterwards all is as before."""
    ciphertext = service.encrypt(key_id)
    assert service.call("DisableKey", key_id=key_id) is None
    told = service.call("DescribeKey", key_id=key_id).key_metadata
    assert (told.enabled, told.key_state) == (False, "Disabled")
    message = f"{told.arn} is disabled."
    with refused("DisabledException", message):
        service.encrypt(key_id)
    with refused("DisabledException", message):
        service.decrypt(ciphertext)
    assert service.call("EnableKey", key_id=key_id) is None
    assert service.decrypt(ciphertext) == b"attack at dawn"


def test_switching_twice_succeeds_and_counts(service: SimulatedService, key_id: KeyId) -> None:
    """A request that finds the key as it wants it is remembered like any other: its proof is used up."""
    service.call("EnableKey", key_id=key_id)
    for operation, state in (("DisableKey", "Disabled"), ("DisableKey", "Disabled"), ("EnableKey", "Enabled")):
        service.call(operation, key_id=key_id)
        assert service.head(key_id).state == state
    assert service.head(key_id).generation == 5
    assert len(service.head(key_id).recent) == 5


@pytest.mark.parametrize(("asked", "days"), [(None, 30), (7, 7), (30, 30)])
def test_deletion_waits_for_days(service: SimulatedService, key_id: KeyId, asked: int | None, days: int) -> None:
    """The answer tells when; the key cannot be used from now on."""
    answer = service.call("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=asked)
    due = START / 1000 + days * DAY
    told = service.call("DescribeKey", key_id=key_id).key_metadata
    assert (answer.key_id, answer.deletion_date) == (told.arn, due)
    assert (answer.key_state, answer.pending_window_in_days) == ("PendingDeletion", days)
    assert (told.key_state, told.enabled, told.deletion_date) == ("PendingDeletion", False, due)
    assert told.pending_deletion_window_in_days is None
    pending = f"{told.arn} is pending deletion."
    with refused("KMSInvalidStateException", pending):
        service.encrypt(key_id)
    with refused("KMSInvalidStateException", pending):
        service.call("ScheduleKeyDeletion", key_id=key_id)


@pytest.mark.parametrize(("days", "bound"), [(6, "greater than or equal to 7"), (31, "less than or equal to 30")])
def test_a_window_outside_of_the_allowed_days_is_refused(
    service: SimulatedService, key_id: KeyId, days: int, bound: str
) -> None:
    """In the words of model constraints."""
    message = (
        f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' "
        f"failed to satisfy constraint: Member must have value {bound}"
    )
    with refused("ValidationException", message):
        service.call("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=days)


def test_a_deletion_that_is_cancelled_leaves_the_key_disabled(service: SimulatedService, key_id: KeyId) -> None:
    """Whatever it was before; what it encrypted is not lost."""
    ciphertext = service.encrypt(key_id)
    service.call("ScheduleKeyDeletion", key_id=key_id)
    assert service.call("CancelKeyDeletion", key_id=key_id).key_id == service.head(key_id).arn
    told = service.call("DescribeKey", key_id=key_id).key_metadata
    assert (told.key_state, told.deletion_date) == ("Disabled", None)
    service.call("EnableKey", key_id=key_id)
    assert service.decrypt(ciphertext) == b"attack at dawn"
    with refused("KMSInvalidStateException", f"{told.arn} is not pending deletion."):
        service.call("CancelKeyDeletion", key_id=key_id)


def test_a_description_is_replaced(service: SimulatedService, key_id: KeyId) -> None:
    """Also by none."""
    for description in ("first", "second", ""):
        assert service.call("UpdateKeyDescription", key_id=key_id, description=description) is None
        assert service.call("DescribeKey", key_id=key_id).key_metadata.description == description


def test_every_change_is_one_generation(service: SimulatedService, key_id: KeyId) -> None:
    """Generations are in every head from the start and never stand still."""
    assert service.head(key_id).generation == 1
    for generation in (2, 3, 4):
        service.call("UpdateKeyDescription", key_id=key_id, description=str(generation))
        assert service.head(key_id).generation == generation
