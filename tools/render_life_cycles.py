"""The life cycles as a page of diagrams: printed by ``tools/render_reference.py`` from the tables in the code."""

import ast
import inspect
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Final, TypeAlias

from keystead.core.domain import coordination, holders
from keystead.core.domain import state as domain_state
from keystead.core.domain.coordination import Installation
from keystead.core.domain.state import Fate
from keystead.core.keys import shredding
from keystead.core.rotation import stages
from keystead.core.rotation.stages import Stage

_BEGINNING: Final = """\
# Life cycles

What each thing may go through; any other step is refused. The diagrams are printed from the tables by which the code
moves. What happens in which order, and why: [the cycle of a domain](../explanation/domain-cycle.md).
"""
_INSTALLATION: Final = """\
## Installation of a token

What was accepted and is being abandoned ends as `BURIED`, once releases show that nobody can ever install it: it is no
stage, for the token is as if it had never been accepted.
"""
_ROTATION: Final = """\
## Rotation of domain keys

[Why it is so](../explanation/rotation.md).
"""
_SHREDDING: Final = """\
## Shredding of a key

The status is stored nowhere: it is derived from the key's sealed head and the state of the domain each time.
"""
_HOLDERS: Final = """\
## Sealing key of a member

Every sealing key that a domain key was ever sealed to has an entry for ever. A member that left is not known to have
installed the version before: what that one renewed is in doubt again.
"""

State: TypeAlias = Enum | str
Transitions: TypeAlias = Mapping[tuple[Any, Any], Any]
"""From a state and an event to a state, each life with kinds of its own."""


def page() -> str:
    """Return the page: for each life a diagram, and what its states mean."""
    burial = [(Installation.ABANDONING, "dead", "BURIED")]
    parts = [
        _INSTALLATION,
        _diagram(Installation.ACCEPTED, coordination.TRANSITIONS, {Installation.INSTALLED, "BURIED"}, burial),
        _table(Installation, coordination),
        _ROTATION,
        _diagram(Stage.PLANNED, stages.TRANSITIONS, stages.ENDED),
        _table(Stage, stages),
        _SHREDDING,
        _diagram("NONE", shredding.TRANSITIONS, {"SHRED_COMPLETE"}),
        _HOLDERS,
        _diagram(Fate.HOLDS, holders.TRANSITIONS, {Fate.DESTROYED}),
        _table(Fate, domain_state),
    ]
    return "\n".join([_BEGINNING, *parts]).rstrip() + "\n"


def _diagram(
    first: State,
    transitions: Transitions,
    ended: Collection[State],
    more: Iterable[tuple[State, str, State]] = (),
) -> str:
    table = [(before, _words(event), after) for (before, event), after in transitions.items()]
    arrows = [f"    {_name(before)} --> {_name(after)}: {words}" for before, words, after in [*table, *more]]
    ends = [f"    {name} --> [*]" for name in sorted(map(_name, ended))]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {_name(first)}", *arrows, *ends, "```", ""])


def _name(state: State) -> str:
    return state if isinstance(state, str) else state.name


def _words(event: Enum) -> str:
    return event.value if isinstance(event.value, str) else event.name.lower().replace("_", " ")


def _table(states: type[Enum], module: ModuleType) -> str:
    told = _docstrings(states, module)
    lines = [f"| `{state.name}` | {told[state.name]} |" for state in states]
    return "\n".join(["| State | Meaning |", "|---|---|", *lines, ""])


def _docstrings(states: type[Enum], module: ModuleType) -> dict[str, str]:
    """Return what stands under each state in the source, on one line."""
    classes = (one for one in ast.parse(inspect.getsource(module)).body if isinstance(one, ast.ClassDef))
    found = next(one for one in classes if one.name == states.__name__)
    told = {}
    for name, words in zip(found.body, found.body[1:], strict=False):
        if isinstance(name, ast.Assign) and isinstance(words, ast.Expr) and isinstance(name.targets[0], ast.Name):
            told[name.targets[0].id] = " ".join(str(ast.literal_eval(words.value)).split())
    return told
