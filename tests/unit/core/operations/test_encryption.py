"""Encrypt, Decrypt and ReEncrypt."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from keystead.core.keys.head import encode
from keystead.core.keys.opened import OpenedKey
from keystead.core.records import KeyRecord
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.errors import RecordError
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, SimulatedService, refused

CONTEXT = {"department": "finance", "Department": "law", "": "empty name", "ключ": "значение"}
INCORRECT_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
DRY_RUN = "The request would have succeeded, but the DryRun option is set."
NO_CIPHERTEXT = (
    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"
)


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.mark.requirement("APIENC-01", "APIENC-02", "APICK-11", "CKEY-03", "FIG14-01", "FIG14-02")
def test_what_was_encrypted_is_decrypted_without_naming_the_key(service: SimulatedService) -> None:
    """The ciphertext names its key and version; the answer tells both."""
    key_id = service.create()
    answer = service.call("Encrypt", key_id=key_id, plaintext=b"attack at dawn")
    assert answer.present() == ("ciphertext_blob", "key_id", "encryption_algorithm")
    assert (answer.key_id, answer.encryption_algorithm) == (service.head(key_id).arn, "SYMMETRIC_DEFAULT")
    opened = service.call("Decrypt", ciphertext_blob=answer.ciphertext_blob)
    assert opened.present() == ("key_id", "plaintext", "encryption_algorithm", "key_material_id")
    assert opened.plaintext == b"attack at dawn"
    assert opened.key_id == service.head(key_id).arn
    assert opened.key_material_id == service.head(key_id).newest.material_id.hex()


def test_the_longest_plaintext_fits(service: SimulatedService) -> None:
    """4,096 bytes of plaintext give at most 6,144 bytes of ciphertext."""
    ciphertext = service.encrypt(service.create(), bytes(4096))
    assert len(ciphertext) <= 6144
    assert service.decrypt(ciphertext) == bytes(4096)


@pytest.mark.requirement("FIG3-10")
def test_every_form_of_key_id_names_the_key(service: SimulatedService) -> None:
    """Id, ARN, alias name and alias ARN, for encryption and for decryption."""
    key_id = service.create()
    service.call("CreateAlias", alias_name="alias/a/b", target_key_id=key_id)
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:"
    for form in (key_id, f"{arn}key/{key_id}", "alias/a/b", f"{arn}alias/a/b"):
        assert service.decrypt(service.encrypt(form), key_id=form) == b"attack at dawn"


@pytest.mark.requirement("APIENC-03", "APIENC-05", "APIENC-09", "APIENC-08")
def test_only_the_very_same_encryption_context_opens(service: SimulatedService) -> None:
    """Order does not matter; everything else does, and the answer tells nothing."""
    ciphertext = service.encrypt(service.create(), encryption_context=CONTEXT)
    assert service.decrypt(ciphertext, encryption_context=dict(reversed(CONTEXT.items()))) == b"attack at dawn"
    others: tuple[dict[str, str] | None, ...] = (
        None,
        {},
        CONTEXT | {"more": ""},
        {"department": "finance"},
        CONTEXT | {"department": "Finance"},
    )
    for other in others:
        with refused("InvalidCiphertextException", None):
            service.decrypt(ciphertext, encryption_context=other)


@pytest.mark.requirement("APIENC-09")
def test_a_ciphertext_with_any_byte_changed_does_not_open(service: SimulatedService) -> None:
    """Whatever byte it is: no plaintext, and no word about the cause beyond what names another key."""
    ciphertext = service.encrypt(service.create())
    for place in range(len(ciphertext)):
        changed = bytearray(ciphertext)
        changed[place] ^= 1
        code = "AccessDeniedException" if 1 <= place < 18 else "InvalidCiphertextException"
        with refused(code):
            service.decrypt(bytes(changed))
    for size in (1, 40, len(ciphertext) - 1):
        with refused("InvalidCiphertextException", None):
            service.decrypt(ciphertext[:size])
    with refused("InvalidCiphertextException", None):
        service.decrypt(ciphertext + b"\x00")


def test_a_key_that_is_named_must_be_the_key_of_the_ciphertext(service: SimulatedService) -> None:
    """Another key is told so; a key that does not exist is not found."""
    ciphertext = service.encrypt(service.create())
    with refused("IncorrectKeyException", INCORRECT_KEY):
        service.decrypt(ciphertext, key_id=service.create())
    with refused("NotFoundException"):
        service.decrypt(ciphertext, key_id="alias/none")


def test_a_ciphertext_of_a_key_that_is_gone_tells_what_a_stranger_hears(service: SimulatedService) -> None:
    """Whether the key exists is not told to who only has a ciphertext."""
    key_id = service.create()
    ciphertext = service.encrypt(key_id)
    del service.records[key_id]
    with refused("AccessDeniedException"):
        service.decrypt(ciphertext)


def test_a_version_that_the_key_does_not_have_opens_nothing(service: SimulatedService) -> None:
    """A blob that names a version beyond the newest is no ciphertext of this key."""
    key_id = service.create()
    blob = CiphertextBlob.decode(service.encrypt(key_id))
    forged = CiphertextBlob(blob.key_id, 2, blob.nonce, blob.sealed).encode()
    with refused("InvalidCiphertextException", None):
        service.decrypt(forged)


def test_algorithms_of_other_keys_are_refused(service: SimulatedService) -> None:
    """A symmetric key has one algorithm; naming it changes nothing."""
    key_id = service.create()
    ciphertext = service.encrypt(key_id, encryption_algorithm="SYMMETRIC_DEFAULT")
    message = "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    other: dict[str, Any] = {"encryption_algorithm": "RSAES_OAEP_SHA_256"}
    with refused("InvalidKeyUsageException", message):
        service.encrypt(key_id, **other)
    with refused("InvalidKeyUsageException", message):
        service.decrypt(ciphertext, **other)
    with refused("InvalidKeyUsageException", message):
        service.call(
            "ReEncrypt",
            ciphertext_blob=ciphertext,
            destination_key_id=key_id,
            destination_encryption_algorithm="RSAES_OAEP_SHA_256",
        )


def test_a_key_for_something_else_does_not_encrypt(service: SimulatedService) -> None:
    """Neither encrypt nor wrap a data key nor take over, nor decrypt; the caller hears what the key is for."""
    key_id, other = service.create(), service.create()
    ciphertext, foreign = service.encrypt(key_id), service.encrypt(other)
    record = service.records[key_id]
    head = msgspec.structs.replace(service.head(key_id), usage="SIGN_VERIFY")
    service.records[key_id] = KeyRecord(service.vault.seal_head(encode(head)).head, record.tokens, record.attachments)
    requests: dict[str, dict[str, Any]] = {
        "Encrypt": {"key_id": key_id, "plaintext": b"x"},
        "Decrypt": {"ciphertext_blob": ciphertext},
        "GenerateDataKey": {"key_id": key_id, "key_spec": "AES_256"},
        "GenerateDataKeyWithoutPlaintext": {"key_id": key_id, "key_spec": "AES_256"},
        "ReEncrypt": {"ciphertext_blob": foreign, "destination_key_id": key_id},
    }
    for operation, members in requests.items():
        message = f"{head.arn} key usage is SIGN_VERIFY which is not valid for {operation}."
        with refused("InvalidKeyUsageException", message):
            service.call(operation, **members)
    with refused("InvalidKeyUsageException"):
        service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=other)


def test_an_encryption_context_has_an_end(service: SimulatedService) -> None:
    """8,192 bytes pass, one more does not; bytes of UTF-8 count, not characters."""
    key_id = service.create()
    service.encrypt(key_id, encryption_context={"k": "é" * 4095 + "x"})
    with refused("ValidationException"):
        service.encrypt(key_id, encryption_context={"k": "é" * 4096})


@pytest.mark.requirement("APIRK-01", "APIRK-02")
def test_reencrypt_changes_key_and_context_without_a_plaintext(service: SimulatedService) -> None:
    """The answer holds a ciphertext of the other key, and no buffer with the plaintext is left."""
    source, destination = service.create(), service.create()
    answer = service.call(
        "ReEncrypt",
        ciphertext_blob=service.encrypt(source, encryption_context={"a": "1"}),
        source_encryption_context={"a": "1"},
        destination_key_id=destination,
        destination_encryption_context={"b": "2"},
    )
    assert service.done is not None
    assert service.done.secrets == ()
    assert (answer.source_key_id, answer.key_id) == (service.head(source).arn, service.head(destination).arn)
    assert answer.source_encryption_algorithm == answer.destination_encryption_algorithm == "SYMMETRIC_DEFAULT"
    assert answer.source_key_material_id == service.head(source).newest.material_id.hex()
    assert answer.destination_key_material_id == service.head(destination).newest.material_id.hex()
    assert (
        service.decrypt(answer.ciphertext_blob, key_id=destination, encryption_context={"b": "2"}) == b"attack at dawn"
    )
    with refused("InvalidCiphertextException", None):
        service.decrypt(answer.ciphertext_blob, encryption_context={"a": "1"})


@pytest.mark.requirement("APIRK-06")
def test_reencrypt_moves_data_between_accounts(service: SimulatedService) -> None:
    """Source and destination may belong to different accounts, if both policies allow."""
    source, destination = service.create(), service.create(OTHER_ACCOUNT)
    answer = service.call(
        "ReEncrypt", ciphertext_blob=service.encrypt(source), destination_key_id=service.head(destination).arn
    )
    assert answer.key_id == service.head(destination).arn


@pytest.mark.requirement("APIRK-05")
def test_who_may_reencrypt_need_not_be_allowed_to_decrypt(service: SimulatedService) -> None:
    """The permissions are ReEncryptFrom on the source and ReEncryptTo on the destination, and no other."""
    source, destination = service.create(), service.create()
    ciphertext = service.encrypt(source)
    service.judge.denied = {"kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt"}
    service.judge.asked.clear()
    service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination)
    assert service.judge.permissions == [
        ("kms:ReEncryptFrom", service.head(source).arn),
        ("kms:ReEncryptTo", service.head(destination).arn),
    ]
    for action in ("kms:ReEncryptFrom", "kms:ReEncryptTo"):
        service.judge.denied = {action}
        with refused("AccessDeniedException"):
            service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination)


def test_the_state_of_both_keys_counts_for_reencrypt(service: SimulatedService) -> None:
    """A disabled source and a disabled destination are refused alike."""
    source, destination = service.create(), service.create()
    ciphertext = service.encrypt(source)
    for key_id in (source, destination):
        service.call("DisableKey", key_id=key_id)
        with refused("DisabledException", f"{service.head(key_id).arn} is disabled."):
            service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination)
        service.call("EnableKey", key_id=key_id)


def test_a_dry_run_succeeds_or_fails_as_the_request_would(service: SimulatedService) -> None:
    """The refusal of a dry run comes last, after all that could refuse the request itself."""
    key_id = service.create()
    ciphertext = service.encrypt(key_id, encryption_context={"a": "1"})
    right: dict[str, Any] = {"ciphertext_blob": ciphertext, "encryption_context": {"a": "1"}, "dry_run": True}
    with refused("DryRunOperationException", DRY_RUN):
        service.encrypt(key_id, dry_run=True)
    with refused("DryRunOperationException", DRY_RUN):
        service.call("Decrypt", **right)
    with refused("InvalidCiphertextException", None):
        service.call("Decrypt", **right | {"encryption_context": {}})
    with refused("DryRunOperationException", DRY_RUN):
        service.call(
            "ReEncrypt",
            ciphertext_blob=ciphertext,
            source_encryption_context={"a": "1"},
            destination_key_id=key_id,
            dry_run=True,
        )
    service.judge.denied = {"kms:Decrypt"}
    with refused("AccessDeniedException"):
        service.call("Decrypt", **right)


def test_a_dry_run_may_ignore_the_ciphertext(service: SimulatedService) -> None:
    """Permission and state are asked without a ciphertext, or with one that is none; only in a dry run."""
    key_id = service.create()
    ignoring: dict[str, Any] = {"key_id": key_id, "dry_run": True, "dry_run_modifiers": ["IGNORE_CIPHERTEXT"]}
    for members in (ignoring, ignoring | {"ciphertext_blob": b"no ciphertext"}):
        with refused("DryRunOperationException", DRY_RUN):
            service.call("Decrypt", **members)
    service.call("DisableKey", key_id=key_id)
    with refused("DisabledException"):
        service.call("Decrypt", **ignoring)
    for wrong in (ignoring | {"dry_run": False}, ignoring | {"dry_run_modifiers": []}, {"key_id": key_id}):
        with refused("ValidationException", NO_CIPHERTEXT):
            service.call("Decrypt", **wrong)
    with refused("ValidationException", NO_CIPHERTEXT):
        service.call("Decrypt", dry_run=True, dry_run_modifiers=["IGNORE_CIPHERTEXT"])


def test_plaintexts_are_handed_out_in_buffers_that_can_be_wiped(service: SimulatedService) -> None:
    """Whoever encodes the answer is told which buffers hold secrets."""
    service.decrypt(service.encrypt(service.create()))
    assert service.done is not None
    (secret,) = service.done.secrets
    assert isinstance(secret, bytearray)
    assert secret == b"attack at dawn"
    assert service.done.answer is not None
    assert "attack" not in repr(service.done.answer)


def test_plaintexts_that_do_not_leave_are_wiped(service: SimulatedService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ReEncrypt, whether it succeeds or not, and those of a dry run."""
    opened: list[bytearray] = []
    decrypt = service.vault.decrypt

    def remembering(key: OpenedKey, blob: CiphertextBlob, encryption_context: Mapping[str, str]) -> bytearray:
        opened.append(decrypt(key, blob, encryption_context))
        return opened[-1]

    monkeypatch.setattr(service.vault, "decrypt", remembering)
    source, destination = service.create(), service.create()
    ciphertext = service.encrypt(source)
    service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination)
    with refused("DryRunOperationException"):
        service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination, dry_run=True)
    with refused("DryRunOperationException"):
        service.call("Decrypt", ciphertext_blob=ciphertext, dry_run=True)
    record = service.records[destination]
    service.records[destination] = KeyRecord(record.head, {}, record.attachments)
    with pytest.raises(RecordError):
        service.call("ReEncrypt", ciphertext_blob=ciphertext, destination_key_id=destination)
    assert opened == [bytearray(len(b"attack at dawn"))] * 4
