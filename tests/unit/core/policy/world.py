"""Accounts, principals and one key, and short ways to write policies about them and to ask."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.document import PolicyKind, parse
from keystead.core.policy.evaluation import Identity, Root, evaluate
from keystead.core.policy.grants import Grant, NewGrant
from keystead.core.policy.principals import Principal, principal, root_user
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.variables import Values
from keystead.core.policy.verdict import Allowed, DeniedExplicitly, Verdict
from keystead.errors import ServiceError
from keystead.identifiers import AccountId

ACCOUNT = AccountId("111122223333")
OTHER = AccountId("444455556666")
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/one"

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
ALICE_ARN = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
BOB_ARN = f"arn:aws:iam::{ACCOUNT}:user/bob"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/team/builder"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/builder/nightly"
FEDERATED_ARN = f"arn:aws:sts::{ACCOUNT}:federated-user/visitor"
OTHER_ROOT_ARN = f"arn:aws:iam::{OTHER}:root"
OTHER_ALICE_ARN = f"arn:aws:iam::{OTHER}:user/alice"
ALICE_ID = "AIDAEXAMPLEEXAMPLE222"
ROLE_ID = "AROAEXAMPLEEXAMPLE222"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com"

ROOT = root_user(ACCOUNT)
ALICE = principal(ALICE_ARN, unique_id=ALICE_ID)
BOB = principal(BOB_ARN)
SESSION = principal(SESSION_ARN, role=ROLE_ARN, unique_id=ROLE_ID, provider=PROVIDER)
FEDERATED = principal(FEDERATED_ARN)
OTHER_ROOT = root_user(OTHER)
OTHER_ALICE = principal(OTHER_ALICE_ARN)
STRANGER = principal("arn:aws:iam::777788889999:user/eve")

Json = dict[str, Any]


def statement(effect: str = "Allow", /, **elements: Any) -> Json:
    """Return a statement about everyone, every action and this key, but for the elements that are given.

    An element given as None is left out.
    """
    written: Json = {"Effect": effect, "Principal": "*", "Action": "kms:*", "Resource": "*"}
    for name, opposite in (("NotPrincipal", "Principal"), ("NotAction", "Action"), ("NotResource", "Resource")):
        if name in elements:
            del written[opposite]
    return {name: value for name, value in (written | elements).items() if value is not None}


def text(*statements: Json, version: str = "2012-10-17") -> str:
    """Return the text of a policy."""
    return json.dumps({"Version": version, "Statement": list(statements)})


def key_policy(*statements: Json, version: str = "2012-10-17") -> Compiled:
    """Return a key policy."""
    return compiled(parse(text(*statements, version=version)))


def attached(*statements: Json, kind: PolicyKind = PolicyKind.IDENTITY) -> Compiled:
    """Return a policy that is attached to who asks; the statements' principals are left out."""
    bare = [{name: value for name, value in one.items() if name != "Principal"} for one in statements]
    return compiled(parse(text(*bare), kind))


def request(
    asks: Principal = ALICE,
    action: str = "kms:Encrypt",
    resource: str = KEY,
    context: Mapping[str, Values] | None = None,
    encryption_context: Mapping[str, str] | None = None,
    new_grant: NewGrant | None = None,
) -> AccessRequest:
    """Return a request on the key of ``ACCOUNT``."""
    return AccessRequest(
        principal=asks,
        action=action,
        resource=resource,
        resource_account=ACCOUNT,
        context=context or {},
        encryption_context=encryption_context or {},
        new_grant=new_grant,
    )


def outcome(verdict: Verdict) -> str:
    """Return ``allowed``, ``explicit`` or what was lacking, in one word."""
    if isinstance(verdict, Allowed):
        return "allowed"
    return "explicit" if isinstance(verdict, DeniedExplicitly) else verdict.lacking.name


def decide(
    policy: Compiled | None, asks: AccessRequest, identity: Identity = (), grants: tuple[Grant, ...] = ()
) -> str:
    """Return the outcome of one decision."""
    return outcome(evaluate(asks, policy, identity, grants))


def refusal(written: str | bytes, kind: PolicyKind = PolicyKind.KEY) -> ServiceError:
    """Return the error with which a text is refused."""
    with pytest.raises(ServiceError) as refused:
        parse(written, kind)
    return refused.value


EVERYTHING = attached(statement())
NOTHING: Identity = ()
AS_ROOT: Identity = Root.USER
