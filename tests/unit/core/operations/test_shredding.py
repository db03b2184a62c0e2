"""The end of a key: marked for good, gone for every other operation, complete when nobody can open it any more."""

from typing import Any

import pytest
from msgspec.structs import replace

from keystead.core.domain.state import DomainKeyEntry, DomainState, DroppedKey, Fate, Standing
from keystead.core.keys.head import encode
from keystead.core.operations.table import OPERATIONS
from keystead.core.protocols.aws_json.extension import DESCRIBE_SHREDDING, SHRED_KEY
from keystead.core.records import KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import KeyId
from keystead.primitives.digest import sha256
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, START, SimulatedService, refused


@pytest.fixture
def service() -> SimulatedService:
    """A service in memory."""
    return SimulatedService()


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A key with an alias."""
    key_id = service.create()
    service.call("CreateAlias", alias_name="alias/payroll", target_key_id=key_id)
    return key_id


def shred(service: SimulatedService, key_id: str) -> Any:
    """Shred a key."""
    return service.call(SHRED_KEY, key_id=key_id)


def described(service: SimulatedService, key_id: str) -> Any:
    """Ask how far the end of a key is."""
    return service.call(DESCRIBE_SHREDDING, key_id=key_id)


def retired(domain: DomainState) -> DomainState:
    """Return the domain with its domain key retired."""
    (entry,) = domain.domain_keys
    return replace(domain, version=3, domain_keys=(replace(entry, standing=Standing.RETIRED),))


def dropped(domain: DomainState, fate: Fate = Fate.RENEWED) -> DomainState:
    """Return the domain with its domain key dropped, and this fate of the key that it was sealed to."""
    (entry,) = domain.domain_keys
    (holder,) = domain.holders
    gone = replace(holder, fate=fate, until=0 if fate is Fate.HOLDS else 4)
    return replace(domain, version=4, domain_keys=(), dropped=(DroppedKey(entry.id, entry.since, 4),), holders=(gone,))


@pytest.mark.requirement("APISH-01", "CONS-20", "CONS-21")
def test_a_key_is_shredded_by_an_api_call(service: SimulatedService, key_id: KeyId) -> None:
    """It is marked in its sealed head, with the time, and told to be pending."""
    answer = shred(service, key_id)
    assert answer.shredding_status == "SHRED_PENDING"
    assert answer.key_id == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}"
    assert service.head(key_id).shredded == START
    assert service.judge.permissions[-1] == ("keystead:ShredKey", answer.key_id)


USES: dict[str, dict[str, Any]] = {
    "CancelKeyDeletion": {},
    "DescribeKey": {},
    "DisableKey": {},
    "EnableKey": {},
    "Encrypt": {"plaintext": b"x"},
    "GenerateDataKey": {"key_spec": "AES_256"},
    "GetKeyPolicy": {},
    "ListAliases": {},
    "ListResourceTags": {},
    "RotateKeyOnDemand": {},
    "ScheduleKeyDeletion": {},
}


@pytest.mark.requirement("APISH-02", "APISH-06")
@pytest.mark.parametrize("operation", USES)
def test_a_shredded_key_does_not_exist_for_any_other_operation(
    service: SimulatedService, key_id: KeyId, operation: str
) -> None:
    """From the call on, as if it had never been."""
    shred(service, key_id)
    with refused("NotFoundException", f"Key 'arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}' does not exist"):
        service.call(operation, key_id=key_id, **USES[operation])


@pytest.mark.requirement("APISH-02", "APISH-06")
def test_what_was_encrypted_cannot_be_decrypted_any_more(service: SimulatedService, key_id: KeyId) -> None:
    """The answer is that of a ciphertext of no key."""
    ciphertext = service.encrypt(key_id)
    shred(service, key_id)
    with refused("AccessDeniedException"):
        service.decrypt(ciphertext)


def test_only_two_operations_know_a_shredded_key() -> None:
    """To ask how far it is, and to ask for it again."""
    assert {name for name, row in OPERATIONS.items() if row.of_ended_keys} == {SHRED_KEY, DESCRIBE_SHREDDING}


def test_its_names_are_free_and_lists_leave_it_out(service: SimulatedService, key_id: KeyId) -> None:
    """Another key can take its alias; the key itself never comes back."""
    other = service.create()
    shred(service, key_id)
    assert [entry.key_id for entry in service.call("ListKeys").keys] == [other]
    assert service.call("ListAliases").aliases == []
    service.call("CreateAlias", alias_name="alias/payroll", target_key_id=other)
    assert service.call("DescribeKey", key_id="alias/payroll").key_metadata.key_id == other


def test_shredding_again_changes_nothing(service: SimulatedService, key_id: KeyId) -> None:
    """The time stays that of the first call."""
    shred(service, key_id)
    service.clock += 1_000
    shred(service, key_id)
    assert service.head(key_id).shredded == START


@pytest.mark.parametrize("operation", ["DisableKey", "ScheduleKeyDeletion"])
def test_a_key_is_shredded_whatever_its_state(service: SimulatedService, key_id: KeyId, operation: str) -> None:
    """A key that is disabled or waits for its deletion too."""
    service.call(operation, key_id=key_id)
    shred(service, key_id)
    assert described(service, key_id).shredding_status == "SHRED_PENDING"


def test_nobody_shreds_what_he_may_not(service: SimulatedService, key_id: KeyId) -> None:
    """The permission is one of its own, and does not reach into other accounts."""
    service.judge.denied.add("keystead:ShredKey")
    with refused("AccessDeniedException"):
        shred(service, key_id)
    with refused("AccessDeniedException"):
        service.call(SHRED_KEY, OTHER_ACCOUNT, key_id=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}")
    assert not service.head(key_id).shredded
    with refused("NotFoundException"):
        shred(service, "12345678-1234-1234-1234-123456789012")


@pytest.mark.requirement("P21-19", "P21-20", "CONS-25")
@pytest.mark.parametrize(
    ("fate", "status"),
    [
        (Fate.HOLDS, "SHRED_PENDING"),
        (Fate.RENEWED, "SHRED_COMPLETE"),
        (Fate.OUTSTANDING, "SHRED_PENDING"),
        (Fate.DESTROYED, "SHRED_COMPLETE"),
    ],
)
def test_shredding_is_complete_when_nobody_can_have_the_domain_key(
    service: SimulatedService, key_id: KeyId, fate: Fate, status: str
) -> None:
    """Pending while the domain key is active or retired; then it depends on who had it."""
    assert described(service, key_id).shredding_status == "NONE"
    shred(service, key_id)
    before = described(service, key_id)
    assert (before.shredding_status, before.materials[0].domain_key_status) == ("SHRED_PENDING", "ACTIVE")
    service.domain = retired(service.domain)
    during = described(service, key_id)
    assert (during.shredding_status, during.materials[0].domain_key_status) == ("SHRED_PENDING", "RETIRED")
    (entry,) = service.domain.domain_keys
    service.domain = dropped(service.domain, fate)
    after = described(service, key_id)
    assert after.shredding_status == status
    assert after.marked_date == START / 1000
    assert after.domain_version == 4
    (material,) = after.materials
    assert (material.domain_key_id, material.domain_key_status) == (entry.id.hex(), "DROPPED")
    assert material.dropped_in_version == 4
    assert [(one.root_slot, one.fate) for one in after.holders] == [("FILE", fate.name)]


def test_each_material_of_a_key_is_told(service: SimulatedService, key_id: KeyId) -> None:
    """A key that was rotated has several, and none may be forgotten."""
    service.call("RotateKeyOnDemand", key_id=key_id)
    shred(service, key_id)
    assert len(described(service, key_id).materials) == 2
    record = service.records[key_id]
    service.tamper = lambda records: (type(record)(record.head, {1: record.tokens[1]}, record.attachments),)
    with pytest.raises(RecordError):
        described(service, key_id)


@pytest.mark.requirement("CONS-25", "P21-19")
def test_a_domain_key_under_which_the_material_rested_before_is_waited_for(
    service: SimulatedService, key_id: KeyId
) -> None:
    """Copies from before it was sealed anew open with that one: complete only when it is gone too, with its holders."""
    shred(service, key_id)
    domain = service.domain
    (entry,) = domain.domain_keys
    (holder,) = domain.holders
    later = DomainKeyEntry(bytes(15) + b"l", bytes(32), entry.since + 1)
    other = replace(holder, sealing=bytes(32), since=entry.since, until=entry.since + 1, fate=Fate.OUTSTANDING)
    record = service.records[key_id]
    moved = record.tokens[1][:2] + later.id + record.tokens[1][18:]
    (version,) = service.head(key_id).versions
    head = replace(service.head(key_id), versions=(replace(version, token=sha256(moved)),))
    service.records[key_id] = KeyRecord(service.vault.seal_head(encode(head)).head, {1: moved}, record.attachments)
    gone = DroppedKey(later.id, later.since, 9)
    renewed = replace(holder, fate=Fate.RENEWED, until=9)
    service.domain = replace(domain, version=9, dropped=(gone,), holders=(other, renewed))
    first = described(service, key_id)
    assert (first.shredding_status, first.awaited_domain_keys) == ("SHRED_PENDING", [entry.id.hex()])
    assert first.materials[0].domain_key_status == "DROPPED"
    both = (gone, DroppedKey(entry.id, entry.since, 10))
    service.domain = replace(domain, version=10, domain_keys=(), dropped=both, holders=(other, renewed))
    assert described(service, key_id).shredding_status == "SHRED_PENDING"
    service.domain = replace(service.domain, holders=(replace(other, fate=Fate.DESTROYED), renewed))
    assert described(service, key_id).shredding_status == "SHRED_COMPLETE"


@pytest.mark.requirement("APISH-06")
@pytest.mark.parametrize("operation", USES)
def test_a_key_whose_deletion_is_due_does_not_exist(service: SimulatedService, key_id: KeyId, operation: str) -> None:
    """From the very millisecond that its sealed head names, whoever marks it later."""
    service.call("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=7)
    service.clock = service.head(key_id).deletion - 1
    assert service.call("DescribeKey", key_id=key_id).key_metadata.key_state == "PendingDeletion"
    service.clock += 1
    with refused("NotFoundException"):
        service.call(operation, key_id=key_id, **USES[operation])
    assert service.call("ListKeys").keys == []
    assert service.call("ListAliases").aliases == []


def test_a_domain_key_that_the_domain_never_had_is_not_believed(service: SimulatedService, key_id: KeyId) -> None:
    """Nothing is said of a record that does not belong to this domain."""
    shred(service, key_id)
    service.domain = replace(service.domain, domain_keys=())
    with pytest.raises(RecordError, match="never had"):
        described(service, key_id)
