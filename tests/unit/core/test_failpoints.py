"""Every write of what is installed, rotated or kept of keys is a durable step of the one registry."""

import ast
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

import keystead
from keystead.core.failpoints import FAILPOINTS, Failpoint, Side, Step, arm, durable

SOURCE = Path(keystead.__file__).parent
REPOSITORIES = sorted(
    chain.from_iterable(SOURCE.glob(f"components/{one}_repository/sqlite*.py") for one in ("key", "token"))
)
READING = {"newest", "usage", "added", "newest_backup", "accepted", "abandoned"}
"""Methods that ask the writer's thread and change nothing."""


def steps_in(path: Path) -> Iterator[str]:
    """Return the step of each ``with durable(Step.…)``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "durable":
            (step,) = node.args
            assert isinstance(step, ast.Attribute)
            yield step.attr


def methods_that_submit(path: Path, *, outside: bool) -> set[str]:
    """Return the methods that give work to the writer's thread; ``outside`` only those that do it in no step."""
    found = set()
    for method in ast.walk(ast.parse(path.read_text())):
        if isinstance(method, ast.AsyncFunctionDef):
            nodes = list(ast.walk(method))
            within = {inner for node in nodes if isinstance(node, ast.With) for inner in ast.walk(node)}
            submitting = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "submit"]
            if any(not outside or node not in within for node in submitting):
                found.add(method.name)
    return found


@pytest.mark.parametrize("path", REPOSITORIES, ids=lambda path: path.name)
def test_every_write_of_the_repositories_is_a_step(path: Path) -> None:
    """What is submitted outside of a step only reads."""
    assert methods_that_submit(path, outside=True) <= READING


def test_every_method_that_is_said_to_read_is_there() -> None:
    """The list above excuses nothing else."""
    assert set().union(*(methods_that_submit(path, outside=False) for path in REPOSITORIES)) >= READING


def test_every_step_is_taken_at_one_place() -> None:
    """So that its name says where a process was."""
    taken = Counter(chain.from_iterable(map(steps_in, SOURCE.rglob("*.py"))))
    assert taken == Counter(step.name for step in Step)


def test_every_sync_of_a_running_role_is_a_step() -> None:
    """Roles write files through ``HostDisk`` alone: whoever syncs a file elsewhere makes a directory or a backup."""
    syncing = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if "os.fsync(" in path.read_text()}
    assert syncing == {
        "bootstrap/host.py",
        "bootstrap/data_directory.py",
        "bootstrap/backing_up/archive.py",
        "bootstrap/backing_up/taking.py",
    }


def test_a_step_has_a_place_on_each_side() -> None:
    """Both are passed in order; a step that fails has no far side."""
    seen: list[Failpoint] = []
    arm(seen.append)
    try:
        with durable(Step.STAGE):
            assert seen == [Failpoint(Side.BEFORE, Step.STAGE)]
        with pytest.raises(OSError, match="full"), durable(Step.FENCE):
            raise OSError("full")
    finally:
        arm(None)
    assert [str(point) for point in seen] == ["before-stage", "after-stage", "before-fence"]
    assert len(FAILPOINTS) == 2 * len(Step)
