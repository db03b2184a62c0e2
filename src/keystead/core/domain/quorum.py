"""Who must have signed: rules from "K of N" to nested thresholds (paragraph 129), and the constitutional rule."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from enum import IntEnum, unique
from itertools import combinations, product
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.errors import QuorumNotMet, UnsatisfiableRule
from keystead.identifiers import OperatorId

Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Count = Annotated[int, Meta(ge=1, le=64)]
_MOST_SETS: Final = 20_000
"""Least sets of signers that are looked at; a rule with more is refused as too complex to reason about."""


@unique
class RequestKind(IntEnum):
    """Kinds of change request; numbers are never reused."""

    ADD_DOMAIN_KEY = 1
    ADD_MEMBER = 2
    REMOVE_MEMBER = 3
    ADD_OPERATOR = 4
    REMOVE_OPERATOR = 5
    CHANGE_RULES = 6
    RETIRE_DOMAIN_KEY = 7
    DROP_DOMAIN_KEY = 8
    ABANDON = 9
    RECOVER = 10
    REINSTATE_DOMAIN_KEY = 11
    RENEW_HOLDER = 12
    RECORD_DESTRUCTION = 13
    CHANGE_PARAMETERS = 14


ROUTINE: Final = frozenset(
    {RequestKind.ADD_DOMAIN_KEY, RequestKind.RETIRE_DOMAIN_KEY, RequestKind.REINSTATE_DOMAIN_KEY}
)
"""Kinds that may have a rule of their own; every other is governed by the constitutional rule alone."""


class KOfOperators(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """At least ``count`` of these operators."""

    count: Count
    operators: tuple[Bytes16, ...]


class KOfRules(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """At least ``count`` of these rules, in which nobody is named twice: "2 security officers and 1 auditor"."""

    count: Count
    rules: tuple["KOfOperators | KOfRules", ...]


Rule = KOfOperators | KOfRules


class RoutineRule(msgspec.Struct, frozen=True, array_like=True):
    """The rule of one routine kind of request."""

    kind: RequestKind
    rule: Rule


class Rules(msgspec.Struct, frozen=True, array_like=True):
    """The rules of a domain."""

    constitutional: Rule
    routine: tuple[RoutineRule, ...] = ()
    """Sorted by kind, each once; a kind that is not listed is governed by the constitutional rule."""

    def for_kind(self, kind: RequestKind) -> Rule:
        """Return the rule that a request of this kind must satisfy."""
        return next((one.rule for one in self.routine if one.kind is kind), self.constitutional)


def require(rule: Rule, signers: AbstractSet[OperatorId]) -> None:
    """Return if the signers satisfy the rule; raises QuorumNotMet. A signer counts once, however often it signed."""
    if not _met(rule, signers):
        raise QuorumNotMet("the signatures do not satisfy the rule for this kind of request")


def check_rules(rules: Rules, governors: AbstractSet[OperatorId]) -> None:
    """Return if the rules can be kept by these operators and no routine rule is stronger than the constitutional one.

    Raises UnsatisfiableRule.
    """
    _check_form(rules.constitutional, governors)
    kinds = [one.kind for one in rules.routine]
    if kinds != sorted(set(kinds)) or not ROUTINE.issuperset(kinds):
        raise UnsatisfiableRule("only routine kinds of request may have a rule of their own, each one")
    for one in rules.routine:
        _check_form(one.rule, governors)
        if not all(_met(one.rule, signers) for signers in _least_sets(rules.constitutional)):
            raise UnsatisfiableRule("the constitutional rule is weaker than another rule")


def _met(rule: Rule, signers: AbstractSet[bytes]) -> bool:
    if isinstance(rule, KOfOperators):
        return len(signers & set(rule.operators)) >= rule.count
    return sum(_met(one, signers) for one in rule.rules) >= rule.count


def _check_form(rule: Rule, governors: AbstractSet[bytes]) -> None:
    _check_parts(rule, governors)
    everyone = list(named(rule))
    if len(everyone) != len(set(everyone)):
        raise UnsatisfiableRule("a rule names someone in two of its parts, who would count for two")


def fewest(rule: Rule) -> int:
    """Return how many operators at least must sign; nobody is named twice."""
    if isinstance(rule, KOfOperators):
        return rule.count
    return sum(sorted(map(fewest, rule.rules))[: rule.count])


def named(rule: Rule) -> Iterator[bytes]:
    """Return whom the rule names, in its order."""
    if isinstance(rule, KOfOperators):
        yield from rule.operators
        return
    for one in rule.rules:
        yield from named(one)


def _check_parts(rule: Rule, governors: AbstractSet[bytes]) -> None:
    if isinstance(rule, KOfOperators):
        if list(rule.operators) != sorted(set(rule.operators)) or rule.count > len(rule.operators):
            raise UnsatisfiableRule("a rule names fewer operators than it needs, or not in order, each once")
        if not governors >= set(rule.operators):
            raise UnsatisfiableRule("a rule names someone who may not govern")
        return
    if rule.count > len(rule.rules):
        raise UnsatisfiableRule("a rule has fewer parts than it needs")
    for one in rule.rules:
        _check_parts(one, governors)


def _least_sets(rule: Rule) -> list[frozenset[bytes]]:
    sets: list[frozenset[bytes]] = []
    for least in _expand(rule):
        sets.append(least)
        if len(sets) > _MOST_SETS:
            raise UnsatisfiableRule("the rule is too complex")
    return sets


def _expand(rule: Rule) -> Iterator[frozenset[bytes]]:
    if isinstance(rule, KOfOperators):
        yield from map(frozenset, combinations(rule.operators, rule.count))
        return
    for chosen in combinations([_least_sets(one) for one in rule.rules], rule.count):
        for parts in product(*chosen):
            yield frozenset[bytes]().union(*parts)
