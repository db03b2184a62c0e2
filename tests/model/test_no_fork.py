"""The rules of promise, release and abandon: no fork and no freeze in any reachable state, and each rule is needed."""

from dataclasses import fields, replace
from typing import Final

import pytest

from tests.model.explorer import Breach, explore
from tests.model.no_fork import Abandon, Case, Guards, NoFork, Token
from tests.model.no_freeze import Frozen, ended

KEY: Final = Token("key", "ABC")
OTHER_KEY: Final = Token("other-key", "ABC")
WITHOUT_B: Final = Token("without-B", "AC")
WITHOUT_C: Final = Token("without-C", "AB")
WITH_D: Final = Token("with-D", "ABCD")
ONLY_A: Final = Token("only-A", "A", lost="BC")
UNASKED: Final = Token("unasked", "ABC", signatures=1, offered=False)
HALF_SIGNED: Final = Token("half-signed", "ABC", signatures=1)
UNSIGNED: Final = Token("unsigned", "AB", signatures=0)
EITHER: Final = (Abandon(0), Abandon(1))

CASES: Final = {
    "removals": Case("ABC", (WITHOUT_B, WITHOUT_C), EITHER),
    "two modules": Case("AB", (Token("without-A", "B"), Token("without-B", "A")), EITHER),
    "newcomer": Case("ABC", (KEY, WITH_D), (Abandon(1),), destroyed="D"),
    "signatures": Case("ABC", (HALF_SIGNED, UNSIGNED, UNASKED), (Abandon(0),)),
}
"""Small enough for every run; some thousand states in all."""

LARGE: Final = {
    "key or removal": Case("ABC", (KEY, WITHOUT_C), (Abandon(0), Abandon(0, "C"), Abandon(1)), destroyed="C"),
    "recovery": Case("ABC", (KEY, ONLY_A), (Abandon(0), Abandon(0, "C"), Abandon(1)), destroyed="C"),
    "newcomer or key": Case("ABC", (KEY, WITH_D), EITHER),
    "three tokens": Case("ABC", (KEY, WITHOUT_C, ONLY_A), (Abandon(0), Abandon(0, "C"), Abandon(1)), destroyed="C"),
    "lost newcomer": Case("ABC", (KEY, WITH_D), (Abandon(1), Abandon(1, "C"), Abandon(1, "D")), destroyed="CD"),
}

CAUGHT: Final = {
    "quorum_for_promises": "signatures",
    "one_promise": "removals",
    "released_is_never_promised": "removals",
    "released_is_never_installed": "key or removal",
    "all_promises": "key or removal",
    "installed_never_releases": "removals",
    "releases_of_one_request": "recovery",
    "release_by_all_concerned": "key or removal",
    "unpromised_by_a_promiser": "recovery",
    "no_word_of_the_lost": "recovery",
    "promisers_meet": "two modules",
    "lost_are_destroyed": "key or removal",
    "late_ones_may_follow": "removals",
    "seen_elsewhere_is_followed": "removals",
    "any_who_has_it_is_believed": "removals",
}
"""Where each rule is missed."""

SECOND_LOCKS: Final = {"dead_is_refused", "own_promise"}


def shown(case: Case, limit: int) -> int:
    """Return in how many reachable states the invariants hold and a change can be installed; raises where not."""
    explored = explore(NoFork(case), limit)
    for state in explored.reached:
        try:
            ended(case, state)
        except Frozen as frozen:
            raise Breach(str(frozen), explored.story(state)) from frozen
    return len(explored.reached)


@pytest.mark.requirement("CONS-10")
@pytest.mark.parametrize("name", CASES)
def test_no_order_of_actions_forks_or_freezes_a_domain(name: str) -> None:
    """All reachable states of the small cases."""
    assert shown(CASES[name], 5_000) > 300


@pytest.mark.slow
@pytest.mark.requirement("CONS-10")
@pytest.mark.parametrize("name", LARGE)
def test_no_order_of_actions_forks_or_freezes_a_large_domain(name: str) -> None:
    """All reachable states of the large cases."""
    assert shown(LARGE[name], 500_000) > 10_000


def test_every_rule_is_looked_at() -> None:
    """Each rule is one that is needed, or a second lock."""
    assert CAUGHT.keys() | SECOND_LOCKS == {rule.name for rule in fields(Guards)}


@pytest.mark.parametrize("rule", CAUGHT)
def test_every_rule_is_needed(rule: str) -> None:
    """Without it the domain forks, or freezes: so this model can fail, and nothing in it is idle."""
    case = (CASES | LARGE)[CAUGHT[rule]]
    with pytest.raises(Breach) as breach:
        shown(replace(case, guards=replace(Guards(), **{rule: False})), 60_000)
    assert len(breach.value.story) <= 13


@pytest.mark.slow
@pytest.mark.parametrize("name", ["removals", "key or removal", "recovery"])
def test_second_locks_decide_nothing(name: str) -> None:
    """What a member refuses besides could not happen anyway; said here, so that nobody leans on it alone."""
    without = replace(Guards(), **dict.fromkeys(SECOND_LOCKS, False))
    assert shown(replace((CASES | LARGE)[name], guards=without), 60_000) > 300


def test_a_disk_put_back_forks_nothing_where_promisers_meet_twice_and_nothing_is_abandoned() -> None:
    """One module may be restored to any of its states if its domain has no abandonment."""
    assert len(explore(NoFork(Case("ABC", (KEY, OTHER_KEY), restored="ABC")), 10_000).reached) > 100


@pytest.mark.parametrize(
    "case",
    [Case("ABC", (WITHOUT_B, WITHOUT_C), restored="A"), Case("ABC", (KEY, OTHER_KEY), (Abandon(0),), restored="ABC")],
    ids=["promisers meet in the restored one alone", "it releases what it had installed"],
)
def test_a_disk_put_back_forks_a_domain_otherwise(case: Case) -> None:
    """So a restored module has to be removed and brought back as a new one: it cannot know what it said."""
    with pytest.raises(Breach, match="two parameter sets"):
        explore(NoFork(case), 50_000)
