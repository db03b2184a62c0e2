"""GenerateMac and VerifyMac."""

import hashlib
import hmac
from typing import Any

import pytest

from keystead.identifiers import KeyId
from tests.simulators.operations import SimulatedService, refused

BITS = (224, 256, 384, 512)
MESSAGE = b"pay 100 to Alice"


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


def hmac_key(service: SimulatedService, bits: int = 256) -> KeyId:
    """Create an HMAC key."""
    return service.create(key_spec=f"HMAC_{bits}", key_usage="GENERATE_VERIFY_MAC")


@pytest.mark.parametrize("bits", BITS)
def test_a_mac_is_that_of_fips_198_under_the_keys_material(service: SimulatedService, bits: int) -> None:
    """The material is as long as the digest; the answer names key and algorithm; verification says so."""
    key_id = hmac_key(service, bits)
    members: dict[str, Any] = {"key_id": key_id, "message": MESSAGE, "mac_algorithm": f"HMAC_SHA_{bits}"}
    answer = service.call("GenerateMac", **members)
    material = service.vault.materials[-1]
    assert len(material) == bits // 8
    assert answer.present() == ("mac", "mac_algorithm", "key_id")
    assert answer.mac == hmac.digest(material, MESSAGE, hashlib.new(f"sha{bits}").name)
    assert answer.key_id == service.head(key_id).arn
    verified = service.call("VerifyMac", mac=answer.mac, **members)
    assert verified.present() == ("key_id", "mac_valid", "mac_algorithm")
    assert verified.mac_valid is True


@pytest.mark.parametrize("change", ["message", "first byte", "last byte", "shorter", "longer", "another key's"])
def test_any_other_mac_is_refused_without_a_word(service: SimulatedService, change: str) -> None:
    """Whatever differs, the answer is the same."""
    members: dict[str, Any] = {"key_id": hmac_key(service), "message": MESSAGE, "mac_algorithm": "HMAC_SHA_256"}
    mac = bytes(service.call("GenerateMac", **members).mac)
    other = bytes(service.call("GenerateMac", **members | {"key_id": hmac_key(service)}).mac)
    changed = {
        "message": mac,
        "first byte": bytes((mac[0] ^ 1,)) + mac[1:],
        "last byte": mac[:-1] + bytes((mac[-1] ^ 1,)),
        "shorter": mac[:-1],
        "longer": mac + b"\x00",
        "another key's": other,
    }[change]
    if change == "message":
        members["message"] = MESSAGE + b"0"
    with refused("KMSInvalidMacException", None):
        service.call("VerifyMac", mac=changed, **members)


@pytest.mark.parametrize("operation", ["GenerateMac", "VerifyMac"])
def test_keys_and_algorithms_that_do_not_fit_are_told_so(service: SimulatedService, operation: str) -> None:
    """First the usage, then the algorithm; a dry run ends after both, before the key is opened."""
    symmetric, key_id = service.create(), hmac_key(service, 224)
    members: dict[str, Any] = {"message": MESSAGE} | ({"mac": b"x"} if operation == "VerifyMac" else {})
    usage = f"{service.head(symmetric).arn} key usage is ENCRYPT_DECRYPT which is not valid for {operation}."
    with refused("InvalidKeyUsageException", usage):
        service.call(operation, key_id=symmetric, mac_algorithm="HMAC_SHA_256", **members)
    with refused("InvalidKeyUsageException", "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."):
        service.call(operation, key_id=key_id, mac_algorithm="HMAC_SHA_256", dry_run=True, **members)
    opened = service.vault.opened
    with refused("DryRunOperationException"):
        service.call(operation, key_id=key_id, mac_algorithm="HMAC_SHA_224", dry_run=True, **members)
    assert service.vault.opened == opened + 1, "the head alone was opened"


def test_policies_may_ask_for_the_algorithm(service: SimulatedService) -> None:
    """Condition keys of the service."""
    key_id = hmac_key(service)
    service.call("GenerateMac", key_id=key_id, message=MESSAGE, mac_algorithm="HMAC_SHA_256")
    values = service.judge.asked[-1].conditions()
    assert values["kms:macalgorithm"] == "HMAC_SHA_256"
    assert (values["kms:keyspec"], values["kms:keyusage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")


def test_an_hmac_key_tells_its_algorithm_and_has_no_public_key(service: SimulatedService) -> None:
    """KeyMetadata has the one member of its usage; neither is it rotated."""
    key_id = hmac_key(service, 512)
    told = service.call("DescribeKey", key_id=key_id).key_metadata
    assert told.mac_algorithms == ["HMAC_SHA_512"]
    assert (told.key_spec, told.customer_master_key_spec) == ("HMAC_512", "HMAC_512")
    assert told.encryption_algorithms is told.signing_algorithms is told.current_key_material_id is None
    with refused("UnsupportedOperationException"):
        service.call("GetPublicKey", key_id=key_id)
    for operation in ("RotateKeyOnDemand", "ListKeyRotations"):
        with refused("UnsupportedOperationException", None):
            service.call(operation, key_id=key_id)
    assert service.call("GetKeyRotationStatus", key_id=key_id).key_rotation_enabled is False
