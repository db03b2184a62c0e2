"""Failpoints are inert unless a process is started with two variables; then exactly the chosen one acts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from keystead.bootstrap.failpoints import CHOICE, PERMISSION, REACHED, arm_from
from keystead.core.failpoints import Step, arm, durable
from keystead.errors import OperatorError

SOME = "after-module-file"
PROGRAM = """
import os
from keystead.bootstrap.failpoints import arm_from
from keystead.core.failpoints import Step, durable
arm_from(os.environ)
for step in [*Step, *Step]:
    with durable(step):
        pass
"""


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm(None)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {CHOICE: f"{SOME}:kill"},
        {PERMISSION: "1"},
        {PERMISSION: "0", CHOICE: f"{SOME}:kill"},
        {PERMISSION: "", CHOICE: f"{SOME}:kill"},
    ],
)
def test_without_both_variables_every_failpoint_is_inert(environment: Mapping[str, str]) -> None:
    """A process passes every place of the registry twice and ends well."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | environment, check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize("nth", ["", ":1", ":2"])
def test_with_both_the_chosen_one_kills(nth: str) -> None:
    """At the nth time of being there, at once; its last word is where it was."""
    environment = {PERMISSION: "1", CHOICE: f"{SOME}:kill{nth}"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | environment, stderr=-1, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stderr.decode() == f"{REACHED}{SOME}\n"


def test_of_several_places_the_first_that_is_reached_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may ask for whatever comes first."""
    sent: list[signal.Signals] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    arm_from({PERMISSION: "1", CHOICE: f"{SOME},before-stage:kill"})
    with durable(Step.FENCE):
        assert sent == []
    with durable(Step.STAGE):
        assert sent == [signal.SIGKILL]


def test_the_time_of_being_there_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the chosen place counts, and it acts once."""
    sent: list[signal.Signals] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    arm_from({PERMISSION: "1", CHOICE: f"{SOME}:stop:3"})
    seen = []
    for _ in range(5):
        with durable(Step.DECISION), durable(Step.MODULE_FILE):
            pass
        seen.append(list(sent))
    assert seen == [[], [], [signal.SIGSTOP], [signal.SIGSTOP], [signal.SIGSTOP]]


@pytest.mark.parametrize(
    "chosen",
    [
        "",
        "nowhere:kill",
        f"{SOME},nowhere:kill",
        f"{SOME}",
        f"{SOME}:explode",
        f"{SOME}:kill:x",
        f"{SOME}:kill:0",
        f"{SOME}:kill:-1",
    ],
)
def test_what_names_no_failpoint_is_refused(chosen: str) -> None:
    """A test that misspells a place does not pass by accident."""
    with pytest.raises(OperatorError, match="names no failpoint"):
        arm_from({PERMISSION: "1", CHOICE: chosen})
