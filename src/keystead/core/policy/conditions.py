"""The element Condition: operators, set qualifiers, absent keys (``spec/policy.md``, Conditions)."""

import re
from collections.abc import Callable, Iterable
from typing import Final, Literal, TypeAlias

import msgspec

from keystead.core.policy.budget import Budget
from keystead.core.policy.literals import truth
from keystead.core.policy.malformed import malformed
from keystead.core.policy.operators import OPERATORS, Test, comparison
from keystead.core.policy.variables import Context, Variable, template

Qualifier: TypeAlias = Literal["ForAllValues", "ForAnyValue", ""]
Holds: TypeAlias = Callable[[Context, Budget], bool]

_OPERATOR: Final = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")
_QUALIFIERS: Final[dict[str | None, Qualifier]] = {
    None: "",
    "ForAllValues": "ForAllValues",
    "ForAnyValue": "ForAnyValue",
}
_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[^\x00-\x1f]{1,512}")
_ONE_VALUE: Final = ("kms:encryptioncontext:", "aws:requesttag/")


class Number(str):
    """A number of a JSON text, as it was written."""

    __slots__ = ()


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One condition key under one operator, with the values that the policy gives for it."""

    operator: str
    """``Null``, or a name in ``core.policy.operators.OPERATORS``."""
    qualifier: Qualifier
    if_exists: bool
    key: str
    """As it was written; lower case decides."""
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Return the operator and the key as they were written."""
        qualifier = f"{self.qualifier}:" if self.qualifier else ""
        return f"{qualifier}{self.operator}{'IfExists' if self.if_exists else ''} {self.key}"


def conditions(block: object, *, variables: bool) -> tuple[Condition, ...]:
    """Return the conditions of a Condition element, all of which must hold.

    Raises:
        ServiceError: MalformedPolicyDocumentException for what ``holds`` could not judge, or judges too generously.
    """
    found: list[Condition] = []
    for written, keys in _object(block).items():
        pairs = _object(keys)
        if not pairs or len({key.lower() for key in pairs}) != len(pairs):
            raise malformed("An operator in a condition has no condition key, or one twice.")
        found += [_condition(written, key, values) for key, values in pairs.items()]
    for condition in found:
        holds(condition, variables=variables, allow=True)
    return tuple(found)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise malformed("A condition is no object of operators, with objects of condition keys in them.")
    return value


def _condition(written: str, key: str, values: object) -> Condition:
    parts = _OPERATOR.fullmatch(written)
    if parts is None or (parts[2] not in OPERATORS and written != "Null"):
        raise malformed("A condition has an operator that does not exist.")
    if not _KEY.fullmatch(key):
        raise malformed("A condition has a key that is not well formed.")
    qualifier = _QUALIFIERS[parts[1]]
    if qualifier == "ForAllValues" and key.lower().startswith(_ONE_VALUE):
        raise malformed(
            "OverlyPermissiveCondition: ForAllValues holds for requests without the encryption context or tag that it "
            "names, which has one value at most. Remove ForAllValues."
        )
    return Condition(parts[2], qualifier, parts[3] is not None, key, _values(values))


def _values(written: object) -> tuple[str, ...]:
    values = written if isinstance(written, list) else [written]
    if not values:
        raise malformed("A condition key has no value.")
    return tuple(_value(value) for value in values)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise malformed("A value in a condition is no string, number or truth value.")


def holds(condition: Condition, *, variables: bool, allow: bool) -> Holds:
    """Return the function that tells whether the condition holds in a context.

    A value of the policy whose variable has no value matches nothing. A negated condition of a statement that allows
    does not hold then: what cannot be compared is no ground to allow.
    """
    key = condition.key.lower()
    if condition.operator == "Null":
        return _null(key, condition.values)
    negated = OPERATORS[condition.operator].negated
    matches = comparison(condition.operator, condition.values, variables=variables)
    judged = _JUDGED[condition.qualifier](key, matches, negated, condition.if_exists)
    needed = _needed(condition, variables=variables) if negated and allow else ()
    if not needed:
        return judged
    return lambda context, budget: (
        all(variable.value(context) is not None for variable in needed) and judged(context, budget)
    )


def _needed(condition: Condition, *, variables: bool) -> tuple[Variable, ...]:
    allowed = variables and OPERATORS[condition.operator].variables
    parts = (part for value in condition.values for part in template(value, variables=allowed, wildcards=True))
    return tuple(part for part in parts if isinstance(part, Variable))


def _null(key: str, values: Iterable[str]) -> Holds:
    wanted = {truth(value) for value in values}
    if None in wanted:
        raise malformed("A value in a condition is no truth value.")
    return lambda context, _: (context.get(key, ()) == ()) in wanted


def _one(key: str, matches: Test, negated: bool, if_exists: bool) -> Holds:  # noqa: FBT001, given by place
    when_absent = negated or if_exists

    def judge(context: Context, budget: Budget) -> bool:
        values = context.get(key)
        if isinstance(values, str):
            return matches(values, context, budget) is not negated
        if not values:
            return when_absent
        return any(matches(value, context, budget) for value in values) is not negated

    return judge


def _for_all(key: str, matches: Test, negated: bool, _if_exists: bool) -> Holds:  # noqa: FBT001, given by place
    return lambda context, budget: all(
        matches(value, context, budget) is not negated for value in _several(context, key)
    )


def _for_any(key: str, matches: Test, negated: bool, if_exists: bool) -> Holds:  # noqa: FBT001, given by place
    def judge(context: Context, budget: Budget) -> bool:
        values = _several(context, key)
        return any(matches(value, context, budget) is not negated for value in values) if values else if_exists

    return judge


def _several(context: Context, key: str) -> tuple[str, ...]:
    values = context.get(key, ())
    return (values,) if isinstance(values, str) else values


_JUDGED: Final[dict[str, Callable[[str, Test, bool, bool], Holds]]] = {
    "": _one,
    "ForAllValues": _for_all,
    "ForAnyValue": _for_any,
}
