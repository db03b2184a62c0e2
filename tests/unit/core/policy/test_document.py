"""The grammar of policy documents: what is read, and what is refused in which words."""

import json
from typing import Any

import pytest

from keystead.core.policy.document import MAX_SIZE, PolicyKind, parse
from tests.unit.core.policy.world import ALICE_ARN, ROOT_ARN, decide, key_policy, refusal, request, statement, text

BARE = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}


def document(**elements: Any) -> str:
    """Return the text of a policy with these elements beside, or in place of, the usual ones."""
    return json.dumps({"Version": "2012-10-17", "Statement": [BARE]} | elements)


ACCEPTED = {
    "a list of statements": text(BARE, BARE),
    "one statement without a list": document(Statement=BARE),
    "an Id": document(Id="key-default-1"),
    "an empty Id": document(Id=""),
    "the version of 2008": text(BARE, version="2008-10-17"),
    "no version": json.dumps({"Statement": BARE}),
    "a Sid with spaces": text(statement(Sid="Allow use of the key")),
    "one Sid twice": text(statement(Sid="a"), statement(Sid="a")),
    "a list of one action": text(statement(Action=["kms:Encrypt"])),
    "the action of all services": text(statement(Action="*")),
    "an action of all services by parts": text(statement(Action="*:*")),
    "an action that does not exist": text(statement(Action="kms:Fly")),
    "an action of another service": text(statement(Action=["kms:*", "s3:GetObject"])),
    "an action in another case": text(statement(Action="KMS:encrypt")),
    "NotAction": text(statement(NotAction="kms:Decrypt")),
    "NotResource": text(statement(NotResource="arn:aws:kms:*:*:key/x")),
    "NotPrincipal": text(statement("Deny", NotPrincipal={"AWS": ALICE_ARN})),
    "a resource that is an ARN": text(statement(Resource="arn:aws:kms:eu-central-1:111122223333:key/*")),
    "no action": text(statement(Action=None)),
    "no resource": text(statement(Resource=None)),
    "white space of every kind": " \t\r\n" + text(BARE) + "\n",
    "characters of Latin-1": text(statement(Sid="schlüssel")).encode().decode("unicode-escape"),
    "characters beyond Latin-1 that are escaped": text(statement(Sid="钥")),
    "bytes": text(BARE).encode(),
    "the greatest size": text(BARE).ljust(MAX_SIZE),
}


@pytest.mark.parametrize("written", ACCEPTED.values(), ids=ACCEPTED.keys())
@pytest.mark.requirement("APIPOL-06")
def test_accepted(written: str | bytes) -> None:
    """The text is a key policy."""
    assert parse(written).statements


REFUSED: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "Allow everything",
    "a list": "[]",
    "a text": '"Allow"',
    "a number": "5",
    "null": "null",
    "an empty object": "{}",
    "JSON that is cut short": text(BARE)[:-1],
    "something behind the JSON": text(BARE) + "}",
    "two documents": text(BARE) * 2,
    "a trailing comma": '{"Statement": [],}',
    "single quotes": text(BARE).replace('"', "'"),
    "NaN": '{"Statement": NaN}',
    "a line feed in a text": text(BARE).replace("kms:*", "kms:\n*"),
    "half a character": text(statement(Sid="x")).replace('"x"', '"\\ud800"'),
    "bytes that are no UTF-8": text(statement(Sid="x")).encode().replace(b"x", b"\xff"),
    "half a character in the text itself": text(BARE) + "\ud800",
    "a character beyond Latin-1": text(statement(Sid="x")).replace('"x"', '"钥"'),
    "a byte order mark": "\ufeff" + text(BARE),
    "a null character": text(BARE) + "\0",
    "a form feed": text(BARE) + "\f",
    "lists in lists without end": "[" * 30_000,
    "an element twice": text(BARE).replace('"Effect"', '"Effect": "Deny", "Effect"'),
    "an element twice in the document": '{"Statement": [], "Statement": []}',
    "an operator twice": text(statement(Condition={"Bool": {"a:b": True}})).replace(
        '"Bool"', '"Bool": {"a:b": "false"}, "Bool"'
    ),
    "a version that does not exist": document(Version="2020-01-01"),
    "a version that is a list": document(Version=["2012-10-17"]),
    "a version that is null": document(Version=None),
    "an Id that is a number": document(Id=5),
    "an Id that is null": document(Id=None),
    "an element that does not exist": document(Comment="x"),
    "an element in another case": document(statement=[]),
    "no statement": json.dumps({"Version": "2012-10-17"}),
    "an empty list of statements": document(Statement=[]),
    "statements that are text": document(Statement="Allow"),
    "a list in the list of statements": document(Statement=[[BARE]]),
    "one statement of several that is none": document(Statement=[BARE, None]),
    "an empty statement": document(Statement=[{}]),
    "an element of statements that does not exist": text(statement(Actions="kms:*")),
    "an element of statements in another case": text(statement(resource="*")),
    "a Sid that is a number": text(statement(Sid=5)),
    "no effect": text({name: value for name, value in BARE.items() if name != "Effect"}),
    "an effect in another case": text(statement("allow")),
    "an effect that does not exist": text(statement("Permit")),
    "an effect that is a list": text(BARE | {"Effect": ["Allow"]}),
    "neither Principal nor NotPrincipal": text(statement(Principal=None)),
    "both Principal and NotPrincipal": text(BARE | {"NotPrincipal": {"AWS": ROOT_ARN}}),
    "everyone excepted": text(statement("Deny", NotPrincipal="*")),
    "everyone excepted in a list": text(statement("Deny", NotPrincipal={"AWS": ["*"]})),
    "both Action and NotAction": text(BARE | {"NotAction": "kms:Encrypt"}),
    "both Resource and NotResource": text(BARE | {"NotResource": "*"}),
    "no action in a list": text(statement(Action=[])),
    "an action that is null": text(BARE | {"Action": None}),
    "an action that is a number": text(statement(Action=5)),
    "an action that is an object": text(statement(Action={"kms": "*"})),
    "an action without service": text(statement(Action="Encrypt")),
    "an empty action": text(statement(Action="")),
    "an action of no name": text(statement(Action="kms:")),
    "an action with two colons": text(statement(Action="kms:a:b")),
    "an action with a space": text(statement(Action="kms: Encrypt")),
    "a service with a wildcard": text(statement(Action="k*:Encrypt")),
    "one action of several that is none": text(statement(Action=["kms:Encrypt", "Decrypt"])),
    "no resource in a list": text(statement(Resource=[])),
    "a resource that is a truth value": text(statement(Resource=True)),
    "a resource that is a key id": text(statement(Resource="1234abcd-12ab-34cd-56ef-1234567890ab")),
    "a resource of fewer than six parts": text(statement(Resource="arn:aws:kms:*")),
    "a resource that begins with a wildcard": text(statement(Resource="*:key/*")),
    "an empty resource": text(statement(Resource="")),
}


@pytest.mark.parametrize("written", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.requirement("APIPOL-06")
def test_refused(written: str | bytes) -> None:
    """The text is refused as malformed, in words that repeat none of it."""
    error = refusal(written)
    assert error.code == "MalformedPolicyDocumentException"
    assert error.message
    assert error.message.isascii()
    assert len(error.message) < 200


def test_a_policy_that_is_too_long_exceeds_a_limit() -> None:
    """One byte more than 32,768 is refused, whatever it is; bytes count, not characters."""
    assert refusal(text(BARE).ljust(MAX_SIZE + 1)).code == "LimitExceededException"
    assert refusal('"' + "ü" * (MAX_SIZE // 2) + '"').code == "LimitExceededException"


def test_policies_of_callers_name_no_principal_and_leave_nothing_open() -> None:
    """An identity policy has action and resource in each statement, and no principal."""
    bare = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    assert parse(text(bare), PolicyKind.IDENTITY).statements[0].principals is None
    assert refusal(text(BARE), PolicyKind.IDENTITY).message == "Policy document should not specify a principal."
    for missing in ("Action", "Resource"):
        shorter = {name: value for name, value in bare.items() if name != missing}
        assert refusal(text(shorter), PolicyKind.SESSION).code == "MalformedPolicyDocumentException"


@pytest.mark.parametrize("missing", ["Action", "Resource"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_statement_without_action_or_resource_matches_nothing(effect: str, missing: str) -> None:
    """It is stored, and neither allows nor denies."""
    policy = key_policy(statement(effect, **{missing: None}), statement(Action="kms:Decrypt"))
    assert decide(policy, request(action="kms:Encrypt")) == "KEY"
    assert decide(policy, request(action="kms:Decrypt")) == "allowed"
