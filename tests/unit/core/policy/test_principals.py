"""Principals: every form in which a policy names one, and whom it names."""

import json
from typing import Any

import pytest

from keystead.core.policy.principals import Principal, grantee, principal
from keystead.errors import FormatError, ServiceError
from tests.unit.core.policy.world import (
    ACCOUNT,
    ALICE,
    ALICE_ARN,
    ALICE_ID,
    BOB,
    BOB_ARN,
    EVERYTHING,
    FEDERATED,
    FEDERATED_ARN,
    NOTHING,
    OTHER,
    OTHER_ALICE,
    OTHER_ALICE_ARN,
    OTHER_ROOT,
    OTHER_ROOT_ARN,
    PROVIDER,
    ROLE_ARN,
    ROLE_ID,
    ROOT,
    ROOT_ARN,
    SESSION,
    SESSION_ARN,
    STRANGER,
    decide,
    key_policy,
    refusal,
    request,
    statement,
)

NAMED: dict[str, tuple[Any, Principal]] = {
    "a star is everyone of the account": ("*", ALICE),
    "a star among AWS principals is everyone": ({"AWS": "*"}, SESSION),
    "a star in a list is everyone": ({"AWS": [BOB_ARN, "*"]}, ALICE),
    "a star is the root user": ("*", ROOT),
    "a user is named by the ARN with its path": ({"AWS": ALICE_ARN}, ALICE),
    "a user is named by its unique id": ({"AWS": ALICE_ID}, ALICE),
    "one of several is enough": ({"AWS": [BOB_ARN, ALICE_ARN]}, ALICE),
    "a session is named by its ARN": ({"AWS": SESSION_ARN}, SESSION),
    "a session is named by its role with the path": ({"AWS": ROLE_ARN}, SESSION),
    "a session is named by its role's unique id": ({"AWS": ROLE_ID}, SESSION),
    "a session is named by the provider that opened it": ({"Federated": PROVIDER}, SESSION),
    "a federated user is named by its ARN": ({"AWS": FEDERATED_ARN}, FEDERATED),
    "kinds of principals are alternatives": ({"Service": "logs.amazonaws.com", "AWS": ALICE_ARN}, ALICE),
}
NOT_NAMED: dict[str, tuple[Any, Principal]] = {
    "another user": ({"AWS": BOB_ARN}, ALICE),
    "a user without its path is another": ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}, ALICE),
    "a user of the same name in another account": ({"AWS": OTHER_ALICE_ARN}, ALICE),
    "a role without its path is another": ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/builder"}, SESSION),
    "another session of the role": ({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/builder/daily"}, SESSION),
    "a user is no role of the same name": ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/bob"}, BOB),
    "another account": ({"AWS": OTHER}, ALICE),
    "a service": ({"Service": "logs.amazonaws.com"}, ALICE),
    "another provider": ({"Federated": "accounts.example.com"}, SESSION),
    "a provider for who came without": ({"Federated": PROVIDER}, ALICE),
    "another unique id": ({"AWS": "AIDAEXAMPLEEXAMPLE333"}, ALICE),
    "a user is not the root user": ({"AWS": ALICE_ARN}, ROOT),
    "names heed case": ({"AWS": ALICE_ARN.replace("alice", "Alice")}, ALICE),
}


@pytest.mark.parametrize(("element", "asks"), NAMED.values(), ids=NAMED.keys())
@pytest.mark.requirement("ENV-18", "APIPOL-07")
def test_named(element: Any, asks: Principal) -> None:
    """The statement allows the principal by itself, and denies it."""
    assert decide(key_policy(statement(Principal=element)), request(asks)) == "allowed"
    assert decide(key_policy(statement(), statement("Deny", Principal=element)), request(asks)) == "explicit"


@pytest.mark.parametrize(("element", "asks"), NOT_NAMED.values(), ids=NOT_NAMED.keys())
def test_not_named(element: Any, asks: Principal) -> None:
    """The statement neither allows nor denies the principal."""
    assert decide(key_policy(statement(Principal=element)), request(asks), (EVERYTHING,)) == "KEY"
    assert decide(key_policy(statement(), statement("Deny", Principal=element)), request(asks)) == "allowed"


@pytest.mark.parametrize("element", [{"AWS": ACCOUNT}, {"AWS": ROOT_ARN}, {"AWS": [OTHER, ROOT_ARN]}])
@pytest.mark.parametrize("asks", [ALICE, SESSION, FEDERATED])
def test_an_account_leaves_the_decision_to_identity_policies(element: Any, asks: Principal) -> None:
    """Whoever is of the account needs an identity policy too; a denial reaches all of them."""
    policy = key_policy(statement(Principal=element))
    assert decide(policy, request(asks), NOTHING) == "IDENTITY"
    assert decide(policy, request(asks), (EVERYTHING,)) == "allowed"
    denying = key_policy(statement(), statement("Deny", Principal=element))
    assert decide(denying, request(asks), (EVERYTHING,)) == "explicit"


INVALID: dict[str, Any] = {
    "no principal in an object": {},
    "a list of principals": ["*"],
    "an ARN without a kind": ALICE_ARN,
    "a number": 111122223333,
    "null": None,
    "a kind that does not exist": {"Everyone": "*"},
    "a canonical user": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    "a kind in another case": {"aws": ALICE_ARN},
    "an empty list": {"AWS": []},
    "an empty text": {"AWS": ""},
    "an account that is a JSON number": {"AWS": 111122223333},
    "an account of eleven digits": {"AWS": "11112222333"},
    "an account of digits that are not ASCII": {"AWS": "١١١١٢٢٢٢٣٣٣٣"},
    "one of several": {"AWS": [ALICE_ARN, "alice"]},
    "a list in a list": {"AWS": [[ALICE_ARN]]},
    "a wildcard in a name": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"},
    "a wildcard in an account": {"AWS": "arn:aws:iam::*:root"},
    "a wildcard for a session": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/builder/*"},
    "a group": {"AWS": f"arn:aws:iam::{ACCOUNT}:group/staff"},
    "an instance profile": {"AWS": f"arn:aws:iam::{ACCOUNT}:instance-profile/x"},
    "a session without a name": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/builder"},
    "another partition": {"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"},
    "another service's ARN": {"AWS": f"arn:aws:s3::{ACCOUNT}:user/x"},
    "an ARN with a region": {"AWS": f"arn:aws:iam:eu-central-1:{ACCOUNT}:user/x"},
    "a path beneath the root user": {"AWS": f"arn:aws:iam::{ACCOUNT}:root/x"},
    "a name that is too long": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{'x' * 65}"},
    "a name with a space": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/a b"},
    "a line feed behind a name": {"AWS": f"{ALICE_ARN}\n"},
    "a unique id of a group": {"AWS": "AGPAEXAMPLEEXAMPLE222"},
    "every service": {"Service": "*"},
    "a service without a domain": {"Service": "logs"},
    "a service in a list of other things": {"Service": ["logs.amazonaws.com", 5]},
    "every provider": {"Federated": "*"},
    "a provider of another kind": {"Federated": f"arn:aws:iam::{ACCOUNT}:user/x"},
}


@pytest.mark.parametrize("element", INVALID.values(), ids=INVALID.keys())
def test_invalid(element: Any) -> None:
    """The policy is refused in the words of the service, for Principal and NotPrincipal."""
    bare = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    for name in ("Principal", "NotPrincipal"):
        error = refusal(json.dumps({"Version": "2012-10-17", "Statement": bare | {name: element}}, ensure_ascii=True))
        assert error.code == "MalformedPolicyDocumentException"
        assert error.message == "Policy contains a statement with one or more invalid principals."


EXCEPTED: dict[str, tuple[list[str], Principal]] = {
    "a user whose account is listed too": ([ALICE_ARN, ROOT_ARN], ALICE),
    "a user by unique id": ([ALICE_ID, ACCOUNT], ALICE),
    "a session with its role and account": ([SESSION_ARN, ROLE_ARN, ROOT_ARN], SESSION),
    "the root user": ([ROOT_ARN], ROOT),
    "a root user of another account": ([OTHER_ROOT_ARN], OTHER_ROOT),
}
NOT_EXCEPTED: dict[str, tuple[list[str], Principal]] = {
    "a user without its account": ([ALICE_ARN], ALICE),
    "an account without the user": ([ROOT_ARN], ALICE),
    "a session without its role": ([SESSION_ARN, ROOT_ARN], SESSION),
    "a role without the session": ([ROLE_ARN, ROOT_ARN], SESSION),
    "a session and role without the account": ([SESSION_ARN, ROLE_ARN], SESSION),
    "someone else": ([BOB_ARN, ROOT_ARN], ALICE),
    "a user of another account": ([ALICE_ARN, ROOT_ARN], OTHER_ALICE),
}


@pytest.mark.parametrize(("listed", "asks"), EXCEPTED.values(), ids=EXCEPTED.keys())
def test_excepted_from_a_denial(listed: list[str], asks: Principal) -> None:
    """A denial for all but these spares who is listed with everything that he acts as."""
    policy = key_policy(statement(), statement("Deny", NotPrincipal={"AWS": listed}))
    assert decide(policy, request(asks), (EVERYTHING,)) == "allowed"


@pytest.mark.parametrize(("listed", "asks"), NOT_EXCEPTED.values(), ids=NOT_EXCEPTED.keys())
def test_not_excepted_from_a_denial(listed: list[str], asks: Principal) -> None:
    """A denial for all but these reaches who is not wholly listed."""
    policy = key_policy(statement(), statement("Deny", NotPrincipal={"AWS": listed}))
    assert decide(policy, request(asks), (EVERYTHING,)) == "explicit"


@pytest.mark.parametrize("listed", [ALICE_ARN, ALICE_ID, ROOT_ARN])
def test_a_permission_for_all_but_these_needs_no_list_to_be_whole(listed: str) -> None:
    """Who is listed by anything that he acts as gets nothing; others do."""
    policy = key_policy(statement(NotPrincipal={"AWS": listed}))
    assert decide(policy, request(ALICE), (EVERYTHING,)) == "KEY"
    assert decide(policy, request(STRANGER), (EVERYTHING,)) == "allowed"


IMPOSSIBLE: dict[str, dict[str, str]] = {
    "a role itself": {"arn": ROLE_ARN},
    "a session without its role": {"arn": SESSION_ARN},
    "a session of a role of another name": {"arn": SESSION_ARN, "role": f"arn:aws:iam::{ACCOUNT}:role/other"},
    "a session of another account's role": {"arn": SESSION_ARN, "role": f"arn:aws:iam::{OTHER}:role/builder"},
    "a session of a user": {"arn": SESSION_ARN, "role": ALICE_ARN},
    "a user with a role": {"arn": ALICE_ARN, "role": ROLE_ARN},
    "a root user with a unique id": {"arn": ROOT_ARN, "unique_id": ALICE_ID},
    "an account": {"arn": ACCOUNT},
    "a key": {"arn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/x"},
    "nobody": {"arn": ""},
}


@pytest.mark.parametrize("arguments", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_who_cannot_ask(arguments: dict[str, str]) -> None:
    """What is no principal that can sign a request is refused."""
    with pytest.raises(FormatError):
        principal(**arguments)


@pytest.mark.parametrize("written", ["*", "alice", "logs.amazonaws.com", ""])
def test_a_grant_names_one_principal(written: str) -> None:
    """A grantee is an account, a user, a role or a session; never anyone."""
    with pytest.raises(ServiceError):
        grantee(written)


def test_a_service_and_a_provider_are_no_names_of_aws_principals() -> None:
    """A text means what its kind says: a service called like a provider is not that provider."""
    asks = principal(SESSION_ARN, role=ROLE_ARN, provider="accounts.example.com")
    service = key_policy(statement(Principal={"Service": "accounts.example.com"}))
    provider = key_policy(statement(Principal={"Federated": "accounts.example.com"}))
    assert decide(service, request(asks)) == "KEY"
    assert decide(provider, request(asks)) == "allowed"
