"""The lockout safety check, the default policy, and explanations for people."""

import json

import pytest

from keystead.core.policy.compiled import compiled
from keystead.core.policy.default import default_policy
from keystead.core.policy.document import parse
from keystead.core.policy.evaluation import Identity
from keystead.core.policy.explanation import explain
from keystead.core.policy.grants import Grant
from keystead.core.policy.lockout import keep_changeable
from keystead.core.policy.principals import Principal
from keystead.errors import ServiceError
from tests.unit.core.policy.world import (
    ACCOUNT,
    ALICE,
    ALICE_ARN,
    AS_ROOT,
    BOB_ARN,
    EVERYTHING,
    NOTHING,
    OTHER_ROOT_ARN,
    ROLE_ARN,
    ROOT,
    ROOT_ARN,
    SESSION,
    Json,
    attached,
    decide,
    key_policy,
    request,
    statement,
)

LOCKOUT: dict[str, tuple[list[Json], Principal, Identity, bool]] = {
    "the user who is named": ([statement(Principal={"AWS": ALICE_ARN})], ALICE, NOTHING, True),
    "the role whose session asks": ([statement(Principal={"AWS": ROLE_ARN})], SESSION, NOTHING, True),
    "the account with an identity policy": ([statement(Principal={"AWS": ROOT_ARN})], ALICE, (EVERYTHING,), True),
    "the account without one": ([statement(Principal={"AWS": ROOT_ARN})], ALICE, NOTHING, False),
    "the root user": ([statement(Principal={"AWS": ROOT_ARN})], ROOT, AS_ROOT, True),
    "only this action": ([statement(Action="kms:PutKeyPolicy")], ALICE, NOTHING, True),
    "every action but this": ([statement(NotAction="kms:PutKeyPolicy")], ALICE, (EVERYTHING,), False),
    "someone else": ([statement(Principal={"AWS": BOB_ARN})], ALICE, (EVERYTHING,), False),
    "another account": ([statement(Principal={"AWS": OTHER_ROOT_ARN})], ROOT, AS_ROOT, False),
    "a denial of this action": ([statement(), statement("Deny", Action="kms:Put*")], ALICE, NOTHING, False),
    "a denial of another action": ([statement(), statement("Deny", Action="kms:Sign")], ALICE, NOTHING, True),
    "a condition that holds now": (
        [statement(Condition={"Bool": {"aws:SecureTransport": "true"}})],
        ALICE,
        NOTHING,
        True,
    ),
    "a condition that does not hold now": (
        [statement(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.1"}})],
        ALICE,
        NOTHING,
        False,
    ),
}


@pytest.mark.parametrize(("statements", "asks", "identity", "passes"), LOCKOUT.values(), ids=LOCKOUT.keys())
def test_lockout(statements: list[Json], asks: Principal, identity: Identity, *, passes: bool) -> None:
    """A new key policy must let who puts it put another."""
    asked = request(asks, "kms:CreateKey", context={"aws:securetransport": "true"})
    if passes:
        keep_changeable(asked, key_policy(*statements), identity)
        return
    with pytest.raises(ServiceError) as refused:
        keep_changeable(asked, key_policy(*statements), identity)
    assert refused.value.code == "MalformedPolicyDocumentException"
    assert refused.value.message == "The new key policy will not allow you to update the key policy in the future."


DEFAULT = """\
{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""


def test_the_default_policy_is_written_as_the_service_writes_it() -> None:
    """Two spaces of indentation, a space on either side of each colon, no line feed at the end."""
    assert default_policy(ACCOUNT) == DEFAULT
    assert json.loads(DEFAULT)["Id"] == "key-default-1"


def test_the_default_policy_leaves_the_decision_to_identity_policies() -> None:
    """The root user may everything, a user what identity policies allow."""
    policy = compiled(parse(default_policy(ACCOUNT)))
    assert decide(policy, request(ROOT), AS_ROOT) == "allowed"
    assert decide(policy, request(ALICE), NOTHING) == "IDENTITY"
    assert decide(policy, request(ALICE), (EVERYTHING,)) == "allowed"
    keep_changeable(request(ROOT), policy, AS_ROOT)


def test_an_explanation_tells_of_each_statement_why() -> None:
    """Each way of not matching has its own words, and the verdict comes last."""
    policy = key_policy(
        statement(Sid="bob", Principal={"AWS": BOB_ARN}),
        statement(Sid="sign", Action="kms:Sign"),
        statement(Sid="elsewhere", Resource="arn:aws:kms:eu-west-1:111122223333:key/x"),
        statement(Sid="mfa", Condition={"BoolIfExists": {"aws:SecureTransport": "true"}, "Null": {"aws:X": "false"}}),
        statement(Principal={"AWS": ROOT_ARN}),
    )
    grants = tuple(
        Grant(id=f"g{n}", grantee=grantee, operations=frozenset({operation}))
        for n, (grantee, operation) in enumerate([(BOB_ARN, "Encrypt"), (ALICE_ARN, "Decrypt")])
    )
    assert explain(request(ALICE), policy, (attached(statement(Action="kms:Decrypt")),), grants) == (
        'resource-based policy, statement 1 "bob": does not match: it does not name who asks',
        'resource-based policy, statement 2 "sign": does not match: it is not about the action',
        'resource-based policy, statement 3 "elsewhere": does not match: it is not about the resource',
        'resource-based policy, statement 4 "mfa": does not match: the condition "Null aws:X" does not hold',
        "resource-based policy, statement 5: matches and allows: it names the account: identity policies decide",
        'grant "g0": does not match: it is for someone else',
        'grant "g1": does not match: its operations or its constraint do not fit',
        "identity-based policy, statement 1: does not match: it is not about the action",
        "denied because no identity-based policy allows the kms:Encrypt action",
    )


def test_an_explanation_tells_what_matched() -> None:
    """Permissions and denials that match are told apart."""
    policy = key_policy(statement(Principal={"AWS": ALICE_ARN}), statement(), statement("Deny", Action="kms:Sign"))
    granted = Grant(id="g", grantee=ALICE_ARN, operations=frozenset({"Encrypt"}))
    assert explain(request(ALICE), policy, (EVERYTHING,), (granted,)) == (
        "resource-based policy, statement 1: matches and allows: it names who asks",
        "resource-based policy, statement 2: matches and allows: it names anyone, the role or the provider",
        "resource-based policy, statement 3: does not match: it is not about the action",
        'grant "g": matches and allows: it names who asks',
        "identity-based policy, statement 1: matches and allows",
        "allowed",
    )
    signing = explain(request(ALICE, "kms:Sign"), policy, NOTHING)
    assert signing[2:] == (
        "resource-based policy, statement 3: matches and denies",
        "denied with an explicit deny in a resource-based policy",
    )


def test_an_explanation_names_what_decides_alone() -> None:
    """For the root user, and for actions on no key."""
    root = explain(request(ROOT), key_policy(statement(Principal={"AWS": ROOT_ARN})), AS_ROOT)
    assert root[1:] == ("root user: may whatever the account may", "allowed")
    creating = explain(request(ALICE, "kms:CreateKey", "*"), None, NOTHING)
    assert creating == (
        "kms:CreateKey is decided by identity policies alone",
        "denied because no identity-based policy allows the kms:CreateKey action",
    )


def test_an_explanation_does_not_let_a_policy_control_the_terminal() -> None:
    """Texts of policies are quoted in ASCII."""
    policy = key_policy(statement(Sid="\x1b[2J", Condition={"StringEquals": {"aws:\x9b2J": "x"}}))
    lines = explain(request(ALICE), policy, NOTHING)
    assert all(line.isascii() and line.isprintable() for line in lines)
