"""Conditions: every operator, absent keys, several values, set qualifiers, IfExists."""

from typing import Any

import pytest

from keystead.core.policy.operators import OPERATORS
from keystead.core.policy.variables import Values
from tests.unit.core.policy.world import decide, key_policy, refusal, request, statement, text

Condition = dict[str, dict[str, Any]]
Case = tuple[str, Any, Values | None]
"""Operator, what the policy says, what the request has (None: nothing)."""

KEY = "aws:RequestTag/x"
TAG_KEYS = "aws:TagKeys"

HOLDS: dict[str, Case] = {
    "equal strings are equal": ("StringEquals", "red", "red"),
    "one of several strings is enough": ("StringEquals", ["blue", "red"], "red"),
    "the empty string equals itself": ("StringEquals", "", ""),
    "a star is a star where there are no wildcards": ("StringEquals", "*", "*"),
    "a number is compared as its text": ("StringEquals", 5, "5"),
    "a fraction is compared as it was written": ("StringEquals", 1.50, "1.5"),
    "a truth value is compared as its text": ("StringEquals", True, "true"),
    "other strings are not equal": ("StringNotEquals", "red", "blue"),
    "none of several strings is equal": ("StringNotEquals", ["red", "green"], "blue"),
    "another case is another string": ("StringNotEquals", "Red", "red"),
    "case can be ignored": ("StringEqualsIgnoreCase", "Red", "rED"),
    "other strings differ in more than case": ("StringNotEqualsIgnoreCase", "red", "blue"),
    "a pattern matches": ("StringLike", "r*d", "reed"),
    "one of several patterns is enough": ("StringLike", ["b*", "?ed"], "red"),
    "a pattern without wildcards is the string": ("StringLike", "red", "red"),
    "no pattern matches": ("StringNotLike", ["b*", "g*"], "red"),
    "equal numbers are equal": ("NumericEquals", 5, "5"),
    "a number may be written as a string": ("NumericEquals", "5", "5"),
    "zeros behind the point do not count": ("NumericEquals", "5.00", "5"),
    "signs are read": ("NumericEquals", "-5", "-5.0"),
    "one of several numbers is enough": ("NumericEquals", [3, 5], "5"),
    "other numbers are not equal": ("NumericNotEquals", 5, "6"),
    "what is no number equals no number": ("NumericNotEquals", 5, "five"),
    "a smaller number is less": ("NumericLessThan", 10, "9"),
    "numbers are not compared as text": ("NumericLessThan", 10, "9.99"),
    "less than the greatest of several": ("NumericLessThan", [1, 100], "50"),
    "an equal number is less or equal": ("NumericLessThanEquals", 9, "9"),
    "a greater number is greater": ("NumericGreaterThan", 9, "10"),
    "an equal number is greater or equal": ("NumericGreaterThanEquals", 9, "9"),
    "numbers of many digits are exact": ("NumericGreaterThan", "9007199254740992", "9007199254740993"),
    "equal moments are equal": ("DateEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    "moments of other offsets can be equal": ("DateEquals", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00Z"),
    "a day is its first moment in UTC": ("DateEquals", "2026-03-01", "2026-03-01T00:00:00Z"),
    "a moment may be seconds since 1970": ("DateEquals", "1772366400", "2026-03-01T12:00:00Z"),
    "a moment of the request may be seconds since 1970": ("DateEquals", "2026-03-01T12:00:00Z", "1772366400"),
    "a moment may be a number": ("DateEquals", 1772366400, "2026-03-01T12:00:00Z"),
    "seconds may be left out": ("DateEquals", "2026-03-01T12:00Z", "2026-03-01T12:00:00Z"),
    "fractions of seconds count": ("DateNotEquals", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00Z"),
    "an earlier moment is less": ("DateLessThan", "2026-03-01T12:00:00Z", "2026-03-01T11:59:59Z"),
    "an equal moment is less or equal": ("DateLessThanEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    "a later moment is greater": ("DateGreaterThan", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"),
    "an equal moment is greater or equal": ("DateGreaterThanEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    "moments before 1970 are moments": ("DateLessThan", "1970-01-01", "1969-12-31T23:59:59.9Z"),
    "true is true": ("Bool", "true", "true"),
    "truth values may be JSON's": ("Bool", False, "false"),
    "truth values ignore case": ("Bool", "True", "TRUE"),
    "either truth value is enough": ("Bool", [True, False], "false"),
    "equal bytes are equal": ("BinaryEquals", "AAEC/w==", "AAEC/w=="),
    "an address is itself": ("IpAddress", "192.0.2.7", "192.0.2.7"),
    "an address is in its range": ("IpAddress", "192.0.2.0/24", "192.0.2.255"),
    "bits behind the prefix do not count": ("IpAddress", "192.0.2.99/24", "192.0.2.7"),
    "every address of the family is in the range of length nothing": ("IpAddress", "0.0.0.0/0", "203.0.113.9"),
    "one of several ranges is enough": ("IpAddress", ["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.7"),
    "an IPv6 address is in its range": ("IpAddress", "2001:db8::/32", "2001:db8:1::7"),
    "an IPv6 address has many texts": ("IpAddress", "2001:DB8:0:0::1", "2001:db8::1"),
    "an IPv4 address in IPv6 is in the range of IPv4": ("IpAddress", "192.0.2.0/24", "::ffff:192.0.2.7"),
    "a range of IPv4 addresses in IPv6 is that range": ("IpAddress", "::ffff:192.0.2.0/120", "192.0.2.7"),
    "an address elsewhere is not in the range": ("NotIpAddress", "192.0.2.0/24", "192.0.3.1"),
    "an IPv6 address is not in a range of IPv4": ("NotIpAddress", "0.0.0.0/0", "2001:db8::1"),
    "what is no address is in no range": ("NotIpAddress", "0.0.0.0/0", "localhost"),
    "equal ARNs are equal": ("ArnEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x"),
    "equality of ARNs knows wildcards": ("ArnEquals", "arn:aws:iam::*:role/x*", "arn:aws:iam::1:role/xy"),
    "likeness of ARNs is their equality": ("ArnLike", "arn:aws:iam::*:role/?", "arn:aws:iam::1:role/x"),
    "the last part of an ARN may hold colons": ("ArnLike", "arn:aws:logs:*:*:*", "arn:aws:logs:r:1:group:g:*"),
    "a star alone is every ARN": ("ArnLike", "*", "arn:aws:iam::1:role/x"),
    "empty parts match empty parts": ("ArnLike", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
    "another ARN is not equal": ("ArnNotEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::2:role/x"),
    "another ARN is not alike": ("ArnNotLike", "arn:aws:iam::1:*", "arn:aws:iam::2:role/x"),
    "what is no ARN is not alike": ("ArnNotLike", "*", "no ARN"),
    "a key that is there is not null": ("Null", "false", "red"),
    "a key with an empty value is there": ("Null", False, ""),
    "a key that is absent is null": ("Null", "true", None),
    "a key of no values is null": ("Null", True, ()),
    "either is null or not": ("Null", [True, False], None),
}
FAILS: dict[str, Case] = {
    "other strings are not equal": ("StringEquals", "red", "blue"),
    "another case is not equal": ("StringEquals", "Red", "red"),
    "a part is not the whole": ("StringEquals", "red", "reddish"),
    "a star is no wildcard in equality": ("StringEquals", "*", "red"),
    "an equal string is not unequal": ("StringNotEquals", "red", "red"),
    "one equal string spoils inequality": ("StringNotEquals", ["blue", "red"], "red"),
    "other strings do not only differ in case": ("StringEqualsIgnoreCase", "red", "blue"),
    "another case is not unequal when case is ignored": ("StringNotEqualsIgnoreCase", "Red", "rED"),
    "no pattern matches": ("StringLike", ["b*", "g*"], "red"),
    "patterns heed case": ("StringLike", "R*", "red"),
    "one matching pattern spoils unlikeness": ("StringNotLike", ["b*", "r*"], "red"),
    "other numbers are not equal": ("NumericEquals", 5, "6"),
    "what is no number is not equal": ("NumericEquals", 5, "five"),
    "exponents are no numbers of requests": ("NumericEquals", 100, "1e2"),
    "an equal number is not unequal": ("NumericNotEquals", 5, "5.0"),
    "an equal number is not less": ("NumericLessThan", 5, "5"),
    "what is no number is not less": ("NumericLessThan", 5, ""),
    "a greater number is not less or equal": ("NumericLessThanEquals", 5, "6"),
    "an equal number is not greater": ("NumericGreaterThan", 5, "5"),
    "a smaller number is not greater or equal": ("NumericGreaterThanEquals", 5, "4"),
    "other moments are not equal": ("DateEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"),
    "an equal moment is not unequal": ("DateNotEquals", "2026-03-01", "2026-03-01T00:00:00Z"),
    "an equal moment is not less": ("DateLessThan", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    "a later moment is not less or equal": ("DateLessThanEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"),
    "an equal moment is not greater": ("DateGreaterThan", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    "an earlier moment is not greater or equal": ("DateGreaterThanEquals", "2026-03-02", "2026-03-01T23:59:59Z"),
    "what is no moment is not less": ("DateLessThan", "2026-03-01", "yesterday"),
    "a moment without offset is none": ("DateLessThan", "2026-03-01", "2020-01-01T00:00:00"),
    "a day that does not exist is none": ("DateLessThan", "2026-03-01", "2020-02-30"),
    "four digits are no moment": ("DateLessThan", "2026-03-01", "2020"),
    "true is not false": ("Bool", "true", "false"),
    "what is no truth value is neither": ("Bool", [True, False], "yes"),
    "other bytes are not equal": ("BinaryEquals", "AAEC", "AAED"),
    "what is no base64 is not equal": ("BinaryEquals", "AAEC", "AAEC!"),
    "an address elsewhere is not in the range": ("IpAddress", "192.0.2.0/24", "192.0.3.1"),
    "an address beside a single one is another": ("IpAddress", "192.0.2.7", "192.0.2.8"),
    "an IPv6 address is not in a range of IPv4": ("IpAddress", "0.0.0.0/0", "2001:db8::1"),
    "an IPv4 address in IPv6 is not in the range of all IPv6": ("IpAddress", "::/0", "::ffff:192.0.2.7"),
    "a name is no address": ("IpAddress", "0.0.0.0/0", "localhost"),
    "an address with zeros before it is none": ("IpAddress", "0.0.0.0/0", "010.0.0.1"),
    "an address with a zone is none": ("IpAddress", "::/0", "fe80::1%eth0"),
    "an address in the range is not outside": ("NotIpAddress", "192.0.2.0/24", "192.0.2.7"),
    "an IPv4 address in IPv6 is not outside of its range": ("NotIpAddress", "192.0.2.0/24", "::ffff:192.0.2.7"),
    "another ARN is not equal": ("ArnEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::2:role/x"),
    "ARNs heed case": ("ArnEquals", "arn:aws:iam::1:role/X", "arn:aws:iam::1:role/x"),
    "a wildcard does not reach over a colon": ("ArnLike", "arn:aws:*:1:x:y", "arn:aws:iam::1:x:y"),
    "what is no ARN is not alike": ("ArnLike", "*", "no ARN"),
    "an equal ARN is not unequal": ("ArnNotEquals", "arn:aws:iam::*:role/x", "arn:aws:iam::2:role/x"),
    "a like ARN is not unlike": ("ArnNotLike", "arn:aws:iam::*:role/x", "arn:aws:iam::2:role/x"),
    "a key that is there is not absent": ("Null", "true", "red"),
    "a key that is absent is not there": ("Null", "false", None),
    "a key of no values is not there": ("Null", False, ()),
}
SETS_HOLD: dict[str, Case] = {
    "all values are listed": ("ForAllValues:StringEquals", ["a", "b", "c"], ("a", "b")),
    "no value at all is all values": ("ForAllValues:StringEquals", "a", None),
    "an empty set is all values": ("ForAllValues:StringEquals", "a", ()),
    "one value is a set of one": ("ForAllValues:StringEquals", "a", "a"),
    "all values are alike": ("ForAllValues:StringLike", ["a*", "b*"], ("ax", "bx")),
    "no value is among them": ("ForAllValues:StringNotEquals", ["x", "y"], ("a", "b")),
    "all values are unlike": ("ForAllValues:StringNotLike", "x*", ("a", "b")),
    "all values are small": ("ForAllValues:NumericLessThan", 10, ("1", "2")),
    "all values are ARNs like it": ("ForAllValues:ArnLike", "arn:aws:iam::1:*", ("arn:aws:iam::1:role/a",)),
    "one value is listed": ("ForAnyValue:StringEquals", ["a", "z"], ("a", "b")),
    "one value is alike": ("ForAnyValue:StringLike", "b*", ("ax", "bx")),
    "one value is not among them": ("ForAnyValue:StringNotEquals", "a", ("a", "b")),
    "an absent set passes if it need not exist": ("ForAnyValue:StringEqualsIfExists", "a", None),
    "a set that exists is judged": ("ForAnyValue:StringEqualsIfExists", "a", ("a", "b")),
    "a set that need not exist is all values": ("ForAllValues:StringEqualsIfExists", "a", None),
    "without qualifier one value of several is enough": ("StringEquals", "a", ("a", "b")),
    "without qualifier none of several may be excluded": ("StringNotEquals", "c", ("a", "b")),
}
SETS_FAIL: dict[str, Case] = {
    "one value is not listed": ("ForAllValues:StringEquals", ["a"], ("a", "b")),
    "one value is among them": ("ForAllValues:StringNotEquals", ["x", "a"], ("a", "b")),
    "one value is great": ("ForAllValues:NumericLessThan", 10, ("1", "20")),
    "no value is listed": ("ForAnyValue:StringEquals", ["x"], ("a", "b")),
    "no value at all is not any": ("ForAnyValue:StringEquals", "a", None),
    "an empty set is not any": ("ForAnyValue:StringEquals", "a", ()),
    "no value at all is not any, negated too": ("ForAnyValue:StringNotEquals", "a", None),
    "all values are among them": ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "b")),
    "a set that exists must fit": ("ForAnyValue:StringEqualsIfExists", "a", ("b",)),
    "a set that exists must fit wholly": ("ForAllValues:StringEqualsIfExists", "a", ("a", "b")),
    "without qualifier an excluded value spoils all": ("StringNotEquals", "a", ("a", "b")),
}
POSITIVE = sorted(name for name, operator in OPERATORS.items() if not operator.negated)
NEGATED = sorted(name for name, operator in OPERATORS.items() if operator.negated)
SAMPLES = {"String": "x", "Numeric": "1", "Date": "2026-01-01", "Bool": "true", "Binary": "AAEC", "IpAddress": "::/0"}


def outcome(operator: str, value: Any, asked: Values | None, key: str) -> str:
    """Return how a policy with one condition decides."""
    context = {} if asked is None else {key.lower(): asked}
    return decide(key_policy(statement(Condition={operator: {key: value}})), request(context=context))


def sample(operator: str) -> str:
    """Return a value that the operator can take."""
    return next((value for prefix, value in SAMPLES.items() if prefix in operator), "arn:aws:iam::1:role/x")


@pytest.mark.parametrize(("operator", "value", "asked"), HOLDS.values(), ids=HOLDS.keys())
@pytest.mark.requirement("ENV-18", "ENV-19")
def test_holds(operator: str, value: Any, asked: Values | None) -> None:
    """The condition holds, and so the statement allows."""
    assert outcome(operator, value, asked, KEY) == "allowed"


@pytest.mark.parametrize(("operator", "value", "asked"), FAILS.values(), ids=FAILS.keys())
def test_fails(operator: str, value: Any, asked: Values | None) -> None:
    """The condition does not hold, and so the statement does not allow."""
    assert outcome(operator, value, asked, KEY) == "KEY"


@pytest.mark.parametrize(("operator", "value", "asked"), SETS_HOLD.values(), ids=SETS_HOLD.keys())
def test_sets_hold(operator: str, value: Any, asked: Values | None) -> None:
    """The condition on a key of several values holds."""
    assert outcome(operator, value, asked, TAG_KEYS) == "allowed"


@pytest.mark.parametrize(("operator", "value", "asked"), SETS_FAIL.values(), ids=SETS_FAIL.keys())
def test_sets_fail(operator: str, value: Any, asked: Values | None) -> None:
    """The condition on a key of several values does not hold."""
    assert outcome(operator, value, asked, TAG_KEYS) == "KEY"


@pytest.mark.parametrize("operator", POSITIVE)
def test_a_positive_operator_fails_without_the_key(operator: str) -> None:
    """An absent key fits nothing, unless it need not exist."""
    assert outcome(operator, sample(operator), None, KEY) == "KEY"
    assert outcome(f"{operator}IfExists", sample(operator), None, KEY) == "allowed"


@pytest.mark.parametrize("operator", NEGATED)
def test_a_negated_operator_holds_without_the_key(operator: str) -> None:
    """An absent key is different from everything."""
    assert outcome(operator, sample(operator), None, KEY) == "allowed"
    assert outcome(f"{operator}IfExists", sample(operator), None, KEY) == "allowed"


@pytest.mark.parametrize(("operator", "value", "asked"), FAILS.values(), ids=FAILS.keys())
def test_if_exists_changes_nothing_for_a_key_that_exists(operator: str, value: Any, asked: Values | None) -> None:
    """What fails without IfExists fails with it, if the request has the key."""
    if operator != "Null":
        assert outcome(f"{operator}IfExists", value, asked, KEY) == "KEY"


BLOCKS: dict[str, tuple[Condition, dict[str, Values], str]] = {
    "no condition holds always": ({}, {}, "allowed"),
    "two operators must both hold": (
        {"StringEquals": {KEY: "a"}, "Bool": {"aws:SecureTransport": True}},
        {KEY.lower(): "a", "aws:securetransport": "true"},
        "allowed",
    ),
    "one operator that fails is enough": (
        {"StringEquals": {KEY: "a"}, "Bool": {"aws:SecureTransport": True}},
        {KEY.lower(): "a", "aws:securetransport": "false"},
        "KEY",
    ),
    "two keys must both fit": (
        {"StringEquals": {KEY: "a", "aws:username": "b"}},
        {KEY.lower(): "a", "aws:username": "b"},
        "allowed",
    ),
    "one key that does not fit is enough": (
        {"StringEquals": {KEY: "a", "aws:username": "b"}},
        {KEY.lower(): "a", "aws:username": "c"},
        "KEY",
    ),
    "names of keys ignore case": ({"StringEquals": {"AWS:requestTAG/X": "a"}}, {KEY.lower(): "a"}, "allowed"),
    "one key may stand under two operators": (
        {"NumericGreaterThan": {"aws:EpochTime": 10}, "NumericLessThan": {"aws:EpochTime": 20}},
        {"aws:epochtime": "15"},
        "allowed",
    ),
    "a key that nobody knows is absent": ({"StringEquals": {"acme:Nothing": "a"}}, {}, "KEY"),
}


@pytest.mark.parametrize(("block", "context", "expected"), BLOCKS.values(), ids=BLOCKS.keys())
def test_blocks(block: Condition, context: dict[str, Values], expected: str) -> None:
    """Operators, keys and values combine as and, and, or."""
    assert decide(key_policy(statement(Condition=block)), request(context=context)) == expected


REFUSED: dict[str, object] = {
    "a list of conditions": [{"StringEquals": {KEY: "a"}}],
    "a condition that is text": "StringEquals",
    "a condition that is null": None,
    "an operator that does not exist": {"StringMatches": {KEY: "a"}},
    "an operator in another case": {"stringequals": {KEY: "a"}},
    "an operator without keys": {"StringEquals": {}},
    "an operator with a text in place of keys": {"StringEquals": "a"},
    "a qualifier that does not exist": {"ForSomeValues:StringEquals": {KEY: "a"}},
    "a qualifier without operator": {"ForAnyValue:": {KEY: "a"}},
    "two qualifiers": {"ForAnyValue:ForAllValues:StringEquals": {KEY: "a"}},
    "a suffix that does not exist": {"StringEqualsIfAbsent": {KEY: "a"}},
    "the suffix twice": {"StringEqualsIfExistsIfExists": {KEY: "a"}},
    "Null with a suffix": {"NullIfExists": {KEY: "true"}},
    "Null with a qualifier": {"ForAnyValue:Null": {KEY: "true"}},
    "Null of what is no truth value": {"Null": {KEY: "yes"}},
    "a key without prefix": {"StringEquals": {"username": "a"}},
    "a key without name": {"StringEquals": {"aws:": "a"}},
    "one key twice in two cases": {"StringEquals": {"aws:username": "a", "aws:UserName": "b"}},
    "no value": {"StringEquals": {KEY: []}},
    "a value that is null": {"StringEquals": {KEY: None}},
    "a value that is an object": {"StringEquals": {KEY: {"a": "b"}}},
    "a value that is a list in a list": {"StringEquals": {KEY: [["a"]]}},
    "a number that is none": {"NumericEquals": {KEY: "five"}},
    "a number with an exponent": {"NumericEquals": {KEY: "1e3"}},
    "one value of several that is no number": {"NumericEquals": {KEY: [1, "x"]}},
    "a date that is none": {"DateEquals": {KEY: "tomorrow"}},
    "a date that could be a year or seconds": {"DateEquals": {KEY: "2026"}},
    "a date without offset": {"DateEquals": {KEY: "2026-03-01T12:00:00"}},
    "a day that does not exist": {"DateEquals": {KEY: "2026-02-30"}},
    "a truth value that is none": {"Bool": {KEY: "1"}},
    "bytes that are no base64": {"BinaryEquals": {KEY: "A"}},
    "an address that is none": {"IpAddress": {KEY: "300.0.0.1"}},
    "a prefix that is too long": {"IpAddress": {KEY: "192.0.2.0/33"}},
    "a prefix that is a mask": {"IpAddress": {KEY: "192.0.2.0/255.255.255.0"}},
    "a prefix with a zero before it": {"IpAddress": {KEY: "192.0.2.0/08"}},
    "a range of more than the IPv4 addresses in IPv6": {"IpAddress": {KEY: "::ffff:0.0.0.0/64"}},
    "an ARN of fewer parts": {"ArnLike": {KEY: "arn:aws:iam::*"}},
    "a pattern of ARNs over all parts": {"ArnLike": {KEY: "*role*"}},
    "all values of an encryption context that may be absent": {
        "ForAllValues:StringEquals": {"kms:EncryptionContext:tenant": "a"}
    },
    "all values of a tag that may be absent": {"ForAllValues:StringEquals": {"aws:RequestTag/team": "a"}},
}


@pytest.mark.parametrize("block", REFUSED.values(), ids=REFUSED.keys())
def test_refused(block: object) -> None:
    """The policy is refused when it is put."""
    assert refusal(text(statement(Effect="Allow") | {"Condition": block})).code == "MalformedPolicyDocumentException"
