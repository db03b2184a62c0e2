"""GenerateDataKey, GenerateDataKeyWithoutPlaintext and GenerateRandom."""

from typing import Any

import pytest

from keystead.core.records import KeyRecord
from keystead.errors import RecordError
from tests.simulators.operations import SimulatedService, refused

EITHER = "Please specify either number of bytes or key spec."
DATA_KEYS = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
SIZES = {
    "AES-128": ({"key_spec": "AES_128"}, 16),
    "AES-256": ({"key_spec": "AES_256"}, 32),
    "one byte": ({"number_of_bytes": 1}, 1),
    "1,024 bytes": ({"number_of_bytes": 1024}, 1024),
}


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.mark.requirement("P23-01", "P23-02", "P23-03", "P23-04", "FIG3-15", "FIG3-17", "FIG4-10")
@pytest.mark.parametrize(("members", "size"), SIZES.values(), ids=SIZES)
def test_a_data_key_comes_in_plaintext_and_under_the_key(
    service: SimulatedService, members: dict[str, Any], size: int
) -> None:
    """Both forms hold the same fresh key of the size that was asked for."""
    key_id = service.create()
    answer = service.call("GenerateDataKey", key_id=key_id, encryption_context={"a": "1"}, **members)
    assert answer.present() == ("ciphertext_blob", "plaintext", "key_id", "key_material_id")
    assert len(answer.plaintext) == size
    assert (answer.key_id, answer.key_material_id) == (
        service.head(key_id).arn,
        service.head(key_id).newest.material_id.hex(),
    )
    assert service.done is not None
    assert service.done.secrets == (answer.plaintext,)
    assert service.decrypt(answer.ciphertext_blob, encryption_context={"a": "1"}) == answer.plaintext


@pytest.mark.parametrize(("members", "size"), SIZES.values(), ids=SIZES)
def test_a_data_key_can_stay_hidden(service: SimulatedService, members: dict[str, Any], size: int) -> None:
    """Without plaintext the answer holds the ciphertext only."""
    answer = service.call("GenerateDataKeyWithoutPlaintext", key_id=service.create(), **members)
    assert answer.present() == ("ciphertext_blob", "key_id", "key_material_id")
    assert len(service.decrypt(answer.ciphertext_blob)) == size


@pytest.mark.parametrize("operation", DATA_KEYS)
def test_exactly_one_size_is_asked_for(service: SimulatedService, operation: str) -> None:
    """Neither and both are refused."""
    key_id = service.create()
    wrong: tuple[dict[str, Any], ...] = ({}, {"key_spec": "AES_256", "number_of_bytes": 32})
    for members in wrong:
        with refused("ValidationException", EITHER):
            service.call(operation, key_id=key_id, **members)


@pytest.mark.parametrize("operation", DATA_KEYS)
def test_a_dry_run_makes_no_data_key(service: SimulatedService, operation: str) -> None:
    """All checks pass, then the dry run is told."""
    with refused("DryRunOperationException"):
        service.call(operation, key_id=service.create(), key_spec="AES_256", dry_run=True)


@pytest.mark.parametrize("size", [1, 1024])
def test_random_bytes_come_in_the_size_asked_for(service: SimulatedService, size: int) -> None:
    """They are a secret of the caller."""
    answer = service.call("GenerateRandom", number_of_bytes=size)
    assert answer.present() == ("plaintext",)
    assert len(answer.plaintext) == size
    assert service.done is not None
    assert service.done.secrets == (answer.plaintext,)


def test_random_bytes_need_a_size_and_come_from_here(service: SimulatedService) -> None:
    """A size is required; custom key stores are not supported."""
    with refused("ValidationException", "NumberOfBytes is required."):
        service.call("GenerateRandom")
    with refused("UnsupportedOperationException"):
        service.call("GenerateRandom", number_of_bytes=1, custom_key_store_id="cks-1")


@pytest.mark.parametrize("operation", DATA_KEYS)
def test_a_data_key_that_cannot_be_encrypted_is_wiped(
    service: SimulatedService, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record without the newest key token leaves nothing in memory."""
    made: list[bytearray] = []
    generate = service.vault.generate

    def remembering(size: int) -> bytearray:
        made.append(generate(size))
        return made[-1]

    monkeypatch.setattr(service.vault, "generate", remembering)
    key_id = service.create()
    record = service.records[key_id]
    service.records[key_id] = KeyRecord(record.head, {}, record.attachments)
    with pytest.raises(RecordError):
        service.call(operation, key_id=key_id, key_spec="AES_256")
    assert made == [bytearray(32)]


def test_a_hidden_data_key_is_wiped(service: SimulatedService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is encrypted."""
    made = bytearray(b"\x01" * 32)
    key_id = service.create()
    monkeypatch.setattr(service.vault, "generate", lambda _: made)
    ciphertext = service.call("GenerateDataKeyWithoutPlaintext", key_id=key_id, key_spec="AES_256").ciphertext_blob
    assert made == bytearray(32)
    assert service.decrypt(ciphertext) == b"\x01" * 32
