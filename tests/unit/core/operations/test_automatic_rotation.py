"""EnableKeyRotation and DisableKeyRotation, and what is told and done once a key rotates by itself."""

from typing import Any

import msgspec
import pytest

from keystead.core.keys.automatic_rotation import DAY, rotated
from keystead.core.keys.head import encode
from keystead.core.operations.rotation import AHEAD_OF_SCHEDULE
from keystead.core.records import KeyRecord
from keystead.errors import RotationNotDue
from keystead.identifiers import KeyId
from tests.simulators.operations import OTHER_ACCOUNT, START, SimulatedService, refused

PERIOD = 90
OPERATIONS = ("EnableKeyRotation", "DisableKeyRotation")


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A key that rotates every 90 days."""
    key_id = service.create()
    service.call("EnableKeyRotation", key_id=key_id, rotation_period_in_days=PERIOD)
    return key_id


def rotate(service: SimulatedService, key_id: KeyId) -> bool:
    """Whether the key is due, and has been rotated."""
    try:
        service.apply(rotated(service.vault, service.open(service.records[key_id]), service.clock))
    except RotationNotDue:
        return False
    return True


def rewrite(service: SimulatedService, key_id: KeyId, **fields: Any) -> None:
    """Change fields of the head as no operation does."""
    record, head = service.records[key_id], msgspec.structs.replace(service.head(key_id), **fields)
    service.records[key_id] = KeyRecord(service.vault.seal_head(encode(head)).head, record.tokens, record.attachments)


def test_a_key_rotates_after_365_days_unless_another_period_is_named(service: SimulatedService) -> None:
    """The days count from the moment on that it was asked, also when it was asked before."""
    key_id = service.create()
    service.clock += 7
    for asked, days in ((None, 365), (90, 90), (2560, 2560), (None, 365)):
        service.clock += DAY
        assert service.call("EnableKeyRotation", key_id=key_id, rotation_period_in_days=asked) is None
        told = service.call("GetKeyRotationStatus", key_id=key_id)
        assert (told.key_rotation_enabled, told.rotation_period_in_days) == (True, days)
        assert told.next_rotation_date == (service.clock + days * DAY) / 1000
        assert told.on_demand_rotation_start_date is None


def test_a_key_stops_to_rotate_by_itself(service: SimulatedService, key_id: KeyId) -> None:
    """Neither period nor date is told any more, and its day comes and goes."""
    assert service.call("DisableKeyRotation", key_id=key_id) is None
    assert service.call("GetKeyRotationStatus", key_id=key_id).present() == ("key_rotation_enabled", "key_id")
    service.clock += PERIOD * DAY
    assert not rotate(service, key_id)
    service.call("DisableKeyRotation", key_id=key_id)


def test_a_key_gets_a_new_version_on_its_day(service: SimulatedService, key_id: KeyId) -> None:
    """Not a millisecond before; the new version encrypts, the old one decrypts, and nothing else of the key changes."""
    old = service.encrypt(key_id)
    service.clock += PERIOD * DAY - 1
    assert not rotate(service, key_id)
    before = service.head(key_id)
    service.clock += 1
    assert rotate(service, key_id)
    after = service.head(key_id)
    assert after.versions[0] == before.versions[0]
    assert (after.newest.number, after.newest.kind, after.newest.created) == (2, "AUTOMATIC", service.clock)
    assert after.generation == before.generation + 1
    kept = msgspec.structs.replace(
        after, versions=before.versions, generation=before.generation, rotation_due=before.rotation_due
    )
    assert kept == before
    assert service.decrypt(old) == b"attack at dawn"
    new = service.call("Decrypt", ciphertext_blob=service.encrypt(key_id))
    assert new.key_material_id == after.newest.material_id.hex()
    (told,) = service.call("ListKeyRotations", key_id=key_id).rotations
    assert (told.rotation_type, told.rotation_date, told.key_material_state) == (
        "AUTOMATIC",
        service.clock / 1000,
        "CURRENT",
    )


def test_no_day_rotates_a_key_twice(service: SimulatedService, key_id: KeyId) -> None:
    """Whoever asks again, and wherever the clock jumps; a change from the head before is no longer taken."""
    service.clock += PERIOD * DAY
    again = rotated(service.vault, service.open(service.records[key_id]), service.clock)
    assert rotate(service, key_id)
    with pytest.raises(Exception, match=key_id):
        service.apply(again)
    for jump in (0, -PERIOD * DAY, PERIOD * DAY, PERIOD * DAY - 1):
        service.clock += jump
        assert not rotate(service, key_id)
    service.clock += 1
    assert rotate(service, key_id)


@pytest.mark.parametrize(
    ("late", "next_day"),
    [(0, 2 * PERIOD), (1, 2 * PERIOD), (PERIOD - 1, 2 * PERIOD), (PERIOD, 3 * PERIOD), (1000, 2 * PERIOD + 1000)],
)
def test_the_next_day_is_a_period_after_the_last_one(
    service: SimulatedService, key_id: KeyId, late: int, next_day: int
) -> None:
    """However late the rotation is; a period from now if that day is over as well, so that it is one rotation."""
    service.clock += (PERIOD + late) * DAY
    assert rotate(service, key_id)
    assert service.head(key_id).rotation_due == START + next_day * DAY
    assert not rotate(service, key_id)


def test_a_key_that_is_disabled_rotates_when_it_is_enabled_again(service: SimulatedService, key_id: KeyId) -> None:
    """Its settings stay, and a day that passed meanwhile is made good at once."""
    service.call("DisableKey", key_id=key_id)
    service.clock += 2 * PERIOD * DAY
    assert not rotate(service, key_id)
    assert service.call("GetKeyRotationStatus", key_id=key_id).key_rotation_enabled is True
    service.call("EnableKey", key_id=key_id)
    assert rotate(service, key_id)
    assert service.head(key_id).rotation_due == service.clock + PERIOD * DAY


def test_a_key_pending_deletion_does_not_rotate_until_that_is_cancelled(
    service: SimulatedService, key_id: KeyId
) -> None:
    """The status is false meanwhile, then what it was."""
    service.clock += (PERIOD - 1) * DAY
    service.call("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=7)
    service.clock += DAY
    assert not rotate(service, key_id)
    assert service.call("GetKeyRotationStatus", key_id=key_id).key_rotation_enabled is False
    service.call("CancelKeyDeletion", key_id=key_id)
    assert service.call("GetKeyRotationStatus", key_id=key_id).key_rotation_enabled is True
    assert not rotate(service, key_id)
    service.call("EnableKey", key_id=key_id)
    assert rotate(service, key_id)


@pytest.mark.parametrize("mark", [{"suspended": True}, {"shredded": START}])
def test_a_key_that_is_marked_does_not_rotate(service: SimulatedService, key_id: KeyId, mark: dict[str, Any]) -> None:
    """Whether it is to be shredded, or suspended."""
    service.clock += PERIOD * DAY
    rewrite(service, key_id, **mark)
    assert not rotate(service, key_id)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "members",
    [
        {"key_spec": "HMAC_256", "key_usage": "GENERATE_VERIFY_MAC"},
        {"key_spec": "ECC_NIST_P256", "key_usage": "SIGN_VERIFY"},
    ],
    ids=["HMAC", "ECC"],
)
def test_only_keys_for_symmetric_encryption_rotate(
    service: SimulatedService, operation: str, members: dict[str, Any]
) -> None:
    """Others are refused without a word."""
    key_id = service.create(**members)
    with refused("UnsupportedOperationException", None):
        service.call(operation, key_id=key_id)


@pytest.mark.parametrize("operation", [*OPERATIONS, "GetKeyRotationStatus"])
def test_a_key_whose_material_is_imported_does_not_rotate_by_itself(service: SimulatedService, operation: str) -> None:
    """Nor does one of a key store: it is told by its origin, in a state in which it has no material too."""
    key_id = service.create()
    rewrite(service, key_id, origin="EXTERNAL", state="PendingImport")
    message = f"{service.head(key_id).arn} origin is EXTERNAL which is not valid for this operation."
    with refused("UnsupportedOperationException", message):
        service.call(operation, key_id=key_id)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_may_not_be_changed_is_not(service: SimulatedService, key_id: KeyId, operation: str) -> None:
    """A key of another account, named by an alias, disabled, or pending deletion."""
    arn = service.head(key_id).arn
    with refused("AccessDeniedException"):
        service.call(operation, OTHER_ACCOUNT, key_id=arn)
    service.call("CreateAlias", alias_name="alias/a", target_key_id=key_id)
    with refused("NotFoundException", "Invalid keyId 'alias/a'"):
        service.call(operation, key_id="alias/a")
    service.call("DisableKey", key_id=key_id)
    with refused("DisabledException", f"{arn} is disabled."):
        service.call(operation, key_id=key_id)
    service.call("ScheduleKeyDeletion", key_id=key_id)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        service.call(operation, key_id=key_id)
    service.judge.denied.add(f"kms:{operation}")
    with refused("AccessDeniedException"):
        service.call(operation, key_id=key_id)


def test_a_policy_may_ask_for_the_period(service: SimulatedService, key_id: KeyId) -> None:
    """The one that is asked for, or the default."""
    for asked, told in ((100, "100"), (None, "365")):
        service.call("EnableKeyRotation", key_id=key_id, rotation_period_in_days=asked)
        assert service.judge.asked[-1].conditions()["kms:rotationperiodindays"] == told


def test_a_rotation_on_demand_does_not_change_the_schedule(service: SimulatedService, key_id: KeyId) -> None:
    """And does not count: 25 are made on demand, whatever was made by itself."""
    service.clock += PERIOD * DAY
    assert rotate(service, key_id)
    due = service.head(key_id).rotation_due
    for _ in range(25):
        service.call("RotateKeyOnDemand", key_id=key_id)
    assert service.head(key_id).rotation_due == due
    with refused("LimitExceededException"):
        service.call("RotateKeyOnDemand", key_id=key_id)
    service.clock = due
    assert rotate(service, key_id)


@pytest.mark.parametrize(
    ("before", "conflict"), [(AHEAD_OF_SCHEDULE + 1, False), (AHEAD_OF_SCHEDULE, True), (-DAY, True)]
)
def test_none_is_made_on_demand_just_before_the_day(
    service: SimulatedService,
    key_id: KeyId,
    before: int,
    conflict: bool,  # noqa: FBT001, a column
) -> None:
    """Twenty minutes before, and until the one that is due was made."""
    service.clock += PERIOD * DAY - before
    if not conflict:
        service.call("RotateKeyOnDemand", key_id=key_id)
        return
    message = (
        f"An automatic rotation of {service.head(key_id).arn} is in progress or scheduled to begin within the next "
        "20 minutes."
    )
    with refused("ConflictException", message):
        service.call("RotateKeyOnDemand", key_id=key_id)
    service.clock = service.head(key_id).rotation_due
    assert rotate(service, key_id)
    service.call("RotateKeyOnDemand", key_id=key_id)
