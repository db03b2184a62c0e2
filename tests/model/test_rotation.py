"""Rotation of domain keys: no acknowledged key is lost in any reachable state, and each rule is needed."""

from dataclasses import fields, replace
from typing import Final

import pytest

from tests.model.explorer import Breach, explore, stuck
from tests.model.rotation import Bounds, Guards, RotationModel

WITHOUT_BACKUPS: Final = Bounds(backups=0)
WITH_BACKUPS: Final = Bounds()

CAUGHT: Final = {
    ("fence_closes",): WITHOUT_BACKUPS,
    ("fence_sees_what_stays",): WITHOUT_BACKUPS,
    ("compare_and_swap",): WITHOUT_BACKUPS,
    ("fence_before_listing", "count_before_drop"): WITHOUT_BACKUPS,
    ("backup_before_drop",): WITH_BACKUPS,
}
"""Where rules are missed. The last count before a drop and the order of fence and list stand in for one another."""


def without(bounds: Bounds, *rules: str) -> RotationModel:
    """Return the model without some rules."""
    return RotationModel(replace(bounds, guards=replace(Guards(), **dict.fromkeys(rules, False))))


@pytest.mark.requirement("CONS-17")
def test_no_acknowledged_key_is_lost_by_a_rotation_that_always_can_end() -> None:
    """All reachable states of three modules, two changes in flight, and no backups."""
    model = RotationModel(WITHOUT_BACKUPS)
    explored = explore(model, 10_000)
    assert len(explored.reached) > 2_000
    assert stuck(model, explored, model.done) is None
    assert {"add", "admit", "fence", "reseal", "none-left", "retire", "drop"} <= explored.actions()


@pytest.mark.slow
def test_no_acknowledged_key_is_lost_if_the_newest_backup_is_restored_at_any_moment() -> None:
    """All reachable states, with a backup that may be taken and put back at any moment."""
    assert len(explore(RotationModel(replace(WITH_BACKUPS, changes=4)), 300_000).reached) > 50_000


@pytest.mark.parametrize("rules", CAUGHT, ids=" and ".join)
def test_every_rule_is_needed(rules: tuple[str, ...]) -> None:
    """Without it a key is lost, or a change is undone."""
    with pytest.raises(Breach, match=r"unreadable|undone"):
        explore(without(CAUGHT[rules], *rules), 60_000)


def test_every_rule_is_looked_at() -> None:
    """Each rule is one whose lack was shown to matter."""
    assert {rule for rules in CAUGHT for rule in rules} == {rule.name for rule in fields(Guards)}


@pytest.mark.parametrize("rule", ["fence_before_listing", "count_before_drop"])
def test_second_locks_stand_in_for_one_another(rule: str) -> None:
    """Either alone is enough as long as the other is kept."""
    assert len(explore(without(WITHOUT_BACKUPS, rule), 10_000).reached) > 2_000
