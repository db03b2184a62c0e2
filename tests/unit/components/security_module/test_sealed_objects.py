"""The specification of sealed objects lists what the code can seal."""

import re
from pathlib import Path

from keystead.core.tokens.envelope import SealedClass

SPECIFICATION = Path(__file__).parents[4] / "spec" / "sealed-objects.md"


def test_every_class_has_a_fate() -> None:
    """Each class of the code stands in the specification with its number, name and a fate, and no other does."""
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \|.*\| ([^|]+) \|$", SPECIFICATION.read_text(), re.MULTILINE)
    assert {int(number): name.upper().replace(" ", "_") for number, name, _ in rows} == {
        member.value: member.name for member in SealedClass
    }
    assert all(fate.strip() for _, _, fate in rows)
