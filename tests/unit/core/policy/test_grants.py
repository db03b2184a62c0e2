"""Grants: for whom, for what, under which encryption context, and what may be passed on."""

from collections.abc import Mapping
from typing import Any

import pytest

from keystead.core.policy.evaluation import Identity, evaluate
from keystead.core.policy.grants import GRANTABLE, Constraint, Grant, NewGrant, may_retire
from keystead.core.policy.principals import Principal
from keystead.core.policy.verdict import Allowed, GrantGround
from tests.unit.core.policy.world import (
    ACCOUNT,
    ALICE,
    ALICE_ARN,
    BOB,
    BOB_ARN,
    EVERYTHING,
    NOTHING,
    OTHER_ALICE,
    OTHER_ALICE_ARN,
    OTHER_ROOT,
    ROLE_ARN,
    ROOT,
    ROOT_ARN,
    SESSION,
    SESSION_ARN,
    attached,
    decide,
    key_policy,
    request,
    statement,
)

NOBODY = key_policy(statement(Action="kms:PutKeyPolicy"))
TENANT = {"tenant": "7"}
EQUALS = Constraint("Equals", TENANT)
SUBSET = Constraint("Subset", TENANT)


def grant(grantee: str = ALICE_ARN, *operations: str, constraint: Constraint | None = None, **more: Any) -> Grant:
    """Return a grant; for Encrypt if no operation is named."""
    return Grant(
        id="g", grantee=grantee, operations=frozenset(operations or ("Encrypt",)), constraint=constraint, **more
    )


CASES: dict[str, tuple[Grant, Principal, str, Identity, str]] = {
    "the grantee may": (grant(), ALICE, "kms:Encrypt", NOTHING, "allowed"),
    "someone else may not": (grant(), BOB, "kms:Encrypt", (EVERYTHING,), "KEY"),
    "another operation is not granted": (grant(), ALICE, "kms:Decrypt", (EVERYTHING,), "KEY"),
    "one of several operations is": (grant(ALICE_ARN, "Sign", "Decrypt"), ALICE, "kms:Decrypt", NOTHING, "allowed"),
    "half of ReEncrypt is granted by itself": (
        grant(ALICE_ARN, "ReEncryptFrom"),
        ALICE,
        "kms:ReEncryptTo",
        NOTHING,
        "KEY",
    ),
    "operations are no patterns": (grant(ALICE_ARN, "*"), ALICE, "kms:Encrypt", NOTHING, "KEY"),
    "what no grant can be for is not granted": (
        grant(ALICE_ARN, "ScheduleKeyDeletion"),
        ALICE,
        "kms:ScheduleKeyDeletion",
        NOTHING,
        "KEY",
    ),
    "an operation of another service is not granted": (grant(), ALICE, "Encrypt", NOTHING, "KEY"),
    "a role's session may": (grant(ROLE_ARN), SESSION, "kms:Encrypt", NOTHING, "allowed"),
    "one session may": (grant(SESSION_ARN), SESSION, "kms:Encrypt", NOTHING, "allowed"),
    "an account's user needs an identity policy": (grant(ROOT_ARN), ALICE, "kms:Encrypt", NOTHING, "IDENTITY"),
    "an account's user may with it": (grant(ROOT_ARN), ALICE, "kms:Encrypt", (EVERYTHING,), "allowed"),
    "another account's user needs its own identity policy": (
        grant(OTHER_ALICE_ARN),
        OTHER_ALICE,
        "kms:Encrypt",
        NOTHING,
        "IDENTITY",
    ),
    "another account's user may with both": (
        grant(OTHER_ALICE_ARN),
        OTHER_ALICE,
        "kms:Encrypt",
        (EVERYTHING,),
        "allowed",
    ),
    "a denial outweighs a grant": (grant(), ALICE, "kms:Encrypt", (attached(statement("Deny")),), "explicit"),
}


@pytest.mark.parametrize(("one", "asks", "action", "identity", "expected"), CASES.values(), ids=CASES.keys())
@pytest.mark.requirement("APIPOL-08")
def test_grants(one: Grant, asks: Principal, action: str, identity: Identity, expected: str) -> None:
    """A key policy that is silent leaves the decision to the grant."""
    assert decide(NOBODY, request(asks, action), identity, (one,)) == expected


CONSTRAINED: dict[str, tuple[Constraint, str, Mapping[str, str], str]] = {
    "the equal encryption context": (EQUALS, "Encrypt", TENANT, "allowed"),
    "a larger one is not equal": (EQUALS, "Encrypt", TENANT | {"a": "b"}, "KEY"),
    "none is not equal": (EQUALS, "Encrypt", {}, "KEY"),
    "order does not matter": (Constraint("Equals", {"a": "b", "c": "d"}), "Encrypt", {"c": "d", "a": "b"}, "allowed"),
    "the equal one is a subset": (SUBSET, "Encrypt", TENANT, "allowed"),
    "a larger one has it as a subset": (SUBSET, "Decrypt", TENANT | {"a": "b"}, "allowed"),
    "another value is no subset": (SUBSET, "Decrypt", {"tenant": "8"}, "KEY"),
    "another case of the value is no subset": (Constraint("Subset", {"t": "x"}), "Decrypt", {"t": "X"}, "KEY"),
    "another case of the name is no subset": (SUBSET, "GenerateDataKey", {"Tenant": "7"}, "KEY"),
    "ReEncrypt is constrained": (SUBSET, "ReEncryptTo", {}, "KEY"),
    "key pairs are constrained": (SUBSET, "GenerateDataKeyPair", {}, "KEY"),
    "DescribeKey is not constrained": (EQUALS, "DescribeKey", {}, "allowed"),
    "RetireGrant is not constrained": (EQUALS, "RetireGrant", {}, "allowed"),
    "what has no encryption context is not granted under a constraint": (EQUALS, "Sign", {}, "KEY"),
}


@pytest.mark.parametrize(
    ("constraint", "operation", "encryption_context", "expected"), CONSTRAINED.values(), ids=CONSTRAINED.keys()
)
@pytest.mark.requirement("ENV-18")
def test_constraints(
    constraint: Constraint, operation: str, encryption_context: Mapping[str, str], expected: str
) -> None:
    """The grant is for the operation only under an encryption context that it accepts."""
    one = grant(ALICE_ARN, operation, constraint=constraint)
    asked = request(ALICE, f"kms:{operation}", encryption_context=encryption_context)
    assert decide(NOBODY, asked, NOTHING, (one,)) == expected


BOTH = frozenset({"Encrypt", "CreateGrant"})
PASSED_ON: dict[str, tuple[Constraint | None, NewGrant | None, str]] = {
    "the same operations": (None, NewGrant(BOTH), "allowed"),
    "fewer operations": (None, NewGrant(frozenset({"Encrypt"})), "allowed"),
    "one operation more": (None, NewGrant(BOTH | {"Decrypt"}), "KEY"),
    "nothing that says what": (None, None, "KEY"),
    "a constraint where there was none": (None, NewGrant(BOTH, EQUALS), "allowed"),
    "no constraint where there was one": (SUBSET, NewGrant(BOTH), "KEY"),
    "the same subset": (SUBSET, NewGrant(BOTH, SUBSET), "allowed"),
    "a subset of more pairs": (SUBSET, NewGrant(BOTH, Constraint("Subset", TENANT | {"a": "b"})), "allowed"),
    "a subset of other pairs": (SUBSET, NewGrant(BOTH, Constraint("Subset", {"a": "b"})), "KEY"),
    "equality in place of a subset": (SUBSET, NewGrant(BOTH, EQUALS), "allowed"),
    "equality without the pairs of the subset": (SUBSET, NewGrant(BOTH, Constraint("Equals", {})), "KEY"),
    "the same equality": (EQUALS, NewGrant(BOTH, EQUALS), "allowed"),
    "another equality": (EQUALS, NewGrant(BOTH, Constraint("Equals", TENANT | {"a": "b"})), "KEY"),
    "a subset in place of equality": (EQUALS, NewGrant(BOTH, SUBSET), "KEY"),
}


@pytest.mark.parametrize(("constraint", "new_grant", "expected"), PASSED_ON.values(), ids=PASSED_ON.keys())
def test_passing_on(constraint: Constraint | None, new_grant: NewGrant | None, expected: str) -> None:
    """A grantee makes grants that allow no more than its own."""
    one = grant(ALICE_ARN, *BOTH, constraint=constraint)
    assert decide(NOBODY, request(ALICE, "kms:CreateGrant", new_grant=new_grant), NOTHING, (one,)) == expected


RETIRING: dict[str, tuple[Grant, Principal, bool]] = {
    "the retiring principal may": (grant(retiring=BOB_ARN), BOB, True),
    "the retiring role's session may": (grant(retiring=ROLE_ARN), SESSION, True),
    "the grantee may not by itself": (grant(retiring=BOB_ARN), ALICE, False),
    "the grantee may if that was granted": (grant(ALICE_ARN, "RetireGrant"), ALICE, True),
    "someone else may not if that was granted": (grant(ALICE_ARN, "RetireGrant"), BOB, False),
    "the account's root user may": (grant(), ROOT, True),
    "another account's root user may not": (grant(), OTHER_ROOT, False),
    "another account's root user may if it is the retiring principal": (
        grant(retiring=OTHER_ROOT.arn),
        OTHER_ROOT,
        True,
    ),
    "a user of the retiring account may not by itself": (grant(retiring=OTHER_ROOT.arn), OTHER_ALICE, False),
}


@pytest.mark.parametrize(("one", "asks", "may"), RETIRING.values(), ids=RETIRING.keys())
def test_retiring(one: Grant, asks: Principal, *, may: bool) -> None:
    """Who may retire a grant by itself."""
    assert may_retire(one, asks, ACCOUNT) is may


def test_the_grant_that_allows_is_the_ground() -> None:
    """The verdict names the grant by id."""
    others = tuple(Grant(id=str(n), grantee=BOB_ARN, operations=frozenset({"Encrypt"})) for n in range(3))
    mine = Grant(id="mine", grantee=ALICE_ARN, operations=frozenset({"Encrypt"}))
    assert evaluate(request(), NOBODY, NOTHING, (*others, mine)) == Allowed((GrantGround("mine"),))


def test_seventeen_operations_can_be_granted() -> None:
    """They are those of the service model, and no other."""
    assert len(GRANTABLE) == 19
    for operation in sorted(GRANTABLE - {"CreateGrant"}):
        assert decide(NOBODY, request(ALICE, f"kms:{operation}"), NOTHING, (grant(ALICE_ARN, operation),)) == "allowed"
