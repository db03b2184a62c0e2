"""Every process that holds a secret keeps its memory to itself, from before it reads the first one."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys
from pathlib import Path
from keystead.bootstrap.{module} import {function}
try:
    {function}({argument})
except Exception:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.parametrize(
    ("module", "function", "argument"),
    [
        ("authentication", "serve", "Path('none')"),
        ("coordinator", "serve", "Path('none')"),
        ("cryptography", "serve", "Path('none')"),
        ("supervise", "supervise", "'none'"),
    ],
)
def test_a_role_leaves_no_core_file_and_cannot_be_traced(module: str, function: str, argument: str) -> None:
    """Even one that is refused its configuration writes no core and is not dumpable (prctl(2), PR_GET_DUMPABLE)."""
    program = PROGRAM.format(module=module, function=function, argument=argument)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "(0, 0) 0\n"
