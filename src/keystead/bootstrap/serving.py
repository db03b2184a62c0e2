"""Starts the recipe of one role and nothing else."""

import os
import sys
from importlib import import_module
from pathlib import Path

from keystead.bootstrap.failpoints import arm_from
from keystead.errors import OperatorError


def serve_role(role: str, config: Path) -> int:
    """Run a role until told to stop and return the exit status; a problem is told in one line, status 1."""
    try:
        arm_from(os.environ)
        return int(import_module(f"keystead.bootstrap.{role}").serve(config))
    except OperatorError as error:
        sys.stderr.write(f"keystead: {error}\n")
        return 1
