"""A rotation moves only along its table, as the domain's state and the clock say; a drop needs all its conditions."""

from itertools import product

import pytest
from msgspec.structs import replace

from keystead.core.domain.change_request import AddDomainKey, RetireDomainKey
from keystead.core.domain.state import DomainState
from keystead.core.rotation.conditions import obstacles, retired_between, taken_away
from keystead.core.rotation.rotation import Cause, Limits, Rotation, seen_in
from keystead.core.rotation.stages import ENDED, TRANSITIONS, Event, Stage
from keystead.errors import RotationDenied
from tests.simulators.modules import ModuleDomain

NOW = 1_000_000


@pytest.fixture(scope="module")
def states() -> dict[str, DomainState]:
    """The domain before the rotation, with the key added, with the old one retired, and without it."""
    domain = ModuleDomain(1).with_key()
    before = domain.state
    domain.install(domain.propose(AddDomainKey()))
    added = domain.state
    domain.install(domain.propose(RetireDomainKey(before.newest)))
    dropped = replace(domain.state, domain_keys=domain.state.domain_keys[1:])
    return {"before": before, "added": added, "retired": domain.state, "dropped": dropped}


def rotation(state: DomainState, stage: Stage) -> Rotation:
    """A rotation from all domain keys of a state, at a stage."""
    return Rotation(number=1, cause=Cause.ORDER, begun=1, old=(state.newest,), stage=stage)


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, Event)))
def test_an_event_moves_a_rotation_only_where_the_table_says(
    states: dict[str, DomainState], stage: Stage, event: Event
) -> None:
    """Any other one is refused, and what has ended stays so."""
    before = rotation(states["before"], stage)
    if (stage, event) in TRANSITIONS:
        assert before.moved(event) == replace(before, stage=TRANSITIONS[stage, event])
        assert stage not in ENDED
    else:
        with pytest.raises(RotationDenied):
            before.moved(event)


def test_every_stage_is_reached_and_every_open_one_can_end() -> None:
    """There is no dead end on the way."""
    reached = set(TRANSITIONS.values()) | {Stage.PLANNED}
    assert reached == set(Stage)
    for stage in set(Stage) - ENDED:
        assert _ends(stage)


def _ends(stage: Stage) -> bool:
    seen, following = set[Stage](), {stage}
    while following - seen:
        seen |= following
        following = {after for (before, _), after in TRANSITIONS.items() if before in seen}
    return not seen.isdisjoint(ENDED)


MATRIX = {
    (Stage.PLANNED, "before"): None,
    (Stage.PLANNED, "added"): Event.INSTALLED_EVERYWHERE,
    (Stage.RESEALING, "added"): None,
    (Stage.RESEALED, "added"): None,
    (Stage.RESEALED, "retired"): Event.OLD_RETIRED,
    (Stage.RESEALED, "dropped"): Event.OLD_GONE,
    (Stage.RETIRED, "retired"): None,
    (Stage.RETIRED, "added"): Event.OLD_REINSTATED,
    (Stage.RETIRED, "dropped"): Event.OLD_GONE,
}


@pytest.mark.requirement("P21-05", "P21-23", "CL-10", "CL-11", "CL-42")
@pytest.mark.parametrize(("stage", "name"), list(MATRIX))
def test_what_every_member_has_moves_a_rotation(states: dict[str, DomainState], stage: Stage, name: str) -> None:
    """It is added, retired and gone when the state that every member has says so, and not before."""
    assert seen_in(rotation(states["before"], stage), states[name]) is MATRIX[stage, name]


@pytest.mark.requirement("CKEY-04", "CKEY-05")
@pytest.mark.parametrize(
    ("limits", "age", "operations", "cause"),
    [
        (Limits(), 10**12, 10**12, None),
        (Limits(age=100), 99, 10**12, None),
        (Limits(age=100), 100, 0, Cause.AGE),
        (Limits(operations=7), 10**12, 6, None),
        (Limits(operations=7), 0, 7, Cause.OPERATIONS),
        (Limits(age=100, operations=7), 100, 7, Cause.AGE),
    ],
)
def test_age_and_operations_begin_a_rotation(limits: Limits, age: int, operations: int, cause: Cause | None) -> None:
    """At the limit, not below it; without a limit never."""
    assert limits.cause(age, operations) is cause


def test_a_drop_with_all_conditions_met_has_no_obstacle(states: dict[str, DomainState]) -> None:
    """Nothing rests there, it was retired long enough, and a backup is newer than the last key."""
    assert obstacles(_ready(states), states["retired"], 0, NOW, NOW) == ()


@pytest.mark.parametrize(
    ("changed", "live", "backup", "now", "words"),
    [
        ({"stage": Stage.RESEALED}, 0, NOW, NOW, "must be sealed anew"),
        ({}, 3, NOW, NOW, "3 keys rest"),
        ({}, 0, NOW, NOW - 1, "retired for 1 s more"),
        ({}, 0, NOW - 50_000, NOW, "no backup is newer"),
        ({}, 0, 0, NOW, "no backup is newer"),
    ],
)
def test_each_missing_condition_is_an_obstacle(
    states: dict[str, DomainState], changed: dict[str, Stage], live: int, backup: int, now: int, words: str
) -> None:
    """One at a time, told in words."""
    (told,) = obstacles(replace(_ready(states), **changed), states["retired"], live, backup, now)
    assert words in told


def test_only_the_backup_can_be_waived(states: dict[str, DomainState]) -> None:
    """An operator takes that upon himself; keys that are live stay an obstacle."""
    waived = replace(_ready(states), waived=True)
    assert obstacles(waived, states["retired"], 0, 0, NOW) == ()
    assert len(obstacles(waived, states["retired"], 1, 0, NOW)) == 1


def test_what_a_token_takes_away_is_seen(states: dict[str, DomainState]) -> None:
    """A domain key that is retired, or gone, from one state to the next."""
    old = states["before"].newest
    assert retired_between(states["added"], states["retired"]) == {old}
    assert retired_between(states["retired"], states["dropped"]) == set()
    assert taken_away(states["retired"], states["dropped"]) == {old}
    assert taken_away(states["before"], states["added"]) == set()


def _ready(states: dict[str, DomainState]) -> Rotation:
    retirement = states["retired"].parameters.retirement
    moved = rotation(states["before"], Stage.RETIRED)
    return replace(moved, retired=NOW - retirement, resealed=5, last_reseal=NOW - 50_000)
