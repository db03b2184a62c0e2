"""What a reader can try was tried: the console transcripts of README and tutorial are typed into a shell."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.service import REPOSITORY, running

pytestmark = pytest.mark.slow

DOCUMENTS = (
    "README.md",
    "docs/tutorial/first-five-minutes.md",
    "docs/how-to/change-the-domain.md",
    "docs/how-to/rotate-domain-keys.md",
    "docs/how-to/shred-a-key.md",
    "docs/how-to/add-and-remove-modules.md",
    "docs/how-to/back-up.md",
)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
MARK = "--- next command ---"


def steps(document: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a document's transcripts in order, each with the lines that it is said to print.

    Commands of make are left out: they install and start what the tests have installed and started already.
    """
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall((REPOSITORY / document).read_text()):
        for line in block.splitlines():
            if line.startswith(PROMPT):
                found.append((line.removeprefix(PROMPT), []))
            else:
                found[-1][1].append(line)
    return [(command, printed) for command, printed in found if not command.startswith("make ")]


@pytest.mark.requirement("ENV-23")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_transcripts_do_what_they_show(document: str, tmp_path: Path) -> None:
    """Every command succeeds, and prints what the document shows where it shows something."""
    (tmp_path / ".venv").symlink_to(REPOSITORY / ".venv")
    shutil.copy(REPOSITORY / "README.md", tmp_path)
    transcript = steps(document)
    script = f"\necho '{MARK}'\n".join(command for command, _ in transcript)
    with running(tmp_path / "keystead-data"):
        path = f"{REPOSITORY / '.venv' / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(tmp_path), "AWS_PAGER": "", "LC_ALL": "C.UTF-8"}
        ended = subprocess.run(
            ["bash", "-eu", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    printed = [part.strip().splitlines() for part in ended.stdout.split(f"{MARK}\n")]
    assert len(printed) == len(transcript)
    for (command, shown), found in zip(transcript, printed, strict=True):
        assert not shown or found == shown, command
