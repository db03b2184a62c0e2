"""What a decision may cost: a policy that would keep a module busy is no ground for anything."""

from collections.abc import Mapping

import pytest

from keystead.core.policy.budget import STEPS, Budget
from keystead.core.policy.evaluation import evaluate
from keystead.core.policy.variables import Values
from keystead.errors import ServiceError
from tests.unit.core.policy.world import ALICE, decide, key_policy, request, statement

NAMES = tuple(f"name-{number}" for number in range(100))
KEYS = "kms:EncryptionContextKeys"
COSTLY: dict[str, tuple[str, list[str], Mapping[str, Values]]] = {
    "many searches for a piece with ?": ("StringLike", ["*?a"] * 4_000, {KEYS.lower(): NAMES}),
    "long text searched for a piece with ?": ("StringLike", ["*?a*"] * 20, {KEYS.lower(): ("b" * 8_192,)}),
    "one piece of great length": ("StringLike", ["*" + "?a" * 8_000 + "*"], {KEYS.lower(): ("b" * 32_000,)}),
    "many pieces of plain text": ("StringLike", ["*a" * 999 + "*b*"] * 8, {KEYS.lower(): ("a" * 1_000,) * 100}),
    "many runs at one place": ("StringLike", ["?a" * 39 + "?b"] * 300, {KEYS.lower(): ("a" * 80,) * 100}),
    "many patterns without wildcards": ("StringLike", ["a"] * 4_000, {KEYS.lower(): NAMES}),
    "many texts that are too short": ("StringLike", ["abcdefghi*"] * 2_000, {KEYS.lower(): NAMES}),
    "many variables in patterns": ("StringLike", ["${a:b}*"] * 2_000, {KEYS.lower(): NAMES, "a:b": "c"}),
    "long values in patterns": ("StringLike", ["${a:b}*"] * 100, {KEYS.lower(): ("d",), "a:b": "c" * 8_000}),
    "long values in text": ("StringEquals", ["${a:b}"] * 10, {KEYS.lower(): NAMES, "a:b": "c" * 8_000}),
    "many variables in text": ("StringEquals", ["${a:b}"] * 2_000, {KEYS.lower(): NAMES, "a:b": "c"}),
    "many variables in truth values": ("Bool", ["${a:b}"] * 2_000, {KEYS.lower(): ("true",) * 100, "a:b": "c"}),
    "many numbers": ("NumericEquals", ["7"] * 4_000, {KEYS.lower(): ("8",) * 100}),
    "many ranges": ("IpAddress", ["192.0.2.0"] * 2_000, {KEYS.lower(): ("192.0.3.0",) * 100}),
}


@pytest.mark.parametrize("case", COSTLY.values(), ids=COSTLY.keys())
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_decision_that_takes_too_long_is_refused(
    case: tuple[str, list[str], Mapping[str, Values]], effect: str
) -> None:
    """Whichever operator takes the steps, and whether the statement allows or denies, nothing is allowed."""
    operator, values, context = case
    costly = statement(effect, Condition={f"ForAnyValue:{operator}": {KEYS: values}})
    policy = key_policy(costly) if effect == "Allow" else key_policy(statement("Allow"), costly)
    with pytest.raises(ServiceError, match="too many steps") as refused:
        evaluate(request(context=context), policy, ())
    assert refused.value.code == "LimitExceededException"


def test_each_decision_has_a_budget_of_its_own() -> None:
    """What one decision spent is not missing in the next."""
    condition = {"ForAnyValue:StringLike": {KEYS: ["*?a"] * 100}}
    policy, asked = key_policy(statement("Allow", Condition=condition)), request(ALICE, context={KEYS.lower(): NAMES})
    assert [decide(policy, asked) for _ in range(3)] == ["KEY"] * 3


def test_a_budget_is_spent_to_the_last_step() -> None:
    """All of its steps can be made, and not one more."""
    budget = Budget()
    budget.spend(STEPS)
    with pytest.raises(ServiceError):
        budget.spend(1)
