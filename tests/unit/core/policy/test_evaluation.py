"""Decisions: what the key policy, identity policies, limits and denials make of a request together."""

from typing import Any

import pytest

from keystead.core.policy.document import PolicyKind
from keystead.core.policy.evaluation import IDENTITY_ONLY, Identity, evaluate
from keystead.core.policy.principals import Principal
from keystead.core.policy.request import AccessRequest, LazyContext, of_principal, of_time
from keystead.core.policy.variables import Context
from keystead.core.policy.verdict import Allowed, PolicyGround, RootGround, require
from keystead.errors import ServiceError
from tests.unit.core.policy.world import (
    ACCOUNT,
    ALIAS,
    ALICE,
    ALICE_ARN,
    AS_ROOT,
    BOB,
    EVERYTHING,
    FEDERATED,
    FEDERATED_ARN,
    KEY,
    NOTHING,
    OTHER_ALICE,
    OTHER_ALICE_ARN,
    OTHER_ROOT,
    OTHER_ROOT_ARN,
    ROLE_ARN,
    ROOT,
    ROOT_ARN,
    SESSION,
    SESSION_ARN,
    STRANGER,
    Json,
    attached,
    decide,
    key_policy,
    request,
    statement,
)

DELEGATED = statement(Principal={"AWS": ROOT_ARN})
TO_ALICE = statement(Principal={"AWS": ALICE_ARN})
TO_ROLE = statement(Principal={"AWS": ROLE_ARN})
TO_SESSION = statement(Principal={"AWS": SESSION_ARN})
ENCRYPT = attached(statement(Action="kms:Encrypt"))
DECRYPT = attached(statement(Action="kms:Decrypt"))
DENY_ALL = attached(statement("Deny"))


def limit(kind: PolicyKind, *statements: Json) -> tuple[Any, ...]:
    """Return an identity that may everything, limited by one policy of this kind."""
    return (EVERYTHING, attached(*statements, kind=kind))


BOUNDED = limit(PolicyKind.BOUNDARY, statement(Action="kms:Decrypt"))
IN_SESSION = limit(PolicyKind.SESSION, statement(Action="kms:Decrypt"))

CASES: dict[str, tuple[list[Json], Principal, Identity, str]] = {
    "a key policy that says nothing about who asks allows nothing": (
        [statement(Principal={"AWS": FEDERATED_ARN})],
        ALICE,
        (EVERYTHING,),
        "KEY",
    ),
    "a key policy that names the user is enough": ([TO_ALICE], ALICE, NOTHING, "allowed"),
    "a key policy that names the session is enough": ([TO_SESSION], SESSION, NOTHING, "allowed"),
    "a key policy that names the role is enough": ([TO_ROLE], SESSION, NOTHING, "allowed"),
    "a key policy that names everyone is enough within the account": ([statement()], ALICE, NOTHING, "allowed"),
    "a key policy that names the account needs an identity policy": ([DELEGATED], ALICE, NOTHING, "IDENTITY"),
    "an identity policy is enough where the account is named": ([DELEGATED], ALICE, (ENCRYPT,), "allowed"),
    "one identity policy of several is enough": ([DELEGATED], ALICE, (DECRYPT, ENCRYPT), "allowed"),
    "an identity policy about another action is not": ([DELEGATED], ALICE, (DECRYPT,), "IDENTITY"),
    "an identity policy about another key is not": (
        [DELEGATED],
        ALICE,
        (attached(statement(Resource=f"{KEY}0")),),
        "IDENTITY",
    ),
    "an identity policy about this key is": ([DELEGATED], ALICE, (attached(statement(Resource=KEY)),), "allowed"),
    "an identity policy about all keys but this one is not": (
        [DELEGATED],
        ALICE,
        (attached(statement(NotResource=KEY)),),
        "IDENTITY",
    ),
    "an identity policy about keys of every region is": (
        [DELEGATED],
        ALICE,
        (attached(statement(Resource=f"arn:aws:kms:*:{ACCOUNT}:key/*")),),
        "allowed",
    ),
    "without the account an identity policy has no effect": ([TO_SESSION], ALICE, (EVERYTHING,), "KEY"),
    "the account is named only for the actions of that statement": (
        [statement(Principal={"AWS": ROOT_ARN}, Action="kms:Decrypt")],
        ALICE,
        (EVERYTHING,),
        "KEY",
    ),
    "the root user needs the key policy to name the account": ([TO_ALICE], ROOT, AS_ROOT, "KEY"),
    "the root user may what the key policy gives to the account": ([DELEGATED], ROOT, AS_ROOT, "allowed"),
    "the root user is one of everyone": ([statement()], ROOT, AS_ROOT, "allowed"),
    "a denial reaches the root user": ([DELEGATED, statement("Deny")], ROOT, AS_ROOT, "explicit"),
    "a denial of another action does not": (
        [DELEGATED, statement("Deny", Action="kms:Decrypt")],
        ROOT,
        AS_ROOT,
        "allowed",
    ),
    "a denial of all other actions does": (
        [DELEGATED, statement("Deny", NotAction="kms:Decrypt")],
        ROOT,
        AS_ROOT,
        "explicit",
    ),
    "a denial in the key policy outweighs naming": ([statement("Deny"), TO_ALICE], ALICE, (EVERYTHING,), "explicit"),
    "a denial in an identity policy outweighs the key policy": ([TO_ALICE], ALICE, (DENY_ALL,), "explicit"),
    "a denial in an identity policy outweighs other identity policies": (
        [DELEGATED],
        ALICE,
        (EVERYTHING, DENY_ALL),
        "explicit",
    ),
    "a denial in an identity policy counts where the account is not named": ([], ALICE, (DENY_ALL,), "explicit"),
    "a denial with a condition that fails denies nothing": (
        [TO_ALICE, statement("Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})],
        ALICE,
        NOTHING,
        "allowed",
    ),
    "another account needs its own identity policy": (
        [statement(Principal={"AWS": OTHER_ROOT_ARN})],
        OTHER_ALICE,
        NOTHING,
        "IDENTITY",
    ),
    "another account's user may with both": (
        [statement(Principal={"AWS": OTHER_ROOT_ARN})],
        OTHER_ALICE,
        (ENCRYPT,),
        "allowed",
    ),
    "another account's user who is named needs both too": (
        [statement(Principal={"AWS": OTHER_ALICE_ARN})],
        OTHER_ALICE,
        NOTHING,
        "IDENTITY",
    ),
    "another account's user who is named may with both": (
        [statement(Principal={"AWS": OTHER_ALICE_ARN})],
        OTHER_ALICE,
        (EVERYTHING,),
        "allowed",
    ),
    "another account's identity policy alone is nothing": ([DELEGATED], OTHER_ALICE, (EVERYTHING,), "KEY"),
    "everyone in another account needs an identity policy": ([statement()], STRANGER, NOTHING, "IDENTITY"),
    "everyone in another account may with it": ([statement()], STRANGER, (EVERYTHING,), "allowed"),
    "another account's root user may what the key policy gives to that account": (
        [statement(Principal={"AWS": OTHER_ROOT_ARN})],
        OTHER_ROOT,
        AS_ROOT,
        "allowed",
    ),
    "another account's root user may nothing else": ([DELEGATED], OTHER_ROOT, AS_ROOT, "KEY"),
    "another account's denial of its own user counts": (
        [statement(Principal={"AWS": OTHER_ALICE_ARN})],
        OTHER_ALICE,
        (EVERYTHING, DENY_ALL),
        "explicit",
    ),
    "a boundary limits identity policies": ([DELEGATED], ALICE, BOUNDED, "BOUNDARY"),
    "a boundary gives nothing": (
        [DELEGATED],
        ALICE,
        (attached(statement(), kind=PolicyKind.BOUNDARY),),
        "IDENTITY",
    ),
    "a boundary does not limit a user whom the key policy names": ([TO_ALICE], ALICE, BOUNDED, "allowed"),
    "a boundary limits a role that the key policy names": ([TO_ROLE], SESSION, BOUNDED, "BOUNDARY"),
    "a boundary does not limit a session that the key policy names": ([TO_SESSION], SESSION, BOUNDED, "allowed"),
    "a boundary limits everyone": ([statement()], ALICE, BOUNDED, "BOUNDARY"),
    "a boundary that allows lets through": (
        [TO_ROLE],
        SESSION,
        limit(PolicyKind.BOUNDARY, statement(Action="kms:Enc*")),
        "allowed",
    ),
    "a denial in a boundary reaches whom the key policy names": (
        [TO_ALICE],
        ALICE,
        limit(PolicyKind.BOUNDARY, statement("Deny")),
        "explicit",
    ),
    "a session policy limits the role": ([TO_ROLE], SESSION, IN_SESSION, "SESSION"),
    "a session policy limits identity policies": ([DELEGATED], FEDERATED, IN_SESSION, "SESSION"),
    "a session policy does not limit a session that the key policy names": (
        [TO_SESSION],
        SESSION,
        IN_SESSION,
        "allowed",
    ),
    "one session policy of several is enough": (
        [TO_ROLE],
        SESSION,
        (
            *IN_SESSION,
            attached(statement(Action="kms:Encrypt"), kind=PolicyKind.SESSION),
        ),
        "allowed",
    ),
    "in another account limits hold even for whom the key policy names": (
        [statement(Principal={"AWS": OTHER_ALICE_ARN})],
        OTHER_ALICE,
        BOUNDED,
        "BOUNDARY",
    ),
}


@pytest.mark.parametrize(("statements", "asks", "identity", "expected"), CASES.values(), ids=CASES.keys())
@pytest.mark.requirement("ENV-18", "ENV-19", "APIPOL-05", "FIG14-06", "SECM-22", "SECM-23")
def test_decisions(statements: list[Json], asks: Principal, identity: Identity, expected: str) -> None:
    """Encrypt on the key is decided so."""
    policy = key_policy(*statements) if statements else key_policy(TO_SESSION)
    assert decide(policy, request(asks), identity) == expected


ACTIONS: dict[str, tuple[Any, str, bool]] = {
    "the action itself": ("kms:Encrypt", "kms:Encrypt", True),
    "an action in another case": ("KMS:ENCRYPT", "kms:Encrypt", True),
    "one of several actions": (["kms:Sign", "kms:Encrypt"], "kms:Encrypt", True),
    "all actions": ("*", "kms:Encrypt", True),
    "all actions of the service": ("kms:*", "kms:Encrypt", True),
    "all actions of all services": ("*:*", "kms:Encrypt", True),
    "the beginning of actions": ("kms:GenerateDataKey*", "kms:GenerateDataKeyPairWithoutPlaintext", True),
    "the beginning of actions in another case": ("kms:generatedatakey*", "kms:GenerateDataKey", True),
    "both halves of ReEncrypt": ("kms:ReEncrypt*", "kms:ReEncryptTo", True),
    "one character of an action": ("kms:?ign", "kms:Sign", True),
    "another action": ("kms:Decrypt", "kms:Encrypt", False),
    "an action of which it is the beginning": ("kms:GenerateDataKey", "kms:GenerateDataKeyPair", False),
    "an action of another service": ("s3:Encrypt", "kms:Encrypt", False),
}


@pytest.mark.parametrize(("written", "asked", "speaks"), ACTIONS.values(), ids=ACTIONS.keys())
@pytest.mark.requirement("APIPOL-07")
def test_actions(written: Any, asked: str, *, speaks: bool) -> None:
    """Action speaks of it, and NotAction of everything else."""
    positive, negative = key_policy(statement(Action=written)), key_policy(statement(NotAction=written))
    assert decide(positive, request(action=asked)) == ("allowed" if speaks else "KEY")
    assert decide(negative, request(action=asked)) == ("KEY" if speaks else "allowed")


@pytest.mark.parametrize("action", sorted(IDENTITY_ONLY))
def test_actions_on_no_key_are_decided_by_identity_policies_alone(action: str) -> None:
    """No key policy allows or forbids them; denials of identity policies count."""
    asked = request(ALICE, action, "*")
    for policy in (None, key_policy(statement()), key_policy(statement("Deny"))):
        assert decide(policy, asked, (EVERYTHING,)) == "allowed"
        assert decide(policy, asked, NOTHING) == "IDENTITY"
        assert decide(policy, asked, (EVERYTHING, DENY_ALL)) == "explicit"
        assert decide(policy, asked, BOUNDED) == "BOUNDARY"
    assert decide(None, request(ROOT, action, "*"), AS_ROOT) == "allowed"


def test_identity_policies_decide_about_aliases_and_about_no_resource() -> None:
    """An alias has no policy of its own; tags of a key that does not exist yet neither."""
    on_aliases = attached(statement(Resource=f"arn:aws:kms:*:{ACCOUNT}:alias/*"))
    assert decide(None, request(ALICE, "kms:CreateAlias", ALIAS), (on_aliases,)) == "allowed"
    assert decide(None, request(ALICE, "kms:CreateAlias", ALIAS), NOTHING) == "IDENTITY"
    assert decide(None, request(ALICE, "kms:TagResource", "*"), (on_aliases,)) == "IDENTITY"
    assert decide(None, request(ALICE, "kms:TagResource", "*"), (EVERYTHING,)) == "allowed"


def test_a_key_without_its_policy_is_never_allowed() -> None:
    """A caller of the evaluator that forgets the key policy gets a refusal, whoever asks."""
    assert decide(None, request(ROOT), AS_ROOT) == "KEY"
    assert decide(None, request(ALICE), (EVERYTHING,)) == "KEY"
    assert decide(None, request(ROOT, "kms:CreateKey"), AS_ROOT) == "KEY"


RESOURCES: dict[str, tuple[Any, bool]] = {
    "the star is this key": ("*", True),
    "the key's own ARN is this key": (KEY, True),
    "a pattern of keys": (f"arn:aws:kms:*:{ACCOUNT}:key/*", True),
    "one of several": ([ALIAS, KEY], True),
    "another key": (KEY[:-1] + "c", False),
    "an alias of the key": (ALIAS, False),
    "another region": (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*", False),
    "a pattern that would reach over a colon": ("arn:aws:kms:*:key:*:*", False),
    "an ARN in another case": (KEY.upper().replace("ARN:AWS:KMS", "arn:aws:kms"), False),
}


@pytest.mark.parametrize(("written", "covers"), RESOURCES.values(), ids=RESOURCES.keys())
def test_resources(written: Any, *, covers: bool) -> None:
    """Resource speaks of it, and NotResource of everything else."""
    assert decide(key_policy(statement(Resource=written)), request()) == ("allowed" if covers else "KEY")
    assert decide(key_policy(statement(NotResource=written)), request()) == ("KEY" if covers else "allowed")


@pytest.mark.requirement("ENV-18", "APIPOL-07")
def test_times_of_use_can_be_limited() -> None:
    """A permission for some hours holds in them and not after."""
    hours = {
        "DateGreaterThanEquals": {"aws:CurrentTime": "2026-03-01T08:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2026-03-01T18:00:00Z"},
    }
    policy = key_policy(statement(Condition=hours))
    eight, eighteen = 1_772_352_000_000, 1_772_388_000_000
    expected = {eight - 1: "KEY", eight: "allowed", eighteen - 1: "allowed", eighteen: "KEY"}
    assert {now: decide(policy, request(context=of_time(now))) for now in expected} == expected


@pytest.mark.requirement("ENV-18")
def test_data_can_be_limited_by_encryption_context() -> None:
    """A permission for one tenant's data holds for that tenant's encryption context alone."""
    policy = key_policy(statement(Condition={"StringEquals": {"kms:EncryptionContext:Tenant": "7"}}))
    assert decide(policy, request(context={"kms:encryptioncontext:tenant": "7"})) == "allowed"
    assert decide(policy, request(context={"kms:encryptioncontext:tenant": "8"})) == "KEY"
    assert decide(policy, request()) == "KEY"


def test_a_principal_decides_its_condition_keys() -> None:
    """They follow from the ARN: of a session the role's ARN, of a user the name."""
    assert of_principal(ALICE) == {
        "aws:principalarn": ALICE_ARN,
        "aws:principalaccount": ACCOUNT,
        "aws:principaltype": "User",
        "aws:username": "alice",
        "kms:calleraccount": ACCOUNT,
    }
    session = of_principal(SESSION)
    assert (session["aws:principalarn"], session["aws:principaltype"]) == (ROLE_ARN, "AssumedRole")
    assert "aws:username" not in session
    assert of_principal(ROOT)["aws:principaltype"] == "Account"
    assert of_principal(FEDERATED)["aws:principaltype"] == "FederatedUser"


def test_a_moment_has_two_condition_keys() -> None:
    """Date and time in UTC, and seconds since 1970; parts of seconds are dropped."""
    assert of_time(1_772_366_400_999) == {"aws:currenttime": "2026-03-01T12:00:00Z", "aws:epochtime": "1772366400"}


def test_the_context_is_made_only_when_a_policy_asks_and_only_once() -> None:
    """A policy without conditions never has it made; fifty conditions have it made once."""
    made: list[str] = []

    def make() -> Context:
        made.append("made")
        return {"aws:username": "bob"}

    def ask(policy: Any) -> str:
        lazy = LazyContext(make)
        asked = AccessRequest(principal=BOB, action="kms:Sign", resource=KEY, resource_account=ACCOUNT, context=lazy)
        return decide(policy, asked)

    assert ask(key_policy(statement())) == "allowed"
    assert made == []
    conditional = statement(Condition={"StringEquals": {"aws:username": "alice"}})
    by_resource = statement(Resource="arn:aws:kms:*:*:key/${aws:username}")
    assert ask(key_policy(*[conditional] * 50, by_resource)) == "KEY"
    assert made == ["made"]


def test_a_lazy_context_is_a_mapping() -> None:
    """It has the items of what it is made of."""
    assert dict(LazyContext(lambda: {"aws:username": "bob"})) == {"aws:username": "bob"}
    assert len(LazyContext(dict)) == 0


def test_a_verdict_tells_its_grounds() -> None:
    """By kind of policy, place and Sid of the statement, the key's side first."""
    policy = key_policy(statement(Action="kms:Sign"), statement(Sid="account", Principal={"AWS": ROOT_ARN}))
    on_key = PolicyGround(PolicyKind.KEY, 2, "account")
    own = attached(statement(Sid="mine"))
    assert evaluate(request(), policy, (own,)) == Allowed((on_key, PolicyGround(PolicyKind.IDENTITY, 1, "mine")))
    assert evaluate(request(ROOT), policy, AS_ROOT) == Allowed((on_key, RootGround()))


def test_a_verdict_is_no_truth_value() -> None:
    """Asking whether a verdict is true is a mistake that cannot pass unnoticed, whatever the verdict."""
    for policy in (key_policy(statement()), key_policy(statement("Deny")), key_policy(statement(Action="kms:Sign"))):
        with pytest.raises(TypeError, match="require"):
            bool(evaluate(request(), policy, NOTHING))


WORDS: dict[str, tuple[list[Json], Identity, str]] = {
    "nothing in the key policy": (
        [statement(Action="kms:Sign")],
        NOTHING,
        "because no resource-based policy allows the kms:Encrypt action",
    ),
    "nothing in identity policies": (
        [DELEGATED],
        NOTHING,
        "because no identity-based policy allows the kms:Encrypt action",
    ),
    "nothing in the boundary": (
        [DELEGATED],
        BOUNDED,
        "because no permissions boundary allows the kms:Encrypt action",
    ),
    "nothing in the session policy": (
        [DELEGATED],
        IN_SESSION,
        "because no session policy allows the kms:Encrypt action",
    ),
    "a denial in the key policy": (
        [statement("Deny")],
        NOTHING,
        "with an explicit deny in a resource-based policy",
    ),
    "a denial in an identity policy": (
        [DELEGATED],
        (DENY_ALL,),
        "with an explicit deny in an identity-based policy",
    ),
    "a denial in a boundary": (
        [DELEGATED],
        limit(PolicyKind.BOUNDARY, statement("Deny")),
        "with an explicit deny in a permissions boundary",
    ),
    "a denial in a session policy": (
        [DELEGATED],
        limit(PolicyKind.SESSION, statement("Deny")),
        "with an explicit deny in a session policy",
    ),
}


@pytest.mark.parametrize(("statements", "identity", "words"), WORDS.values(), ids=WORDS.keys())
@pytest.mark.requirement("FIG14-04")
def test_a_refusal_is_worded_as_the_service_words_it(statements: list[Json], identity: Identity, words: str) -> None:
    """It names who asked, for what, on what, and which kind of policy decided."""
    asked = request(ALICE)
    with pytest.raises(ServiceError) as refused:
        require(evaluate(asked, key_policy(*statements), identity), asked)
    assert refused.value.code == "AccessDeniedException"
    expected = f"User: {ALICE_ARN} is not authorized to perform: kms:Encrypt on resource: {KEY} {words}"
    assert refused.value.message == expected


def test_what_is_allowed_passes() -> None:
    """The proven verdict is what comes out."""
    asked = request(ALICE)
    verdict = evaluate(asked, key_policy(TO_ALICE), NOTHING)
    assert require(verdict, asked) is verdict
