"""Key policies decide about operations: the real judge, the real table."""

import json
from typing import Any

import msgspec
import pytest

from keystead.core.keys.head import encode
from keystead.core.keys.opened import attachment_digest
from keystead.core.operations.judge import PolicyJudge
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.shapes import CreateKeyRequest, DisableKeyRequest, EncryptRequest, Tag
from keystead.core.records import POLICY, KeyRecord
from keystead.errors import FormatError, RecordError
from keystead.identifiers import KeyId, PrincipalArn
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, SimulatedService, refused

USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
LOCKOUT = "The new key policy will not allow you to update the key policy in the future."


def _policy(*statements: dict[str, Any], root: bool = True) -> str:
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*([account] if root else []), *statements]})


def _deny(action: str, **condition: Any) -> str:
    denial = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*", "Condition": condition}
    return _policy(denial)


@pytest.fixture
def service() -> SimulatedService:
    """A service that judges by policies."""
    return SimulatedService(policies=PolicyJudge())


def test_the_default_policy_lets_the_account_do_everything(service: SimulatedService) -> None:
    """Every operation of its root user passes; another account's root user does nothing."""
    key_id = service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    service.call("RotateKeyOnDemand", key_id=key_id)
    assert service.decrypt(service.encrypt("alias/app")) == b"attack at dawn"
    assert len(service.call("ListKeys").keys) == len(service.call("ListAliases").aliases) == 1
    service.call("GenerateRandom", number_of_bytes=1)
    with refused("AccessDeniedException"):
        service.call("Encrypt", OTHER_ACCOUNT, key_id=service.head(key_id).arn, plaintext=b"x")


@pytest.mark.requirement("APIENC-07", "APIENC-08", "FIG14-05", "FIG2-04")
def test_a_policy_decides_by_encryption_context_for_both_directions(service: SimulatedService) -> None:
    """What is denied for a value of the encryption context is denied to encrypt and to decrypt."""
    key_id = service.create()
    secret, free = ({"level": level} for level in ("secret", "free"))
    ciphertexts = [service.encrypt(key_id, encryption_context=context) for context in (secret, free)]
    for action in ("kms:Encrypt", "kms:Decrypt"):
        policy = _deny(action, StringEquals={"kms:EncryptionContext:level": "secret"})
        service.call("PutKeyPolicy", key_id=key_id, policy=policy)
        with refused("AccessDeniedException"):
            _use(service, action, key_id, ciphertexts[0], secret)
        _use(service, action, key_id, ciphertexts[1], free)
        (other,) = {"kms:Encrypt", "kms:Decrypt"} - {action}
        _use(service, other, key_id, ciphertexts[0], secret)


def _use(service: SimulatedService, action: str, key_id: KeyId, ciphertext: bytes, context: dict[str, str]) -> None:
    if action == "kms:Encrypt":
        service.encrypt(key_id, encryption_context=context)
    else:
        service.decrypt(ciphertext, encryption_context=context)


CONDITIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # sentence: operation, condition that denies it, members of the request that it denies
    "the caller's account": ("DescribeKey", {"StringEquals": {"kms:CallerAccount": ACCOUNT}}, {}),
    "the region": ("DescribeKey", {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}, {}),
    "the moment": ("DescribeKey", {"NumericGreaterThan": {"aws:EpochTime": "1789999999"}}, {}),
    "a tag of the key": ("DescribeKey", {"StringEquals": {"aws:ResourceTag/Team": "red"}}, {}),
    "an alias of the key": ("DescribeKey", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}, {}),
    "the spec of the key": ("DescribeKey", {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}, {}),
    "the usage of the key": ("DescribeKey", {"StringEquals": {"kms:KeyUsage": "ENCRYPT_DECRYPT"}}, {}),
    "the origin of the key": ("DescribeKey", {"StringEquals": {"kms:KeyOrigin": "AWS_KMS"}}, {}),
    "a single Region": ("DescribeKey", {"Bool": {"kms:MultiRegion": "false"}}, {}),
    "the alias that names the key": (
        "DescribeKey",
        {"StringEquals": {"kms:RequestAlias": "alias/app"}},
        {"key_id": "alias/app"},
    ),
    "the keys of an encryption context": (
        "GenerateDataKey",
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "Level"}},
        {"encryption_context": {"Level": "1"}, "key_spec": "AES_256"},
    ),
    "the algorithm": (
        "GenerateDataKey",
        {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}},
        {"key_spec": "AES_256"},
    ),
    "the days before deletion": (
        "ScheduleKeyDeletion",
        {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "14"}},
        {"pending_window_in_days": 13},
    ),
    "a tag that is put": (
        "TagResource",
        {"StringEquals": {"aws:RequestTag/cost": "none"}},
        {"tags": [Tag(tag_key="Cost", tag_value="none")]},
    ),
    "the key of a tag that is put": (
        "TagResource",
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "Cost"}},
        {"tags": [Tag(tag_key="Cost", tag_value="none")]},
    ),
    "the key of a tag that is removed": (
        "UntagResource",
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "Cost"}},
        {"tag_keys": ["Cost"]},
    ),
}


@pytest.mark.parametrize(("operation", "condition", "members"), CONDITIONS.values(), ids=CONDITIONS)
def test_policies_may_ask_about(
    service: SimulatedService, operation: str, condition: dict[str, Any], members: dict[str, Any]
) -> None:
    """A denial under the condition denies this request, and one under a value that it does not have denies nothing."""
    key_id = service.create(tags=[Tag(tag_key="team", tag_value="red")])
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    members = {"key_id": key_id} | members
    service.call("PutKeyPolicy", key_id=key_id, policy=_deny(f"kms:{operation}", **condition))
    with refused("AccessDeniedException"):
        service.call(operation, **members)
    ((operator, asked),) = condition.items()
    other = {operator: dict.fromkeys(asked, "9999999999" if "Greater" in operator else "0")}
    if operator == "Bool":
        other = {operator: {key: "true" if value == "false" else "false" for key, value in asked.items()}}
    service.call("PutKeyPolicy", key_id=key_id, policy=_deny(f"kms:{operation}", **other))
    service.call(operation, **members)


def test_reencrypt_is_judged_on_both_sides(service: SimulatedService) -> None:
    """Each side by its own encryption context, and whether it stays on the same key."""
    source, destination = service.create(), service.create()
    ciphertext = service.encrypt(source, encryption_context={"side": "from"})
    members: dict[str, Any] = {
        "ciphertext_blob": ciphertext,
        "source_encryption_context": {"side": "from"},
        "destination_encryption_context": {"side": "to"},
    }
    for key_id, side, other in ((source, "from", "to"), (destination, "to", "from")):
        for value, denies in ((side, True), (other, False)):
            condition = {"StringEquals": {"kms:EncryptionContext:side": value}}
            service.call("PutKeyPolicy", key_id=key_id, policy=_deny("kms:ReEncrypt*", **condition))
            if denies:
                with refused("AccessDeniedException"):
                    service.call("ReEncrypt", destination_key_id=destination, **members)
            else:
                service.call("ReEncrypt", destination_key_id=destination, **members)
    same = _deny("kms:ReEncryptFrom", Bool={"kms:ReEncryptOnSameKey": "true"})
    service.call("PutKeyPolicy", key_id=source, policy=same)
    service.call("ReEncrypt", destination_key_id=destination, **members)
    with refused("AccessDeniedException"):
        service.call("ReEncrypt", destination_key_id=source, **members)


CREATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    # sentence: condition key and value, and members of a request that has it
    "its spec": ("kms:KeySpec", "SYMMETRIC_DEFAULT", {}),
    "its usage": ("kms:KeyUsage", "ENCRYPT_DECRYPT", {"key_usage": "ENCRYPT_DECRYPT"}),
    "its origin": ("kms:KeyOrigin", "AWS_KMS", {"origin": "AWS_KMS"}),
    "a single Region": ("kms:MultiRegion", "false", {}),
    "a family of Regions": ("kms:MultiRegion", "true", {"multi_region": True}),
    "a net under the policy": ("kms:BypassPolicyLockoutSafetyCheck", "false", {}),
    "a tag": ("aws:RequestTag/team", "red", {"tags": [Tag(tag_key="Team", tag_value="red")]}),
    "a tag key": ("aws:TagKeys", "Team", {"tags": [Tag(tag_key="Team", tag_value="red")]}),
}


@pytest.mark.parametrize(("name", "value", "members"), CREATIONS.values(), ids=CREATIONS)
def test_a_policy_may_ask_about_the_key_that_shall_be_made(
    service: SimulatedService, name: str, value: str, members: dict[str, Any]
) -> None:
    """A policy that lets its author change it only under a condition is acceptable exactly if the condition holds."""
    for asked, acceptable in ((value, True), ("another", False)):
        condition = {"ForAnyValue:StringEquals": {name: asked}}
        only = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
        policy = _policy(only | {"Condition": condition}, root=False)
        if acceptable:
            service.create(policy=policy, **members)
        else:
            with refused("MalformedPolicyDocumentException", LOCKOUT):
                service.create(policy=policy, **members)


def test_a_policy_may_ask_about_the_family_of_a_key(service: SimulatedService) -> None:
    """A multi-Region key has the kind of its place in the family."""
    key_id = service.create(multi_region=True)
    policy = _deny("kms:DescribeKey", StringEquals={"kms:MultiRegionKeyType": "PRIMARY"})
    service.call("PutKeyPolicy", key_id=key_id, policy=policy)
    with refused("AccessDeniedException"):
        service.call("DescribeKey", key_id=key_id)


def test_names_that_differ_only_in_case_are_not_judged(service: SimulatedService) -> None:
    """A policy that has conditions cannot tell them apart, so the request is refused; without conditions it passes."""
    key_id = service.create()
    twins = {"Level": "1", "level": "2"}
    service.encrypt(key_id, encryption_context=twins)
    service.call("PutKeyPolicy", key_id=key_id, policy=_deny("kms:Encrypt", Bool={"aws:SecureTransport": "false"}))
    with refused("ValidationException"):
        service.encrypt(key_id, encryption_context=twins)


def test_the_last_way_to_change_a_policy_is_kept(service: SimulatedService) -> None:
    """Neither at creation nor later can who asks lock himself out, unless he insists."""
    locked = _policy({"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "kms:*", "Resource": "*"}, root=False)
    with refused("MalformedPolicyDocumentException", LOCKOUT):
        service.create(policy=locked)
    key_id = service.create()
    with refused("MalformedPolicyDocumentException", LOCKOUT):
        service.call("PutKeyPolicy", key_id=key_id, policy=locked)
    service.call("PutKeyPolicy", key_id=key_id, policy=locked, bypass_policy_lockout_safety_check=True)
    with refused("AccessDeniedException"):
        service.call("DescribeKey", key_id=key_id)
    service.create(policy=locked, bypass_policy_lockout_safety_check=True)


def test_a_policy_has_an_end(service: SimulatedService) -> None:
    """32,768 bytes of UTF-8, also for who insists."""
    with refused("LimitExceededException"):
        service.create(policy="é" * 16_385, bypass_policy_lockout_safety_check=True)


def test_who_asks_without_identity_policies_has_what_key_policies_give(service: SimulatedService) -> None:
    """A user whom the key policy names may what it says; the account's permission is not his."""
    named = {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "kms:Encrypt", "Resource": "*"}
    key_id = service.create(policy=_policy(named))
    claims = msgspec.structs.replace(service.claims("Encrypt"), principal=PrincipalArn(USER), id=bytes(16))
    service.answer("Encrypt", EncryptRequest(key_id=key_id, plaintext=b"x"), claims)
    with refused("AccessDeniedException"):
        service.answer("DisableKey", DisableKeyRequest(key_id=key_id), claims)
    with refused("AccessDeniedException"):
        service.answer("CreateKey", CreateKeyRequest(), claims)
    for wrong in ({"principal": "nobody"}, {"account": OTHER_ACCOUNT}):
        with pytest.raises(FormatError):
            service.answer("CreateKey", CreateKeyRequest(), msgspec.structs.replace(claims, **wrong))


def test_a_stored_policy_that_is_none_allows_nothing(service: SimulatedService) -> None:
    """Even if a head names it."""
    key_id: KeyId = service.create()
    record, text = service.records[key_id], b"no policy"
    head = msgspec.structs.replace(service.head(key_id), policy=attachment_digest(text))
    sealed = service.vault.seal_head(encode(head)).head
    service.records[key_id] = KeyRecord(sealed, record.tokens, {POLICY: text})
    with pytest.raises(RecordError, match="policy"):
        service.encrypt(key_id)


def test_a_policy_may_ask_whether_the_caller_insists(service: SimulatedService) -> None:
    """To put a policy without the lockout check can be denied by itself."""
    key_id = service.create()
    insisting = _deny("kms:PutKeyPolicy", Bool={"kms:BypassPolicyLockoutSafetyCheck": "true"})
    service.call("PutKeyPolicy", key_id=key_id, policy=insisting)
    with refused("AccessDeniedException"):
        service.call("PutKeyPolicy", key_id=key_id, policy=_policy(), bypass_policy_lockout_safety_check=True)
    service.call("PutKeyPolicy", key_id=key_id, policy=_policy())


@pytest.mark.parametrize("most", [0, 500, 10_000])
def test_policies_are_remembered_within_bounds(most: int) -> None:
    """The oldest is forgotten, and read again when it is asked for; one that is too long is never kept."""
    judge = PolicyJudge(most)
    service = SimulatedService(policies=judge)
    for number in range(4):
        service.create(policy=_deny("kms:DisableKey", StringNotEquals={"kms:ViaService": str(number)}))
    for key_id in (*service.records, *service.records):
        service.encrypt(key_id)
        with refused("AccessDeniedException"):
            service.call("DisableKey", key_id=key_id)
        assert judge.remembered <= most
    assert (judge.remembered > 0) is (most > 0)


def _asked(service: SimulatedService, who: str, name: str = "DescribeKey", **members: Any) -> Any:
    service.proofs += 1
    claims = msgspec.structs.replace(service.claims(name), principal=PrincipalArn(who))
    return service.answer(name, MODEL[name].input(**members), claims)


def test_what_is_remembered_is_only_what_no_circumstance_would_change(service: SimulatedService) -> None:
    """A statement with a condition is judged each time, whatever came of it before."""
    key_id = service.create(policy=_deny("kms:Encrypt", StringEquals={"kms:EncryptionContext:level": "secret"}))
    for _ in range(2):
        service.encrypt(key_id, encryption_context={"level": "free"})
        with refused("AccessDeniedException"):
            service.encrypt(key_id, encryption_context={"level": "secret"})


def test_what_is_remembered_of_one_is_not_of_another(service: SimulatedService) -> None:
    """Another principal, action, key and policy are asked for anew, each after the same was allowed."""
    allow = {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "kms:DescribeKey", "Resource": "*"}
    policy = _policy(allow)
    key_id, other = service.create(policy=policy), service.create()
    for _ in range(2):
        _asked(service, USER, key_id=key_id)
        for who, name, key in (
            (USER.replace("alice", "bob"), "DescribeKey", key_id),
            (USER, "GetKeyPolicy", key_id),
            (USER, "DescribeKey", other),
        ):
            with refused("AccessDeniedException"):
                _asked(service, who, name, key_id=key)
    service.call("PutKeyPolicy", key_id=key_id, policy=_policy())
    with refused("AccessDeniedException"):
        _asked(service, USER, key_id=key_id)
    service.call("PutKeyPolicy", key_id=key_id, policy=policy)
    _asked(service, USER, key_id=key_id)


def test_an_answer_is_remembered_for_the_principal_of_its_account_alone(service: SimulatedService) -> None:
    """Claims that contradict one another are refused, also after the same principal was allowed."""
    key_id = service.create()
    _asked(service, f"arn:aws:iam::{ACCOUNT}:root", key_id=key_id)
    claims = msgspec.structs.replace(service.claims("DescribeKey"), account=OTHER_ACCOUNT)
    with pytest.raises(FormatError):
        service.answer("DescribeKey", MODEL["DescribeKey"].input(key_id=service.head(key_id).arn), claims)


def test_a_grant_is_asked_for_although_the_policy_was_remembered(service: SimulatedService) -> None:
    """A key that gets a grant, and loses it, is judged by what it has at the moment."""
    key_id = service.create()
    with refused("AccessDeniedException"):
        _asked(service, USER, key_id=key_id)
    grant = service.call("CreateGrant", key_id=key_id, grantee_principal=USER, operations=["DescribeKey"]).grant_id
    _asked(service, USER, key_id=key_id)
    service.call("RevokeGrant", key_id=key_id, grant_id=grant)
    with refused("AccessDeniedException"):
        _asked(service, USER, key_id=key_id)


def test_answers_are_remembered_within_bounds() -> None:
    """As many as there may be, the newest of them; and what is remembered saves the judging."""
    judge = PolicyJudge(allowed=3)
    service = SimulatedService(policies=judge)
    keys = [service.create() for _ in range(5)]
    for key_id in keys:
        service.encrypt(key_id)
        assert judge.answers <= 3
    assert judge.answers == 3
