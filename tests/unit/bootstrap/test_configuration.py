"""Configuration files: one typed struct each, anything else refused with the name of the field."""

from math import inf
from pathlib import Path

import msgspec
import pytest

from keystead.bootstrap.configuration import dump, load
from keystead.errors import OperatorError


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration with a field of each kind."""

    name: str
    ports: list[int]
    strict: bool = False
    note: str | None = None
    rates: dict[str, float] = {}


def written(tmp_path: Path, text: str) -> Path:
    """Return the path of a file with the text."""
    path = tmp_path / "example.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "example",
    [
        Example(name="one", ports=[1, 2], strict=True),
        Example(name="one", ports=[], rates={"all": inf, "Keystead.ShredKey": 0.25, "CreateKey": 7.0}),
        Example(name='with "quotes", \\ and \n lines', ports=[], note="é"),
    ],
)
def test_what_is_dumped_is_loaded_again(tmp_path: Path, example: Example) -> None:
    """The written form reads back as the same configuration."""
    assert load(written(tmp_path, dump(example)), Example) == example


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'one'\nports = []\nport = 1\n", "port"),
        ("name = 'one'\n", "ports"),
        ("name = 1\nports = []\n", "name"),
        ("name = 'one\n", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    """An unknown, missing or mistyped field is refused by name."""
    with pytest.raises(OperatorError, match=told):
        load(written(tmp_path, text), Example)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file is an error that says how to name one."""
    with pytest.raises(OperatorError, match="--config"):
        load(tmp_path / "none.toml", Example)
