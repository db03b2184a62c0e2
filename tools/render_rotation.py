"""The stages of a rotation as a page: printed by ``tools/render_reference.py`` from the table itself."""

import ast
import inspect
from typing import Final

from keystead.core.rotation import stages
from keystead.core.rotation.stages import ENDED, TRANSITIONS, Event, Stage

_BEGINNING: Final = """\
# Stages of a rotation

What a rotation of domain keys may go through; anything else is refused. [Why it is so](../explanation/rotation.md).

"""


def page() -> str:
    """Return the page: a diagram, and what each stage means."""
    told = _docstrings()
    lines = [f"| {stage.name.lower()} | {told[stage.name]} |" for stage in Stage]
    table = "\n".join(["| Stage | Meaning |", "|---|---|", *lines])
    return f"{_BEGINNING}{_diagram()}\n\n{table}\n"


def _diagram() -> str:
    arrows = [f"    {before.name} --> {after.name}: {_words(event)}" for (before, event), after in TRANSITIONS.items()]
    ends = [f"    {stage.name} --> [*]" for stage in Stage if stage in ENDED]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {Stage.PLANNED.name}", *arrows, *ends, "```"])


def _words(event: Event) -> str:
    return event.name.lower().replace("_", " ")


def _docstrings() -> dict[str, str]:
    """Return what stands under each stage in the source, on one line."""
    classes = (one for one in ast.parse(inspect.getsource(stages)).body if isinstance(one, ast.ClassDef))
    found = next(one for one in classes if one.name == Stage.__name__)
    told = {}
    for name, words in zip(found.body, found.body[1:], strict=False):
        if isinstance(name, ast.Assign) and isinstance(words, ast.Expr) and isinstance(name.targets[0], ast.Name):
            told[name.targets[0].id] = " ".join(str(ast.literal_eval(words.value)).split())
    return told
