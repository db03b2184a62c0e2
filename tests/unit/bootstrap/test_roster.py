"""Which modules a host runs is a file that only names what can be a module."""

from pathlib import Path

import pytest

from keystead.bootstrap.roster import ROSTER, fresh_name, read_roster, write_roster
from keystead.errors import OperatorError


def test_without_a_roster_the_modules_are_those_of_the_first_start(tmp_path: Path) -> None:
    """A data directory in which no module ever came or went needs no file."""
    assert read_roster(tmp_path) == ("module-1", "module-2")
    write_roster(tmp_path, ["module-2", "module-3"])
    assert read_roster(tmp_path) == ("module-2", "module-3")


@pytest.mark.parametrize(
    "names", [["../other"], ["coordinator"], ["module-0"], ["module-1", "module-1"], ["module-1\n"]]
)
def test_a_roster_names_modules_alone(tmp_path: Path, names: list[str]) -> None:
    """No other directory of the installation, or of the host, is ever taken for a module's."""
    write_roster(tmp_path, names)
    with pytest.raises(OperatorError, match="what is no module, or one twice"):
        read_roster(tmp_path)


def test_a_name_that_left_a_directory_behind_is_not_given_again(tmp_path: Path) -> None:
    """What a former module kept is never taken for a new one's."""
    (tmp_path / "module-7").mkdir()
    (tmp_path / "module-12.old").mkdir()
    assert fresh_name(tmp_path) == "module-8"
    write_roster(tmp_path, ["module-9"])
    assert fresh_name(tmp_path) == "module-10"
    assert ROSTER in {path.name for path in tmp_path.iterdir()}
