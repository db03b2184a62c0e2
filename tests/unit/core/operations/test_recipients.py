"""Attested recipients: what is secret of an answer goes to them alone, and policies may ask who they are."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from keystead.components.security_module.attestation import RootedAttestation
from keystead.core.operations.judge import PolicyJudge
from keystead.core.protocols.aws_json.shapes import RecipientInfo
from keystead.identifiers import KeyId
from keystead.primitives.attestation import read_roots
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import IMAGE, Platform, der
from tests.simulators.operations import ACCOUNT, START, SimulatedService, refused

PLATFORM = Platform()
ALGORITHM: Literal["RSAES_OAEP_SHA_256"] = "RSAES_OAEP_SHA_256"
PEER = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def service() -> SimulatedService:
    """A service that believes the platform and judges by policies."""
    attestation = RootedAttestation(read_roots(PLATFORM.root.pem), SystemRandomness())
    return SimulatedService(policies=PolicyJudge(), attestation=attestation)


def recipient(**members: Any) -> RecipientInfo:
    """Return an attested recipient of this moment."""
    return RecipientInfo(key_encryption_algorithm=ALGORITHM, attestation_document=PLATFORM.document(START, **members))


def _decrypt(service: SimulatedService, key: KeyId, **more: Any) -> Any:
    return service.call("Decrypt", ciphertext_blob=service.encrypt(key, b"attack at dawn"), **more)


def _data_key(service: SimulatedService, key: KeyId, **more: Any) -> Any:
    return service.call("GenerateDataKey", key_id=key, key_spec="AES_256", **more)


def _pair(service: SimulatedService, key: KeyId, **more: Any) -> Any:
    return service.call("GenerateDataKeyPair", key_id=key, key_pair_spec="ECC_NIST_P256", **more)


def _random(service: SimulatedService, _key: KeyId, **more: Any) -> Any:
    return service.call("GenerateRandom", number_of_bytes=24, **more)


def _agree(service: SimulatedService, _key: KeyId, **more: Any) -> Any:
    agreeing = service.create(key_spec="ECC_NIST_P256", key_usage="KEY_AGREEMENT")
    members: dict[str, Any] = {"key_agreement_algorithm": "ECDH", "public_key": der(PEER.public_key())}
    return service.call("DeriveSharedSecret", key_id=agreeing, **members, **more)


OPERATIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "Decrypt": (_decrypt, "plaintext"),
    "GenerateDataKey": (_data_key, "plaintext"),
    "GenerateDataKeyPair": (_pair, "private_key_plaintext"),
    "GenerateRandom": (_random, "plaintext"),
    "DeriveSharedSecret": (_agree, "shared_secret"),
}
by_operation = pytest.mark.parametrize("call", [call for call, _ in OPERATIONS.values()], ids=OPERATIONS.keys())
each_operation = pytest.mark.parametrize(("call", "member"), OPERATIONS.values(), ids=OPERATIONS.keys())


@each_operation
def test_the_secret_goes_to_the_recipient_alone(
    service: SimulatedService, call: Callable[..., Any], member: str
) -> None:
    """The answer has no plaintext, nor which material was used; nothing is left to be wiped."""
    answer = call(service, service.create(), recipient=recipient())
    assert getattr(answer, member) is None
    assert getattr(answer, "key_material_id", None) is None
    assert service.done is not None
    assert service.done.secrets == ()
    assert len(PLATFORM.opened(answer.ciphertext_for_recipient)) >= 14


@each_operation
def test_without_a_recipient_it_goes_to_the_caller(
    service: SimulatedService, call: Callable[..., Any], member: str
) -> None:
    """As ever."""
    answer = call(service, service.create())
    assert len(getattr(answer, member)) >= 14
    assert answer.ciphertext_for_recipient is None


def test_the_recipient_gets_what_the_caller_would_get(service: SimulatedService) -> None:
    """The decrypted plaintext; and the data key whose ciphertext the caller holds."""
    key = service.create()
    assert PLATFORM.opened(_decrypt(service, key, recipient=recipient()).ciphertext_for_recipient) == b"attack at dawn"
    made = _data_key(service, key, recipient=recipient())
    assert PLATFORM.opened(made.ciphertext_for_recipient) == service.decrypt(made.ciphertext_blob)


@by_operation
@pytest.mark.parametrize("reason", ["older than five minutes", "no document", "no algorithm", "no bytes of a document"])
def test_who_is_not_attested_gets_nothing(service: SimulatedService, call: Callable[..., Any], reason: str) -> None:
    """ValidationException, before anything is decrypted or made."""
    document = PLATFORM.document(START)
    wrong = {
        "older than five minutes": RecipientInfo(
            key_encryption_algorithm=ALGORITHM, attestation_document=PLATFORM.document(START - 300_001)
        ),
        "no document": RecipientInfo(key_encryption_algorithm=ALGORITHM),
        "no algorithm": RecipientInfo(attestation_document=document),
        "no bytes of a document": RecipientInfo(key_encryption_algorithm=ALGORITHM, attestation_document=b"document"),
    }
    with refused("ValidationException"):
        call(service, service.create(), recipient=wrong[reason])


@by_operation
def test_without_a_root_of_trust_nobody_is_attested(call: Callable[..., Any]) -> None:
    """The answer says that there is none, and nothing was given to anyone."""
    service = SimulatedService()
    with refused(
        "UnsupportedOperationException", "Recipient is not supported: no root of trust for attestation is configured."
    ):
        call(service, service.create(), recipient=recipient())


def _policy(condition: dict[str, Any]) -> str:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    manage = {"Effect": "Allow", "Principal": root, "Action": ["kms:PutKeyPolicy", "kms:Encrypt"], "Resource": "*"}
    use = {"Effect": "Allow", "Principal": root, "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [manage, use]})


CONDITIONS: dict[str, tuple[dict[str, str], dict[str, Any], bool]] = {
    "the image": ({"kms:RecipientAttestation:ImageSha384": IMAGE.hex()}, {}, True),
    "the image in capitals": ({"kms:RecipientAttestation:ImageSha384": IMAGE.hex().upper()}, {}, True),
    "another image": ({"kms:RecipientAttestation:ImageSha384": "00" * 48}, {}, False),
    "a register": ({"kms:RecipientAttestation:PCR4": "04" * 48}, {}, True),
    "a register that is not there": ({"kms:RecipientAttestation:PCR8": "04" * 48}, {}, False),
    "a register of a TPM": (
        {"kms:RecipientAttestation:NitroTPMPCR4": "04" * 48},
        {"pcrs": None, "nitrotpm_pcrs": {4: b"\x04" * 48}},
        True,
    ),
    "an enclave's register is not a TPM's": ({"kms:RecipientAttestation:NitroTPMPCR4": "04" * 48}, {}, False),
    "a TPM's register is not an enclave's": (
        {"kms:RecipientAttestation:PCR4": "04" * 48},
        {"pcrs": None, "nitrotpm_pcrs": {4: b"\x04" * 48}},
        False,
    ),
}


@pytest.mark.parametrize(("asked", "members", "allowed"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_policies_ask_for_measurements(
    service: SimulatedService, asked: dict[str, str], members: dict[str, Any], *, allowed: bool
) -> None:
    """Whoever measures otherwise, or brings no document, is denied."""
    key = service.create(policy=_policy({"StringEqualsIgnoreCase": asked}))
    if allowed:
        assert _decrypt(service, key, recipient=recipient(**members)).ciphertext_for_recipient
    else:
        with refused("AccessDeniedException"):
            _decrypt(service, key, recipient=recipient(**members))
    with refused("AccessDeniedException"):
        _decrypt(service, key)


def test_a_dry_run_makes_nothing_for_the_recipient(service: SimulatedService) -> None:
    """It says that it would have succeeded."""
    with refused("DryRunOperationException"):
        _data_key(service, service.create(), recipient=recipient(), dry_run=True)
