"""Quorum rules: what satisfies them, which are refused, and that the constitution is never weaker."""

from itertools import chain, combinations

import pytest

from keystead.core.domain.quorum import (
    ROUTINE,
    KOfOperators,
    KOfRules,
    RequestKind,
    RoutineRule,
    Rule,
    Rules,
    check_rules,
    require,
)
from keystead.errors import QuorumNotMet, UnsatisfiableRule
from keystead.identifiers import OperatorId

A, B, C, D, E = EVERYONE = [OperatorId(bytes([number]) * 16) for number in range(1, 6)]
STRANGER = OperatorId(b"s" * 16)
OFFICERS_AND_AUDITOR = KOfRules(2, (KOfOperators(2, (A, B, C)), KOfOperators(1, (D, E))))


def sets_of(everyone: list[OperatorId]) -> list[frozenset[OperatorId]]:
    """Return every set of operators."""
    sizes = range(len(everyone) + 1)
    return [frozenset(chosen) for chosen in chain.from_iterable(combinations(everyone, size) for size in sizes)]


def met(rule: Rule, signers: frozenset[OperatorId]) -> bool:
    """Whether the rule is satisfied."""
    try:
        require(rule, signers)
    except QuorumNotMet:
        return False
    return True


@pytest.mark.requirement("CHG-05", "TOK-09", "TOK-10")
@pytest.mark.parametrize("count", range(1, 6))
def test_k_of_n_is_met_by_k_of_the_listed_and_by_nobody_else(count: int) -> None:
    """Of all sets of five operators and a stranger, exactly those with K listed ones satisfy the rule."""
    listed = set(EVERYONE[:5])
    for signers in sets_of([*EVERYONE, STRANGER]):
        assert met(KOfOperators(count, tuple(EVERYONE)), signers) == (len(signers & listed) >= count)


@pytest.mark.requirement("TOK-10")
def test_two_officers_and_an_auditor() -> None:
    """A nested rule is met when each group has its own number of signers."""
    for signers in sets_of(EVERYONE):
        expected = len(signers & {A, B, C}) >= 2 and len(signers & {D, E}) >= 1
        assert met(OFFICERS_AND_AUDITOR, signers) == expected


REFUSED: dict[str, tuple[Rule, str]] = {
    "more signatures than operators": (KOfOperators(3, (A, B)), "fewer operators"),
    "nobody": (KOfOperators(1, ()), "fewer operators"),
    "an operator twice": (KOfOperators(1, (A, A)), "each once"),
    "operators out of order": (KOfOperators(1, (B, A)), "in order"),
    "a stranger": (KOfOperators(1, (A, STRANGER)), "may not govern"),
    "more parts than there are": (KOfRules(2, (KOfOperators(1, (A,)),)), "fewer parts"),
    "a part that cannot be met": (KOfRules(1, (KOfOperators(2, (A,)), KOfOperators(1, (B,)))), "fewer operators"),
    "somebody in two parts": (KOfRules(2, (KOfOperators(1, (A, B)), KOfOperators(1, (A, C)))), "count for two"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_cannot_be_kept_is_refused(name: str) -> None:
    """Each way in which a rule could never be met, or would count somebody twice, is refused."""
    rule, why = REFUSED[name]
    with pytest.raises(UnsatisfiableRule, match=why):
        check_rules(Rules(rule), frozenset(EVERYONE))


def routine(kind: RequestKind, rule: Rule) -> Rules:
    """Return rules with a constitution of two officers and an auditor."""
    return Rules(OFFICERS_AND_AUDITOR, (RoutineRule(kind, rule),))


@pytest.mark.requirement("TOK-11")
def test_kinds_of_request_have_rules_of_their_own() -> None:
    """A routine rule serves its kind, the constitution every other."""
    rules = routine(RequestKind.ADD_DOMAIN_KEY, KOfOperators(1, (A, B)))
    check_rules(rules, frozenset(EVERYONE))
    assert rules.for_kind(RequestKind.ADD_DOMAIN_KEY) == KOfOperators(1, (A, B))
    for kind in set(RequestKind) - {RequestKind.ADD_DOMAIN_KEY}:
        assert rules.for_kind(kind) is OFFICERS_AND_AUDITOR


@pytest.mark.parametrize(
    "rule", [KOfOperators(3, (A, B, C)), KOfOperators(2, (D, E)), KOfOperators(4, tuple(EVERYONE))], ids=repr
)
def test_the_constitution_is_never_weaker(rule: Rule) -> None:
    """A routine rule that some quorum of the constitution would not meet is refused."""
    with pytest.raises(UnsatisfiableRule, match="weaker"):
        check_rules(routine(RequestKind.ADD_DOMAIN_KEY, rule), frozenset(EVERYONE))


@pytest.mark.parametrize("kind", sorted(set(RequestKind) - ROUTINE))
def test_what_governs_the_domain_has_no_rule_but_the_constitution(kind: RequestKind) -> None:
    """Members, operators, rules, drops, abandonment and recovery cannot be given a rule of their own."""
    with pytest.raises(UnsatisfiableRule, match="routine"):
        check_rules(routine(kind, KOfOperators(1, (A,))), frozenset(EVERYONE))


def test_a_kind_has_one_rule() -> None:
    """Two rules for one kind are refused."""
    one = RoutineRule(RequestKind.ADD_DOMAIN_KEY, KOfOperators(1, (A,)))
    with pytest.raises(UnsatisfiableRule, match="routine"):
        check_rules(Rules(OFFICERS_AND_AUDITOR, (one, one)), frozenset(EVERYONE))


def test_a_rule_with_too_many_quorums_is_refused() -> None:
    """A rule that nobody could hold against another in reasonable time is refused as too complex."""
    many = tuple(OperatorId(number.to_bytes(16, "big")) for number in range(20))
    rules = Rules(KOfOperators(10, many), (RoutineRule(RequestKind.ADD_DOMAIN_KEY, KOfOperators(1, many)),))
    with pytest.raises(UnsatisfiableRule, match="complex"):
        check_rules(rules, frozenset(many))
