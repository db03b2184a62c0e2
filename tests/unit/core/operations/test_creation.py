"""CreateKey and DescribeKey."""

import json
import re
from typing import Any

import pytest

from keystead.core.protocols.aws_json.rendering import encode
from keystead.core.protocols.aws_json.shapes import CreateKeyRequest, Tag
from keystead.core.records import POLICY
from keystead.errors import DuplicateError
from keystead.identifiers import is_key_id
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, START, SimulatedService, refused

MEMBERS = (
    "aws_account_id",
    "key_id",
    "arn",
    "creation_date",
    "enabled",
    "description",
    "key_usage",
    "key_state",
    "origin",
    "key_manager",
    "customer_master_key_spec",
    "key_spec",
    "encryption_algorithms",
    "multi_region",
    "current_key_material_id",
)
TWO_SPECS = (
    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."
)
NO_USAGE = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
REFUSED = {
    "a spec without its usage": ({"key_spec": "RSA_2048"}, "ValidationException", NO_USAGE),
    "a usage that no symmetric key has": (
        {"key_usage": "SIGN_VERIFY"},
        "ValidationException",
        "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
    ),
    "a usage of another spec": (
        {"key_spec": "HMAC_256", "key_usage": "ENCRYPT_DECRYPT"},
        "ValidationException",
        "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_256",
    ),
    "a spec that the cryptography library lacks": (
        {"key_spec": "ML_KEM_512", "key_usage": "ENCAPSULATE_DECAPSULATE"},
        "UnsupportedOperationException",
        "KeySpec ML_KEM_512 is not supported.",
    ),
    "a spec that it lacks by the old member": (
        {"customer_master_key_spec": "SM2", "key_usage": "KEY_AGREEMENT"},
        "UnsupportedOperationException",
        "KeySpec SM2 is not supported.",
    ),
    "two different specs": (
        {"key_spec": "SYMMETRIC_DEFAULT", "customer_master_key_spec": "RSA_2048"},
        "ValidationException",
        TWO_SPECS,
    ),
    "imported material": ({"origin": "EXTERNAL"}, "UnsupportedOperationException", "Origin EXTERNAL is not supported."),
    "a custom key store": (
        {"custom_key_store_id": "cks-1"},
        "UnsupportedOperationException",
        "Custom key stores are not supported.",
    ),
    "a key of an external store": (
        {"xks_key_id": "k", "origin": "EXTERNAL_KEY_STORE"},
        "UnsupportedOperationException",
        "Origin EXTERNAL_KEY_STORE is not supported.",
    ),
    "a tag key twice": ({"tags": [("a", "1"), ("a", "2")]}, "TagException", "Duplicate tag keys"),
    "a reserved tag": ({"tags": [("AWS:a", "1")]}, "TagException", "Tags beginning with aws: are reserved"),
    "51 tags": ({"tags": [(str(n), "") for n in range(51)]}, "TagException", "Too many tags"),
}


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.mark.requirement("APICK-01", "APICK-03", "CKEY-01")
def test_a_new_key_is_described_as_the_service_does(service: SimulatedService) -> None:
    """The members that a symmetric key has, no others, with their values; DescribeKey tells the same."""
    told = service.call("CreateKey").key_metadata
    assert told.present() == MEMBERS
    assert is_key_id(told.key_id)
    assert told.arn == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{told.key_id}"
    assert told.creation_date == START / 1000
    assert (told.enabled, told.key_state, told.description) == (True, "Enabled", "")
    assert (told.key_usage, told.key_spec, told.origin) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "AWS_KMS")
    assert (told.key_manager, told.multi_region) == ("CUSTOMER", False)
    assert re.fullmatch(r"[0-9a-f]{64}", told.current_key_material_id)
    assert service.call("DescribeKey", key_id=told.key_id).key_metadata == told


def test_times_are_written_as_seconds_with_milliseconds(service: SimulatedService) -> None:
    """And what is absent is not written at all."""
    answer = service.call("DescribeKey", key_id=service.create())
    written = json.loads(encode(answer))["KeyMetadata"]
    assert written["CreationDate"] == 1_790_000_000.123
    assert written["AWSAccountId"] == ACCOUNT
    assert "DeletionDate" not in written
    assert None not in written.values()


@pytest.mark.requirement("CKEY-01")
def test_what_rests_of_a_key_does_not_hold_its_material(service: SimulatedService) -> None:
    """Material is in the token only, sealed under a domain key."""
    key_id = service.create()
    (material,) = service.vault.materials
    record = service.records[key_id]
    rows = (record.head, *record.tokens.values(), *record.attachments.values(), service.vault.open_head(record.head))
    assert not any(material in row for row in rows)


def test_what_was_asked_for_is_kept(service: SimulatedService) -> None:
    """Description, policy and tags."""
    key_id = service.create(
        description="für Löhne",
        policy='{"Id": "own"}',
        tags=[Tag(tag_key="b", tag_value="2"), Tag(tag_key="a", tag_value="")],
    )
    assert service.call("DescribeKey", key_id=key_id).key_metadata.description == "für Löhne"
    assert service.call("GetKeyPolicy", key_id=key_id).policy == '{"Id": "own"}'
    tags = service.call("ListResourceTags", key_id=key_id).tags
    assert [(tag.tag_key, tag.tag_value) for tag in tags] == [("b", "2"), ("a", "")]


def test_without_a_policy_the_account_decides(service: SimulatedService) -> None:
    """The default policy gives the account everything."""
    policy = json.loads(service.call("GetKeyPolicy", OTHER_ACCOUNT, key_id=service.create(OTHER_ACCOUNT)).policy)
    assert policy["Id"] == "key-default-1"
    (statement,) = policy["Statement"]
    assert statement == {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def test_a_multi_region_key_is_the_primary_of_its_family(service: SimulatedService) -> None:
    """Its id has the other form; it encrypts as any key."""
    told = service.call("CreateKey", multi_region=True).key_metadata
    assert re.fullmatch(r"mrk-[0-9a-f]{32}", told.key_id)
    assert told.multi_region is True
    assert told.multi_region_configuration.multi_region_key_type == "PRIMARY"
    assert told.multi_region_configuration.primary_key.arn == told.arn
    assert told.multi_region_configuration.replica_keys == []
    assert service.decrypt(service.encrypt(told.key_id)) == b"attack at dawn"


@pytest.mark.parametrize(("members", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_made_is_refused(
    service: SimulatedService, members: dict[str, Any], code: str, message: str
) -> None:
    """Each with the service's own error; nothing is made."""
    tags = members.get("tags")
    if isinstance(tags, list):
        members = members | {"tags": [Tag(tag_key=key, tag_value=value) for key, value in tags]}
    with refused(code, message):
        service.create(**members)
    assert service.records == {}
    assert service.vault.materials == []


def test_a_policy_that_locks_its_author_out_needs_an_explicit_wish(service: SimulatedService) -> None:
    """The judge of policies decides, and is told whether the caller insists."""
    service.judge.refused_policies = {"{}"}
    with refused("MalformedPolicyDocumentException"):
        service.create(policy="{}")
    key_id = service.create(policy="{}", bypass_policy_lockout_safety_check=True)
    assert service.records[key_id].attachments[POLICY] == b"{}"


def test_the_same_request_cannot_make_a_second_key(service: SimulatedService) -> None:
    """A key's id follows from the proof, so a replay meets the key that is there already."""
    request, claims = CreateKeyRequest(), service.claims("CreateKey")
    service.answer("CreateKey", request, claims)
    with pytest.raises(DuplicateError):
        service.answer("CreateKey", request, claims)
    assert len(service.records) == 1


def test_ids_differ_by_account_and_proof(service: SimulatedService) -> None:
    """Who controls proofs of one account cannot choose the id of another account's key."""
    ids = {
        service.answer("CreateKey", CreateKeyRequest(), service.claims("CreateKey", account)).key_metadata.key_id
        for account in (ACCOUNT, OTHER_ACCOUNT)
    }
    assert len(ids | {service.create()}) == 3


def test_tags_on_a_new_key_are_a_permission_of_their_own(service: SimulatedService) -> None:
    """Both permissions come from identity policies: there is no key yet."""
    service.create(tags=[Tag(tag_key="a", tag_value="1")])
    assert service.judge.permissions == [
        ("kms:CreateKey", "*"),
        ("kms:TagResource", "*"),
    ]
    service.judge.denied = {"kms:TagResource"}
    service.create()
    with refused("AccessDeniedException"):
        service.create(tags=[Tag(tag_key="a", tag_value="1")])
