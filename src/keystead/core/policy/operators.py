"""Condition operators: how one value of a request is compared with the values of a policy (``spec/policy.md``).

An operator is a row of ``OPERATORS``. A negated one (``StringNotEquals``) has the comparison of what it negates;
``core.policy.conditions`` turns the answer around.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from keystead.core.policy.budget import Budget
from keystead.core.policy.literals import Network, address, arn_parts, moment, network, number, octets, truth
from keystead.core.policy.malformed import malformed
from keystead.core.policy.patterns import Wild, matcher
from keystead.core.policy.variables import Context, Template, is_fixed, resolved, template

T = TypeVar("T")
Test: TypeAlias = Callable[[str, Context, Budget], bool]
"""Whether a value of the request matches one of the policy's values; the work is charged to the budget."""
Comparison: TypeAlias = Callable[[Sequence[Template]], Test]
"""From the policy's values to the test; MalformedPolicyDocumentException for values that the operator cannot take."""

_FILLING: Final = 8
"""Steps that it takes to fill values into a text of no parts."""
_COPIED: Final = 64
"""Characters of such a text that are compared in one step."""
_MAKING: Final = 32
"""Steps that it takes to make a matcher, and once more for each part; characters come on top."""


class Operator(msgspec.Struct, frozen=True, gc=False):
    """One operator."""

    comparison: Comparison
    negated: bool = False
    wildcards: bool = False
    """Whether ``*`` and ``?`` in its values are wildcards."""
    variables: bool = False
    """Whether its values may hold policy variables."""


def _filled(value: Template, context: Context, budget: Budget) -> str | None:
    parts = resolved(value, context)
    if parts is None:
        return None
    text = "".join(part for part in parts if isinstance(part, str))
    budget.spend(_FILLING + 2 * len(parts) + len(text) // _COPIED)
    return text


def _equals(form: Callable[[str], str]) -> Comparison:
    def comparison(values: Sequence[Template]) -> Test:
        fixed = frozenset(form(_text(value)) for value in values if is_fixed(value))
        varying = [value for value in values if not is_fixed(value)]

        if not varying:
            return lambda value, _context, _budget: form(value) in fixed

        def test(value: str, context: Context, budget: Budget) -> bool:
            asked = form(value)
            if asked in fixed:
                return True
            found = (_filled(one, context, budget) for one in varying)
            return any(text is not None and form(text) == asked for text in found)

        return test

    return comparison


def _text(value: Template) -> str:
    return "".join(part for part in value if isinstance(part, str))


def _like(values: Sequence[Template]) -> Test:
    tests = [_pattern(value) for value in values]
    return lambda value, context, budget: any(test(value, context, budget) for test in tests)


def _pattern(value: Template) -> Test:
    parts = resolved(value, {}) if is_fixed(value) else None
    if parts is not None:
        match = matcher(parts)
        return lambda text, _, budget: match(text, budget)

    def test(text: str, context: Context, budget: Budget) -> bool:
        parts = resolved(value, context)
        if parts is None:
            return False
        budget.spend(_MAKING * (1 + len(parts)) + sum(len(part) for part in parts if isinstance(part, str)))
        return matcher(parts)(text, budget)

    return test


def arn_like(values: Sequence[Template]) -> Test:
    """Compare ARNs part by part, so that no wildcard and no value of a variable reaches over a colon."""
    tests = [_arn(value) for value in values]
    return lambda value, context, budget: any(test(value, context, budget) for test in tests)


def _arn(value: Template) -> Test:
    if value == (Wild.MANY,):
        return lambda text, _context, _budget: arn_parts(text) is not None
    tests = [_pattern(part) for part in _six(value)]

    def test(text: str, context: Context, budget: Budget) -> bool:
        parts = arn_parts(text)
        return parts is not None and all(test(part, context, budget) for test, part in zip(tests, parts, strict=True))

    return test


def _six(value: Template) -> list[Template]:
    cut: list[Template] = [()]
    for part in value:
        texts = part.split(":", 6 - len(cut)) if isinstance(part, str) else [part]
        cut[-1] += (texts[0],)
        cut += [(text,) for text in texts[1:]]
    if len(cut) != 6:  # noqa: PLR2004, the parts of an ARN
        raise malformed("A value that is compared with ARNs is no ARN of six parts.")
    return cut


def _read(values: Sequence[Template], read: Callable[[str], T | None], name: str) -> list[T]:
    found = [read(_text(value)) for value in values]
    known = [value for value in found if value is not None]
    if len(known) != len(found):
        raise malformed(f"A value in a condition is no {name}.")
    return known


def _ordered(read: Callable[[str], T | None], name: str, compare: Callable[[Any, Any], bool]) -> Comparison:
    def comparison(values: Sequence[Template]) -> Test:
        known = _read(values, read, name)

        def test(value: str, _context: Context, budget: Budget) -> bool:
            budget.spend(len(known))
            asked = read(value)
            return asked is not None and any(compare(asked, one) for one in known)

        return test

    return comparison


def _bool(values: Sequence[Template]) -> Test:
    _read([value for value in values if is_fixed(value)], truth, "truth value")

    def test(value: str, context: Context, budget: Budget) -> bool:
        asked = truth(value)
        found = (_filled(one, context, budget) for one in values)
        return asked is not None and any(text is not None and truth(text) is asked for text in found)

    return test


def _within(values: Sequence[Template]) -> Test:
    networks: list[Network] = _read(values, network, "IP address or range")

    def test(value: str, _context: Context, budget: Budget) -> bool:
        budget.spend(len(networks))
        asked = address(value)
        return asked is not None and any(one.holds(asked) for one in networks)

    return test


def _as_written(text: str) -> str:
    return text


def _comparisons(prefix: str, read: Callable[[str], T | None], name: str) -> dict[str, Operator]:
    equal = _ordered(read, name, eq)
    return {
        f"{prefix}Equals": Operator(equal),
        f"{prefix}NotEquals": Operator(equal, negated=True),
        f"{prefix}LessThan": Operator(_ordered(read, name, lt)),
        f"{prefix}LessThanEquals": Operator(_ordered(read, name, le)),
        f"{prefix}GreaterThan": Operator(_ordered(read, name, gt)),
        f"{prefix}GreaterThanEquals": Operator(_ordered(read, name, ge)),
    }


_EXACT: Final = _equals(_as_written)
_IGNORING_CASE: Final = _equals(str.lower)

OPERATORS: Final[Mapping[str, Operator]] = {
    "StringEquals": Operator(_EXACT, variables=True),
    "StringNotEquals": Operator(_EXACT, variables=True, negated=True),
    "StringEqualsIgnoreCase": Operator(_IGNORING_CASE, variables=True),
    "StringNotEqualsIgnoreCase": Operator(_IGNORING_CASE, variables=True, negated=True),
    "StringLike": Operator(_like, variables=True, wildcards=True),
    "StringNotLike": Operator(_like, variables=True, wildcards=True, negated=True),
    **_comparisons("Numeric", number, "number"),
    **_comparisons("Date", moment, "date"),
    "Bool": Operator(_bool, variables=True),
    "BinaryEquals": Operator(_ordered(octets, "base64", eq)),
    "IpAddress": Operator(_within),
    "NotIpAddress": Operator(_within, negated=True),
    "ArnEquals": Operator(arn_like, variables=True, wildcards=True),
    "ArnNotEquals": Operator(arn_like, variables=True, wildcards=True, negated=True),
    "ArnLike": Operator(arn_like, variables=True, wildcards=True),
    "ArnNotLike": Operator(arn_like, variables=True, wildcards=True, negated=True),
}
"""Every operator but ``Null``, by its name without set qualifier and without ``IfExists``."""


def comparison(name: str, values: Sequence[str], *, variables: bool) -> Test:
    """Return the test against these values; ``variables`` is false in documents of 2008-10-17."""
    operator = OPERATORS[name]
    templates = [
        template(value, variables=variables and operator.variables, wildcards=operator.wildcards) for value in values
    ]
    return operator.comparison(templates)
