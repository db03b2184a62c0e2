"""Policy variables: where they stand, what they stand for, and what their values cannot do."""

import pytest

from keystead.core.policy.variables import Values
from tests.unit.core.policy.world import ALICE, KEY, decide, key_policy, refusal, request, statement, text

ALLOWED, DENIED = "allowed", "KEY"
TEAM = "${aws:PrincipalTag/team}"
OWN: dict[str, Values] = {"aws:principaltag/team": "red", "aws:resourcetag/team": "red"}

JUDGED: dict[str, tuple[str, str, dict[str, Values], str]] = {
    "a variable is the request's value": ("StringEquals", TEAM, OWN, ALLOWED),
    "another value is not the variable's": (
        "StringEquals",
        TEAM,
        {"aws:principaltag/team": "blue", "aws:resourcetag/team": "red"},
        DENIED,
    ),
    "a variable without a value matches nothing": ("StringEquals", TEAM, {"aws:resourcetag/team": "red"}, DENIED),
    "a variable without a value does not match its own text": (
        "StringEquals",
        TEAM,
        {"aws:resourcetag/team": TEAM},
        DENIED,
    ),
    "a variable without a value is no ground to allow by a negated operator": (
        "StringNotEquals",
        TEAM,
        {"aws:resourcetag/team": "red"},
        DENIED,
    ),
    "a negated operator allows when the variable has another value": (
        "StringNotEquals",
        TEAM,
        {"aws:principaltag/team": "blue", "aws:resourcetag/team": "red"},
        ALLOWED,
    ),
    "names of variables ignore case": ("StringEquals", "${AWS:principaltag/TEAM}", OWN, ALLOWED),
    "spaces around a name do not count": ("StringEquals", "${ aws:PrincipalTag/team }", OWN, ALLOWED),
    "a default stands in for a missing value": (
        "StringEquals",
        "${aws:PrincipalTag/team, 'red'}",
        {"aws:resourcetag/team": "red"},
        ALLOWED,
    ),
    "a default does not replace a value": (
        "StringEquals",
        "${aws:PrincipalTag/team, 'red'}",
        {"aws:principaltag/team": "blue", "aws:resourcetag/team": "red"},
        DENIED,
    ),
    "an empty default is a value": (
        "StringEquals",
        "${aws:PrincipalTag/team,''}red",
        {"aws:resourcetag/team": "red"},
        ALLOWED,
    ),
    "a variable stands among text": (
        "StringEquals",
        f"team-{TEAM}-x",
        OWN | {"aws:resourcetag/team": "team-red-x"},
        ALLOWED,
    ),
    "two variables stand side by side": (
        "StringEquals",
        f"{TEAM}{TEAM}",
        OWN | {"aws:resourcetag/team": "redred"},
        ALLOWED,
    ),
    "a key of several values is no variable": (
        "StringEquals",
        TEAM,
        {"aws:principaltag/team": ("red", "blue"), "aws:resourcetag/team": "red"},
        DENIED,
    ),
    "a key of several values that has one is a variable": (
        "StringEquals",
        TEAM,
        {"aws:principaltag/team": ("red",), "aws:resourcetag/team": "red"},
        ALLOWED,
    ),
    "a star in a value is a star": (
        "StringLike",
        TEAM,
        {"aws:principaltag/team": "*", "aws:resourcetag/team": "red"},
        DENIED,
    ),
    "a wildcard beside a variable is a wildcard": (
        "StringLike",
        f"{TEAM}-*",
        OWN | {"aws:resourcetag/team": "red-1"},
        ALLOWED,
    ),
    "a variable in a value is not read again": (
        "StringEquals",
        TEAM,
        {"aws:principaltag/team": "${aws:username}", "aws:username": "red", "aws:resourcetag/team": "red"},
        DENIED,
    ),
    "a star in braces is a star": ("StringLike", "${*}", {"aws:resourcetag/team": "*"}, ALLOWED),
    "a star in braces is no wildcard": ("StringLike", "${*}", {"aws:resourcetag/team": "red"}, DENIED),
    "a question mark in braces is a question mark": ("StringLike", "${?}", {"aws:resourcetag/team": "?"}, ALLOWED),
    "a question mark in braces is no wildcard": ("StringLike", "${?}", {"aws:resourcetag/team": "r"}, DENIED),
    "a dollar in braces is a dollar": ("StringEquals", "${$}{x}", {"aws:resourcetag/team": "${x}"}, ALLOWED),
    "a dollar alone is a dollar": ("StringEquals", "$5", {"aws:resourcetag/team": "$5"}, ALLOWED),
    "a variable without regard to case is compared so": (
        "StringEqualsIgnoreCase",
        TEAM,
        {"aws:principaltag/team": "RED", "aws:resourcetag/team": "red"},
        ALLOWED,
    ),
    "a variable stands for a truth value": (
        "Bool",
        TEAM,
        {"aws:principaltag/team": "true", "aws:resourcetag/team": "True"},
        ALLOWED,
    ),
    "a variable that is no truth value matches none": (
        "Bool",
        TEAM,
        {"aws:principaltag/team": "yes", "aws:resourcetag/team": "true"},
        DENIED,
    ),
    "a variable stands for a part of an ARN": (
        "ArnLike",
        f"arn:aws:iam::*:role/{TEAM}",
        OWN | {"aws:resourcetag/team": "arn:aws:iam::111122223333:role/red"},
        ALLOWED,
    ),
    "a value does not reach over a colon of an ARN": (
        "ArnLike",
        f"arn:aws:iam::{TEAM}:role/x",
        {"aws:principaltag/team": "1:role/y", "aws:resourcetag/team": "arn:aws:iam::1:role/y:role/x"},
        DENIED,
    ),
}


@pytest.mark.parametrize(("operator", "value", "context", "expected"), JUDGED.values(), ids=JUDGED.keys())
def test_variables_in_conditions(operator: str, value: str, context: dict[str, Values], expected: str) -> None:
    """A condition on the resource's team tag is judged with the variable's value."""
    policy = key_policy(statement(Condition={operator: {"aws:ResourceTag/team": value}}))
    assert decide(policy, request(context=context)) == expected


def test_a_missing_variable_does_not_weaken_a_deny() -> None:
    """A statement that denies unless a tag is the caller's own applies to callers who have none."""
    deny = statement("Deny", Condition={"StringNotEquals": {"aws:ResourceTag/team": TEAM}})
    policy = key_policy(statement(), deny)
    assert decide(policy, request(context={"aws:resourcetag/team": "red"})) == "explicit"
    assert decide(policy, request(context=OWN)) == "allowed"


def test_variables_stand_in_resources() -> None:
    """A resource may name the key by a tag of who asks."""
    start, _, key_id = KEY.rpartition("/")
    policy = key_policy(statement(Resource=f"{start}/${{aws:PrincipalTag/key}}"))
    assert decide(policy, request(ALICE, context={"aws:principaltag/key": key_id})) == "allowed"
    assert decide(policy, request(ALICE, context={"aws:principaltag/key": "*"})) == "KEY"
    assert decide(policy, request(ALICE)) == "KEY"


def test_documents_of_2008_have_no_variables() -> None:
    """There ``${...}`` is the text that it is, well formed or not."""
    for value in (TEAM, "${", "${*}"):
        policy = key_policy(
            statement(Condition={"StringEquals": {"aws:ResourceTag/team": value}}), version="2008-10-17"
        )
        assert decide(policy, request(context={"aws:resourcetag/team": value})) == "allowed"
        assert decide(policy, request(context=OWN)) == "KEY"


REFUSED = {
    "a variable that does not end": "${aws:username",
    "a variable without a name": "${}",
    "a name of spaces": "${ }",
    "a name that is no condition key": "${username}",
    "a default without quotes": "${aws:username, x}",
    "a default whose quote does not end": "${aws:username, 'x}",
    "a variable in a variable": "${aws:PrincipalTag/${aws:username}}",
    "a wildcard in a name": "${aws:PrincipalTag/*}",
    "an empty name with a default": "${, 'x'}",
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_refused_variables(value: str) -> None:
    """What begins like a variable and is none is refused, in conditions and in resources."""
    in_condition = text(statement(Condition={"StringEquals": {"aws:ResourceTag/team": value}}))
    in_resource = text(statement(Resource=f"arn:aws:kms:*:*:key/{value}"))
    assert refusal(in_condition).code == refusal(in_resource).code == "MalformedPolicyDocumentException"


@pytest.mark.parametrize("operator", ["NumericEquals", "DateEquals", "IpAddress", "BinaryEquals", "Null"])
def test_other_operators_take_no_variables(operator: str) -> None:
    """Numbers, dates, addresses, bytes and Null are compared with what the policy itself says."""
    refused = refusal(text(statement(Condition={operator: {"aws:ResourceTag/team": TEAM}})))
    assert refused.code == "MalformedPolicyDocumentException"
