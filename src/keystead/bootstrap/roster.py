"""Which security modules ``keystead up`` runs on this host, as the data directory says.

Who is a member of the domain is another question, which the domain token answers: a module runs before it is let in,
and until after it was put out.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from keystead.bootstrap.configuration import dump, load
from keystead.bootstrap.host import HostDisk
from keystead.bootstrap.roles import MODULES
from keystead.errors import OperatorError

ROSTER: Final = "modules.toml"
_NAME: Final = re.compile(r"module-([1-9][0-9]{0,4})")


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The names of the modules, in the order in which they came."""

    names: list[str]


def read_roster(data: Path) -> tuple[str, ...]:
    """Return the names of the modules; those of the first start if none came or went since. Raises OperatorError."""
    path = data / ROSTER
    if not path.exists():
        return MODULES
    names = tuple(load(path, Roster).names)
    if len(set(names)) < len(names) or any(_NAME.fullmatch(name) is None for name in names):
        raise OperatorError(f"{path} names what is no module, or one twice", "write names such as module-3, each once")
    return names


def write_roster(data: Path, names: Sequence[str]) -> None:
    """Record the names of the modules, durably."""
    HostDisk(data).write(ROSTER, dump(Roster(list(names))).encode())


def fresh_name(data: Path) -> str:
    """Return a name that no module has, or had and left its directory behind."""
    taken = {*read_roster(data), *(path.name for path in data.iterdir())}
    numbers = [int(found[1]) for name in taken if (found := _NAME.fullmatch(name)) is not None]
    return f"module-{max(numbers, default=0) + 1}"
