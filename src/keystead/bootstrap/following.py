"""Which modules a process uses is read again and again from its configuration, so that they come and go while it runs.

Nothing else of the configuration changes before the next start. A wrong address does no harm: no module is believed for
where it listens.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from keystead.bootstrap.configuration import load
from keystead.bootstrap.role_configuration import (
    AuthenticationConfiguration,
    CoordinatorConfiguration,
    CryptographyConfiguration,
)
from keystead.errors import OperatorError

LOOK: Final = 1.0
"""Seconds between two looks at the configuration."""

_NamesModules: TypeAlias = (
    type[AuthenticationConfiguration] | type[CoordinatorConfiguration] | type[CryptographyConfiguration]
)


async def follow_modules(
    config: Path, kind: _NamesModules, use: Callable[[Sequence[str]], None], complain: Callable[[str], object]
) -> None:
    """Have the modules used that the configuration names, until cancelled; complain once of a file that is wrong."""
    wrong = ""
    while True:
        await asyncio.sleep(LOOK)
        try:
            modules, found = load(config, kind).modules, ""
        except OperatorError as error:
            modules, found = None, error.problem
        if modules is not None:
            use(modules)
        elif found != wrong:
            complain(found)
        wrong = found
