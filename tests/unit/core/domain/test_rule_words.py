"""Quorum rules in words: what is written is read back, and what is no rule is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.domain.quorum import KOfOperators, KOfRules, Rule, Rules
from keystead.core.domain.rule_words import in_words, named_operator, operator_in_words, parsed
from keystead.core.domain.state import DomainState, Operator, Permission
from keystead.errors import FormatError
from keystead.primitives.openssh import OperatorKey
from tests.simulators.parties import k_of, person
from tests.simulators.world import SeededRandomness

ADA, BEN, CY, DEE, EVE = EVERYONE = [person(name) for name in ("ada", "ben", "cy", "dee", "2")]


def state(*more: Operator) -> DomainState:
    """Return a state that lists everyone and these."""
    operators = sorted((*(one.operator for one in EVERYONE), *more), key=lambda one: one.id)
    return DomainState(bytes(32), 0, (), tuple(operators), Rules(k_of(1, ADA)), ())


def namesake() -> Operator:
    """Return another operator called ada."""
    return Operator.of(
        "ada", OperatorKey.generate(SeededRandomness(7, "namesake"), "").public, frozenset({Permission.GOVERN})
    )


def rules() -> st.SearchStrategy[Rule]:
    """Return every shape of rule, satisfiable or not."""
    ids = st.sets(st.sampled_from([one.operator.id for one in EVERYONE]), min_size=1)
    groups = st.builds(lambda count, chosen: KOfOperators(count, tuple(sorted(chosen))), st.integers(1, 64), ids)
    return st.recursive(
        groups,
        lambda inner: st.builds(KOfRules, st.integers(1, 64), st.lists(inner, min_size=1, max_size=4).map(tuple)),
        max_leaves=8,
    )


@given(rules())
def test_what_is_written_is_read_back(rule: Rule) -> None:
    """Words say a rule without loss."""
    assert parsed(in_words(rule, state()), state()) == rule


SAID = {
    "two of three": ("2 of (ada, ben, cy)", k_of(2, ADA, BEN, CY)),
    "spaces do not matter": (" 2 of(ada,ben ,cy ) ", k_of(2, ADA, BEN, CY)),
    "two groups": ("2 of (ada, ben, cy) and 1 of (dee)", KOfRules(2, (k_of(2, ADA, BEN, CY), k_of(1, DEE)))),
    "one of two groups": ("1 of (2 of (ada, ben); 1 of (dee))", KOfRules(1, (k_of(2, ADA, BEN), k_of(1, DEE)))),
    "a name that is a number": ("1 of (2, ada)", k_of(1, EVE, ADA)),
    "an operator by its id": (f"1 of ({ADA.operator.id.hex()[:10]})", k_of(1, ADA)),
}


@pytest.mark.parametrize(("words", "rule"), SAID.values(), ids=SAID)
def test_rules_as_people_write_them(words: str, rule: Rule) -> None:
    """The forms that the grammar has."""
    assert parsed(words, state()) == rule


REFUSED = {
    "nothing": "",
    "no count": "of (ada)",
    "a count of zero": "0 of (ada)",
    "too large a count": "65 of (ada)",
    "no such operator": "1 of (zoe)",
    "too few digits of an id": f"1 of ({ADA.operator.id.hex()[:7]})",
    "twice the same": "1 of (ada, ada)",
    "nobody": "1 of ()",
    "not closed": "1 of (ada",
    "words after it": "1 of (ada) or 1 of (ben)",
    "an end too early": "1 of (ada) and",
    "too deep": "(" * 20 + "1 of (ada)" + ")" * 20,
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_what_is_no_rule_is_refused(words: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(FormatError):
        parsed(words, state())


@given(st.text(alphabet="ada ben0123of(),;", max_size=60))
def test_any_words_are_a_rule_or_refused(words: str) -> None:
    """No words bring anything else than FormatError."""
    try:
        parsed(words, state())
    except FormatError:
        return


def test_a_name_that_two_have_names_neither() -> None:
    """Who shares a name is told by digits of the id."""
    both = state(namesake())
    assert operator_in_words(ADA.operator.id, both) == ADA.operator.id.hex()[:8]
    with pytest.raises(FormatError, match="several operators"):
        named_operator("ada", both.operators)
