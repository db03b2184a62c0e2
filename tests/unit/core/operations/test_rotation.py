"""RotateKeyOnDemand, ListKeyRotations and GetKeyRotationStatus."""

import msgspec
import pytest

from keystead.core.records import KeyRecord
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.identifiers import KeyId
from tests.simulators.operations import START, SimulatedService, refused


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A new key."""
    return service.create()


@pytest.mark.requirement("ABS-01", "APICK-05")
def test_rotation_adds_a_version_under_the_same_id(service: SimulatedService, key_id: KeyId) -> None:
    """The first version stays as it was; the second is newest; nothing else of the key changes."""
    before, record = service.head(key_id), service.records[key_id]
    assert service.call("RotateKeyOnDemand", key_id=key_id).key_id == key_id
    after = service.head(key_id)
    assert [version.number for version in after.versions] == [1, 2]
    assert after.versions[0] == before.versions[0]
    assert service.records[key_id].tokens[1] == record.tokens[1]
    kept = msgspec.structs.replace(after, versions=before.versions, generation=1, recent=before.recent)
    assert kept == before


@pytest.mark.requirement("ABS-02", "APICK-06")
def test_every_earlier_version_still_decrypts(service: SimulatedService, key_id: KeyId) -> None:
    """Ciphertexts of all versions open, each with the material that made it."""
    ciphertexts = []
    for _ in range(4):
        ciphertexts.append(service.encrypt(key_id))
        service.call("RotateKeyOnDemand", key_id=key_id)
    for version, ciphertext in zip(service.head(key_id).versions, ciphertexts, strict=False):
        answer = service.call("Decrypt", ciphertext_blob=ciphertext)
        assert answer.plaintext == b"attack at dawn"
        assert answer.key_material_id == version.material_id.hex()


@pytest.mark.requirement("ABS-03", "APICK-06")
def test_only_the_newest_version_encrypts(service: SimulatedService, key_id: KeyId) -> None:
    """Encrypt, GenerateDataKey and ReEncrypt use the version that the last rotation made."""
    old = service.encrypt(key_id)
    service.call("RotateKeyOnDemand", key_id=key_id)
    new = (
        service.encrypt(key_id),
        service.call("GenerateDataKey", key_id=key_id, key_spec="AES_256").ciphertext_blob,
        service.call("GenerateDataKeyWithoutPlaintext", key_id=key_id, key_spec="AES_256").ciphertext_blob,
        service.call("ReEncrypt", ciphertext_blob=old, destination_key_id=key_id).ciphertext_blob,
    )
    assert CiphertextBlob.decode(old).version == 1
    assert {CiphertextBlob.decode(bytes(blob)).version for blob in new} == {2}


@pytest.mark.requirement("ABS-03")
def test_who_hides_the_newest_version_obtains_no_encryption_under_an_older_one(
    service: SimulatedService, key_id: KeyId
) -> None:
    """A hostile repository that returns the first key token only makes encryption fail, and no key is opened."""
    service.call("RotateKeyOnDemand", key_id=key_id)
    record = service.records[key_id]
    service.records[key_id] = KeyRecord(record.head, {1: record.tokens[1]}, record.attachments)
    with pytest.raises(Exception, match="lacks the key token"):
        service.encrypt(key_id)


@pytest.mark.requirement("ABS-04")
def test_versions_hold_different_material(service: SimulatedService, key_id: KeyId) -> None:
    """A ciphertext that is made to name the other version does not open."""
    old = CiphertextBlob.decode(service.encrypt(key_id))
    service.call("RotateKeyOnDemand", key_id=key_id)
    new = CiphertextBlob.decode(service.encrypt(key_id))
    assert len(set(service.vault.materials)) == 2
    assert len({version.material_id for version in service.head(key_id).versions}) == 2
    for blob, other in ((old, 2), (new, 1)):
        with refused("InvalidCiphertextException", None):
            service.decrypt(CiphertextBlob(blob.key_id, other, blob.nonce, blob.sealed).encode())


def test_a_key_can_be_rotated_on_demand_25_times(service: SimulatedService, key_id: KeyId) -> None:
    """The next time the service's limit is told."""
    for _ in range(25):
        service.call("RotateKeyOnDemand", key_id=key_id)
    message = (
        "The on-demand rotations limit has been reached for the given keyId. "
        f"No more on-demand rotations can be performed for this key: {service.head(key_id).arn}"
    )
    with refused("LimitExceededException", message):
        service.call("RotateKeyOnDemand", key_id=key_id)


def test_rotations_are_listed_oldest_first(service: SimulatedService, key_id: KeyId) -> None:
    """Completed rotations, or every material with its state; pages go on where the last one ended."""
    for day in (1, 2):
        service.clock = START + day
        service.call("RotateKeyOnDemand", key_id=key_id)
    first, second, third = service.head(key_id).versions
    answer = service.call("ListKeyRotations", key_id=key_id)
    assert (answer.truncated, answer.next_marker) == (False, None)
    assert [
        (entry.key_id, entry.key_material_id, entry.key_material_state, entry.rotation_date, entry.rotation_type)
        for entry in answer.rotations
    ] == [
        (key_id, second.material_id.hex(), "NON_CURRENT", (START + 1) / 1000, "ON_DEMAND"),
        (key_id, third.material_id.hex(), "CURRENT", (START + 2) / 1000, "ON_DEMAND"),
    ]
    every = service.call("ListKeyRotations", key_id=key_id, include_key_material="ALL_KEY_MATERIAL", limit=2)
    assert [entry.key_material_id for entry in every.rotations] == [first.material_id.hex(), second.material_id.hex()]
    assert every.rotations[0].rotation_date is every.rotations[0].rotation_type is None
    rest = service.call(
        "ListKeyRotations",
        key_id=key_id,
        include_key_material="ALL_KEY_MATERIAL",
        limit=2,
        marker=every.next_marker,
    )
    assert [entry.key_material_id for entry in rest.rotations] == [third.material_id.hex()]
    assert (every.truncated, rest.truncated) == (True, False)


def test_no_key_rotates_by_itself(service: SimulatedService, key_id: KeyId) -> None:
    """The status says so."""
    answer = service.call("GetKeyRotationStatus", key_id=key_id)
    assert answer.present() == ("key_rotation_enabled", "key_id")
    assert (answer.key_id, answer.key_rotation_enabled) == (key_id, False)
