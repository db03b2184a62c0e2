"""The tables of the specification are those of the code."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

import pytest

from keystead.core.protocols.module_session import connection, operator_connection

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)
SPECIFICATION = Path(__file__).parents[5] / "spec" / "module-session.md"


def printed(title: str, transitions: Mapping[tuple[State, Event], State], events: type[Event]) -> str:
    """Return the table of a life cycle, without the state that nothing leads out of."""
    names = [event.value.removesuffix(" of the attach") for event in events]
    rows = [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for state in dict.fromkeys(state for state, _ in transitions):
        if state.value != "closed":
            after = (transitions.get((state, event)) for event in events)
            rows.append(" ".join(["|", state.value, *(f"| {to.value}" if to else "|" for to in after), "|"]))
    return "\n".join(rows)


@pytest.mark.parametrize(
    "table",
    [
        printed("Operator's end", operator_connection.TRANSITIONS, operator_connection.Event),
        printed("Module's end", connection.TRANSITIONS, connection.Event),
    ],
    ids=["operator", "module"],
)
def test_the_specification_has_the_table(table: str) -> None:
    """A transition that is added or removed is added or removed in the specification."""
    assert table in SPECIFICATION.read_text()
