"""The data directory: who holds it, when its first start is complete, and what an interrupted one leaves."""

import os
from pathlib import Path

import pytest

from keystead.bootstrap.data_directory import DataDirectory, Installation, check_choices
from keystead.errors import OperatorError

DECIDED = Installation(account_id="123456789012", region="eu-central-1", domain="ab" * 32)


def prepared(tmp_path: Path) -> DataDirectory:
    """Return a data directory that was just made."""
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    return directory


def test_it_is_for_this_user_alone(tmp_path: Path) -> None:
    """Nobody else can list or enter it."""
    assert prepared(tmp_path).path.stat().st_mode & 0o777 == 0o700


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    """A second holder is refused until the first lets go."""
    directory = prepared(tmp_path)
    held = directory.lock()
    with pytest.raises(OperatorError, match="in use by another keystead"):
        directory.lock()
    os.close(held)
    os.close(directory.lock())


def test_a_path_that_cannot_be_a_directory_is_told(tmp_path: Path) -> None:
    """A file where the directory should be is an error that names it."""
    (tmp_path / "data").write_text("")
    with pytest.raises(OperatorError, match="choose another directory"):
        DataDirectory(tmp_path / "data").prepare()


def test_the_first_start_is_complete_once_recorded(tmp_path: Path) -> None:
    """What was decided is read back; before, there is nothing."""
    directory = prepared(tmp_path)
    assert directory.installation() is None
    directory.complete(DECIDED)
    assert directory.installation() == DECIDED


def test_what_an_interrupted_first_start_left_is_removed(tmp_path: Path) -> None:
    """Files and folders of a first start that had begun go, as often as it is interrupted; the lock stays."""
    directory = prepared(tmp_path)
    os.close(directory.lock())
    for _ in range(2):
        directory.begin()
        assert sorted(entry.name for entry in directory.path.iterdir()) == ["installation.toml.new", "lock"]
        (directory.path / "module-1").mkdir()
        (directory.path / "module-1" / "identity").write_text("")
        (directory.path / "repository.sqlite").write_text("")
    directory.complete(DECIDED)
    assert not (directory.path / "installation.toml.new").exists()


@pytest.mark.parametrize("stranger", ["thesis.tex", "run"])
def test_a_directory_of_something_else_is_left_alone(tmp_path: Path, stranger: str) -> None:
    """With anything in it that no first start of ours made nothing is removed, whatever its name."""
    directory = prepared(tmp_path)
    (directory.path / stranger).mkdir()
    for _ in range(2):
        with pytest.raises(OperatorError, match=stranger):
            directory.begin()
    assert (directory.path / stranger).is_dir()


def test_a_stranger_beside_an_interrupted_first_start_is_left_alone(tmp_path: Path) -> None:
    """What somebody else put there meanwhile is not removed, nor is anything beside it."""
    directory = prepared(tmp_path)
    directory.begin()
    (directory.path / "module-1").mkdir()
    (directory.path / "thesis.tex").write_text("")
    with pytest.raises(OperatorError, match=r"thesis\.tex"):
        directory.begin()
    assert (directory.path / "module-1").is_dir()


def test_keys_without_the_record_of_their_first_start_are_left_alone(tmp_path: Path) -> None:
    """If the record was lost after a complete first start, the keys stay, and what to restore is told."""
    directory = prepared(tmp_path)
    directory.begin()
    (directory.path / "repository.sqlite").write_text("keys")
    directory.complete(DECIDED)
    (directory.path / "installation.toml").unlink()
    with pytest.raises(OperatorError, match=r"restore installation\.toml"):
        directory.begin()
    assert (directory.path / "repository.sqlite").read_text() == "keys"


@pytest.mark.parametrize(("account", "region"), [("12345678901", "us-east-1"), ("123456789012", "mars")])
def test_accounts_and_regions_have_a_form(account: str, region: str) -> None:
    """What clients could not sign for is refused at the start."""
    with pytest.raises(OperatorError):
        check_choices(account, region)
    check_choices("123456789012", "us-gov-west-1")
