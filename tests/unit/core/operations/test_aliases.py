"""CreateAlias, UpdateAlias, DeleteAlias and ListAliases."""

from contextlib import nullcontext

import pytest

from keystead.identifiers import KeyId
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, START, SimulatedService, refused

ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:"
PREFIX = (
    'Alias must start with the prefix "alias/". '
    "Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)

MOVED_ELSEWHERE = (
    "Alias must be updated to a key of the same type (symmetric, asymmetric or HMAC) and the same key usage."
)
SIGNER = {"key_spec": "ECC_NIST_EDWARDS25519", "key_usage": "SIGN_VERIFY"}


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


def _names(service: SimulatedService, key_id: KeyId) -> list[str]:
    return [entry.alias_name for entry in service.call("ListAliases", key_id=key_id).aliases]


def test_an_alias_is_created_moved_and_deleted(service: SimulatedService) -> None:
    """What it points to is what its key says; the key stays when the alias goes."""
    one, other = service.create(), service.create()
    assert service.call("CreateAlias", alias_name="alias/app", target_key_id=one) is None
    assert service.call("DescribeKey", key_id="alias/app").key_metadata.key_id == one
    service.clock += 5
    assert service.call("UpdateAlias", alias_name="alias/app", target_key_id=service.head(other).arn) is None
    assert service.call("DescribeKey", key_id="alias/app").key_metadata.key_id == other
    assert (_names(service, one), _names(service, other)) == ([], ["alias/app"])
    assert service.call("DeleteAlias", alias_name="alias/app") is None
    with refused("NotFoundException", f"Alias {ARN}alias/app is not found."):
        service.call("DescribeKey", key_id="alias/app")
    assert service.call("DescribeKey", key_id=other).key_metadata.key_id == other


def test_an_alias_keeps_the_moment_of_its_creation(service: SimulatedService) -> None:
    """A move changes the moment of the last change only, also a move to the same key."""
    one, other = service.create(), service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=one)
    for target in (other, other):
        service.clock += 5
        service.call("UpdateAlias", alias_name="alias/app", target_key_id=target)
    (entry,) = service.call("ListAliases").aliases
    assert (entry.alias_arn, entry.target_key_id) == (f"{ARN}alias/app", other)
    assert (entry.creation_date, entry.last_updated_date) == (START / 1000, (START + 10) / 1000)


def test_a_name_is_taken_once(service: SimulatedService) -> None:
    """By the same key or by another; in another account it is free."""
    one, other = service.create(), service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=one)
    for target in (one, other):
        with refused("AlreadyExistsException", f"An alias with the name {ARN}alias/app already exists"):
            service.call("CreateAlias", alias_name="alias/app", target_key_id=target)
    theirs = service.create(OTHER_ACCOUNT)
    service.call("CreateAlias", OTHER_ACCOUNT, alias_name="alias/app", target_key_id=theirs)
    assert service.call("DescribeKey", OTHER_ACCOUNT, key_id="alias/app").key_metadata.key_id == theirs


@pytest.mark.parametrize("name", ["app", "alias/", "Alias/app", "aliases/app"])
@pytest.mark.parametrize("operation", ["CreateAlias", "UpdateAlias", "DeleteAlias"])
def test_a_name_without_the_prefix_is_refused(service: SimulatedService, operation: str, name: str) -> None:
    """Before anything is looked up."""
    target = {} if operation == "DeleteAlias" else {"target_key_id": "anything"}
    with refused("ValidationException", PREFIX):
        service.call(operation, ACCOUNT, alias_name=name, **target)


def test_names_of_the_service_are_reserved(service: SimulatedService) -> None:
    """Nobody can create them, so nobody can move or delete them."""
    key_id = service.create()
    with refused("InvalidAliasNameException"):
        service.call("CreateAlias", alias_name="alias/aws/s3", target_key_id=key_id)
    with refused("NotFoundException"):
        service.call("UpdateAlias", alias_name="alias/aws/s3", target_key_id=key_id)
    with refused("NotFoundException"):
        service.call("DeleteAlias", alias_name="alias/aws/s3")


def test_a_key_has_at_most_50_aliases(service: SimulatedService) -> None:
    """Neither a new one nor one that is moved makes more."""
    one, other = service.create(), service.create()
    for number in range(50):
        service.call("CreateAlias", alias_name=f"alias/{number}", target_key_id=one)
    service.call("CreateAlias", alias_name="alias/other", target_key_id=other)
    with refused("LimitExceededException"):
        service.call("CreateAlias", alias_name="alias/one-more", target_key_id=one)
    with refused("LimitExceededException"):
        service.call("UpdateAlias", alias_name="alias/other", target_key_id=one)
    service.call("UpdateAlias", alias_name="alias/7", target_key_id=one)


def test_an_alias_is_no_target(service: SimulatedService) -> None:
    """A target is named by id or ARN."""
    key_id = service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    for operation in ("CreateAlias", "UpdateAlias"):
        with refused("NotFoundException", "Invalid keyId 'alias/app'"):
            service.call(operation, alias_name="alias/app", target_key_id="alias/app")


@pytest.mark.parametrize(
    "members",
    [
        {"key_spec": "HMAC_256", "key_usage": "GENERATE_VERIFY_MAC"},
        {"key_spec": "ECC_NIST_P256", "key_usage": "SIGN_VERIFY"},
        {"key_spec": "ECC_NIST_P256", "key_usage": "KEY_AGREEMENT"},
        {"key_spec": "RSA_2048", "key_usage": "ENCRYPT_DECRYPT"},
    ],
)
def test_an_alias_is_not_moved_to_a_key_of_another_use(service: SimulatedService, members: dict[str, str]) -> None:
    """Type (symmetric, asymmetric or HMAC) and usage stay; another spec of them is as good."""
    one, other, signer = service.create(), service.create(ACCOUNT, **members), service.create(ACCOUNT, **SIGNER)
    for name, target in (("alias/one", one), ("alias/signer", signer)):
        service.call("CreateAlias", alias_name=name, target_key_id=target)
        is_same = target == signer and members["key_usage"] == "SIGN_VERIFY"
        with nullcontext() if is_same else refused("ValidationException", MOVED_ELSEWHERE):
            service.call("UpdateAlias", alias_name=name, target_key_id=other)
        assert _names(service, target) == ([] if is_same else [name])


def test_an_alias_of_a_key_pending_deletion_can_leave_and_not_come(service: SimulatedService) -> None:
    """The state of the target counts, not that of the key that is left."""
    dying, other = service.create(), service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=dying)
    service.call("ScheduleKeyDeletion", key_id=dying)
    service.call("UpdateAlias", alias_name="alias/app", target_key_id=other)
    pending = f"{service.head(dying).arn} is pending deletion."
    for operation, name in (("UpdateAlias", "alias/app"), ("CreateAlias", "alias/new")):
        with refused("KMSInvalidStateException", pending):
            service.call(operation, alias_name=name, target_key_id=dying)


def test_aliases_need_permissions_on_the_alias_and_on_every_key(service: SimulatedService) -> None:
    """Create and delete: the alias and its key; update: the alias, the key that it leaves and the one it goes to."""
    one, other = service.create(), service.create()
    alias, first, second = f"{ARN}alias/app", service.head(one).arn, service.head(other).arn
    service.judge.asked.clear()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=one)
    service.call("UpdateAlias", alias_name="alias/app", target_key_id=other)
    service.call("DeleteAlias", alias_name="alias/app")
    assert service.judge.permissions == [
        ("kms:CreateAlias", alias),
        ("kms:CreateAlias", first),
        ("kms:UpdateAlias", alias),
        ("kms:UpdateAlias", first),
        ("kms:UpdateAlias", second),
        ("kms:DeleteAlias", alias),
        ("kms:DeleteAlias", second),
    ]
    assert [access.key is None for access in service.judge.asked[:2]] == [True, False]


def test_a_stranger_learns_no_aliases_of_a_key(service: SimulatedService) -> None:
    """ListAliases asks no key policy, so it answers about keys of the caller's account only."""
    key_id = service.create()
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    with refused("AccessDeniedException"):
        service.call("ListAliases", OTHER_ACCOUNT, key_id=service.head(key_id).arn)
    assert service.call("ListAliases", OTHER_ACCOUNT).aliases == []
