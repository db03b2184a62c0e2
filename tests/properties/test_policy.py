"""What holds for all policies and requests: denial wins, permissions add up, order is nothing, garbage is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.policy.budget import Budget
from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.document import PolicyKind, parse
from keystead.core.policy.evaluation import Identity, Root, evaluate
from keystead.core.policy.explanation import explain
from keystead.core.policy.grants import GRANTABLE, Constraint, Grant, NewGrant
from keystead.core.policy.lockout import keep_changeable
from keystead.core.policy.operators import OPERATORS
from keystead.core.policy.patterns import matcher, pattern
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.variables import Values
from keystead.errors import ServiceError
from tests.unit.core.policy.world import (
    ALICE,
    ALICE_ARN,
    BOB_ARN,
    FEDERATED,
    KEY,
    OTHER_ALICE,
    OTHER_ALICE_ARN,
    OTHER_ROOT,
    OTHER_ROOT_ARN,
    ROLE_ARN,
    ROOT,
    ROOT_ARN,
    SESSION,
    SESSION_ARN,
    Json,
    attached,
    key_policy,
    outcome,
    request,
    statement,
)

REFUSALS = {"MalformedPolicyDocumentException", "LimitExceededException"}
ARNS = [ALICE_ARN, BOB_ARN, ROLE_ARN, SESSION_ARN, ROOT_ARN, OTHER_ALICE_ARN, OTHER_ROOT_ARN]
ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:CreateGrant", "kms:CreateKey", "kms:PutKeyPolicy"]
VALUES = st.sampled_from(["red", "blue", "", "*", "5", "2026-03-01", "true", "192.0.2.7", "AAEC", ROLE_ARN])
KEYS = ["aws:PrincipalTag/team", "aws:TagKeys", "kms:EncryptionContext:tenant", "aws:SourceIp"]
TEMPLATES = VALUES | st.sampled_from(["r*", "?ed", "${aws:PrincipalTag/team}", "${aws:username, 'red'}", "${*}"])


def fits(operator: str, value: str) -> bool:
    """Whether the operator takes the value."""
    try:
        parse(json.dumps({"Version": "2012-10-17", "Statement": conditional(operator, value)}))
    except ServiceError:
        return False
    return True


def conditional(operator: str, value: str) -> Json:
    """Return a statement with one condition."""
    return statement(Condition={operator: {"aws:TagKeys": [value]}})


FITTING = [
    (prefix + operator + suffix, value)
    for prefix in ("", "ForAllValues:", "ForAnyValue:")
    for operator in OPERATORS
    for suffix in ("", "IfExists")
    for value in ["red", "r*", "5", "2026-03-01", "true", "192.0.2.0/24", "AAEC", ROLE_ARN, "${aws:PrincipalTag/team}"]
    if fits(prefix + operator + suffix, value)
]
PRINCIPALS = st.just("*") | st.lists(st.sampled_from(ARNS), min_size=1, max_size=3).map(lambda arns: {"AWS": arns})


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a Condition element, empty more often than not."""
    if draw(st.booleans()):
        return {}
    operator, value = draw(st.sampled_from(FITTING))
    return {operator: {draw(st.sampled_from(KEYS[:2] if "ForAll" in operator else KEYS)): value}}


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> Json:
    """Draw a statement that is well formed."""
    elements: Json = {"Condition": draw(conditions())}
    listed = draw(PRINCIPALS)
    elements["NotPrincipal" if listed != "*" and draw(st.booleans()) else "Principal"] = listed
    elements[draw(st.sampled_from(["Action", "NotAction"]))] = draw(st.sampled_from([*ACTIONS, "kms:*", "kms:?ncrypt"]))
    elements[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(
        st.sampled_from(["*", "*", KEY, "arn:aws:kms:*:*:key/${aws:PrincipalTag/team}"])
    )
    return statement(effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])), **elements)


def policies(effect: str | None = None) -> st.SearchStrategy[list[Json]]:
    """Draw the statements of a policy."""
    return st.lists(statements(effect), min_size=1, max_size=5)


def without_principals(written: list[Json]) -> list[Json]:
    """Return the statements as those of an identity policy."""
    return [{name: value for name, value in one.items() if "Principal" not in name} for one in written]


def in_order(written: list[Json], kind: PolicyKind = PolicyKind.IDENTITY) -> Compiled:
    """Return an attached policy."""
    return attached(*without_principals(written), kind=kind)


CONTEXTS = st.dictionaries(
    st.sampled_from([key.lower() for key in KEYS]), VALUES | st.lists(VALUES, max_size=2).map(tuple), max_size=3
)
ENCRYPTION_CONTEXTS = st.dictionaries(st.sampled_from(["tenant", "x"]), st.sampled_from(["7", "8"]), max_size=2)
CONSTRAINTS = st.none() | st.builds(Constraint, st.sampled_from(["Equals", "Subset"]), ENCRYPTION_CONTEXTS)
OPERATIONS = st.frozensets(st.sampled_from(sorted(GRANTABLE)), min_size=1)
GRANTS = st.lists(
    st.builds(Grant, id=st.just("g"), grantee=st.sampled_from(ARNS), operations=OPERATIONS, constraint=CONSTRAINTS),
    max_size=3,
).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> AccessRequest:
    """Draw a request on the key."""
    context: dict[str, Values] = draw(CONTEXTS)
    return request(
        draw(st.sampled_from([ALICE, SESSION, FEDERATED, ROOT, OTHER_ALICE, OTHER_ROOT])),
        draw(st.sampled_from(ACTIONS)),
        context=context,
        encryption_context=draw(ENCRYPTION_CONTEXTS),
        new_grant=draw(st.none() | st.builds(NewGrant, OPERATIONS, CONSTRAINTS)),
    )


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    """Draw what is attached to who asks."""
    if draw(st.booleans()):
        return Root.USER
    kinds = st.sampled_from([PolicyKind.IDENTITY, PolicyKind.BOUNDARY, PolicyKind.SESSION])
    return tuple(draw(st.lists(st.builds(in_order, policies(), kinds), max_size=3)))


WORLD = (policies(), requests(), identities(), GRANTS)
Grants = tuple[Grant, ...]


def allowed(asked: AccessRequest, written: list[Json], identity: Identity, grants: Grants) -> bool:
    """Return whether the request is allowed by a key policy of these statements."""
    return outcome(evaluate(asked, key_policy(*written), identity, grants)) == "allowed"


@given(*WORLD)
@pytest.mark.requirement("ENV-19")
def test_denial_wins(written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants) -> None:
    """A statement that denies everything to everyone leaves nothing allowed, wherever it stands."""
    if asked.action != "kms:CreateKey":
        assert outcome(evaluate(asked, key_policy(statement("Deny"), *written), identity, grants)) == "explicit"
    if identity is not Root.USER:
        denying = (*identity, attached(statement("Deny")))
        assert outcome(evaluate(asked, key_policy(*written), denying, grants)) == "explicit"


@given(*WORLD, statements("Allow"))
def test_a_permission_more_never_takes_access_away(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants, more: Json
) -> None:
    """What is allowed stays allowed when the key policy, or an identity policy, allows something more."""
    if not allowed(asked, written, identity, grants):
        return
    assert allowed(asked, [*written, more], identity, grants)
    if identity is not Root.USER:
        assert allowed(asked, written, (*identity, in_order([more])), grants)


@given(*WORLD, GRANTS)
def test_a_grant_more_never_takes_access_away(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants, more: Grants
) -> None:
    """Grants only allow."""
    if allowed(asked, written, identity, grants):
        assert allowed(asked, written, identity, grants + more)


@given(*WORLD, statements("Deny"))
def test_a_denial_more_never_gives_access(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants, more: Json
) -> None:
    """What is denied stays denied when a policy denies something more."""
    if allowed(asked, written, identity, grants):
        return
    assert not allowed(asked, [*written, more], identity, grants)
    if identity is not Root.USER:
        assert not allowed(asked, written, (*identity, in_order([more])), grants)


@given(*WORLD, st.sampled_from([PolicyKind.BOUNDARY, PolicyKind.SESSION]), policies())
def test_a_limit_where_there_was_none_never_gives_access(
    written: list[Json],
    asked: AccessRequest,
    identity: Identity,
    grants: Grants,
    kind: PolicyKind,
    more: list[Json],
) -> None:
    """The first boundary or session policy only takes away."""
    if identity is Root.USER or any(policy.kind is kind for policy in identity):
        return
    if not allowed(asked, written, identity, grants):
        assert not allowed(asked, written, (*identity, in_order(more, kind)), grants)


@given(*WORLD, st.randoms(use_true_random=False))
def test_order_is_nothing(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants, order: Any
) -> None:
    """Statements, policies and grants may come in any order."""
    expected = outcome(evaluate(asked, key_policy(*written), identity, grants))
    statements_then, grants_then = order.sample(written, len(written)), tuple(order.sample(grants, len(grants)))
    if identity is not Root.USER:
        identity = tuple(order.sample(identity, len(identity)))
    assert outcome(evaluate(asked, key_policy(*statements_then), identity, grants_then)) == expected


@given(*WORLD)
def test_an_explanation_agrees_with_the_verdict(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants
) -> None:
    """Its last line is the verdict; a denial is the work of a statement that it calls a denial."""
    policy = key_policy(*written)
    *reasons, last = explain(asked, policy, identity, grants)
    expected = outcome(evaluate(asked, policy, identity, grants))
    assert (last == "allowed") == (expected == "allowed")
    assert any(line.endswith("matches and denies") for line in reasons) == (expected == "explicit")


@given(*WORLD)
def test_decisions_end_in_a_verdict_and_the_lockout_check_in_one_error(
    written: list[Json], asked: AccessRequest, identity: Identity, grants: Grants
) -> None:
    """No request and no well-formed policy makes anything else come out."""
    policy = key_policy(*written)
    assert outcome(evaluate(asked, policy, identity, grants)) in {
        "allowed", "explicit", "KEY", "IDENTITY", "BOUNDARY", "SESSION"
    }  # fmt: skip
    try:
        keep_changeable(asked, policy, identity)
    except ServiceError as error:
        assert error.code == "MalformedPolicyDocumentException"  # noqa: PT017, either outcome is right


WORDS = st.sampled_from(
    ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource"]
) | st.sampled_from(
    ["Condition", "AWS", "Allow", "Deny", "*", "kms:*", "2012-10-17", "StringEquals", "Null", "Bool", "true", "${"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@st.composite
def nearly(draw: st.DrawFn) -> Json:
    """Draw a policy of which one element of one statement is arbitrary."""
    one = draw(statements())
    one[draw(st.sampled_from([*one, "Condition", "Sid", "Surprise"]))] = draw(JSON)
    return {"Version": draw(st.sampled_from(["2012-10-17", "2008-10-17"])), "Statement": [one]}


@given(st.binary() | st.text() | (JSON | nearly()).map(json.dumps), st.sampled_from(PolicyKind), requests())
def test_every_text_is_a_policy_that_decides_or_is_refused(
    written: str | bytes, kind: PolicyKind, asked: AccessRequest
) -> None:
    """Arbitrary bytes and JSON end in a verdict or in one of two errors of the service."""
    try:
        document = parse(written, kind)
    except ServiceError as error:
        assert error.code in REFUSALS  # noqa: PT017, either outcome is right
        return
    policy = compiled(document)
    evaluate(asked, policy, (policy,))
    explain(asked, policy, (policy,))


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_patterns_agree_with_the_definition(written: str, text: str) -> None:
    """The fast matcher decides as the definition of the wildcards does, letter by letter."""

    def matches(parts: str, rest: str) -> bool:
        if not parts:
            return not rest
        if parts[0] == "*":
            return matches(parts[1:], rest) or (bool(rest) and matches(parts, rest[1:]))
        return bool(rest) and parts[0] in ("?", rest[0]) and matches(parts[1:], rest[1:])

    assert matcher(pattern(written))(text, Budget()) == matches(written, text)
