"""Arms one failpoint of a process, for tests that end real processes at exact places. Unsafe, and off unless asked.

``KEYSTEAD_FAILPOINT=<name>:<kill|stop>[:<nth>]`` names the place, what happens there, and at which time of being there;
it counts only if ``KEYSTEAD_UNSAFE_FAILPOINTS=1`` is set too.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from keystead.core.failpoints import Failpoint, arm
from keystead.errors import OperatorError

PERMISSION: Final = "KEYSTEAD_UNSAFE_FAILPOINTS"
CHOICE: Final = "KEYSTEAD_FAILPOINT"
_NAMES: Final = frozenset(point.value for point in Failpoint)
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def arm_from(environment: Mapping[str, str]) -> None:
    """Arm what the environment asks for, if it has both variables; raises OperatorError for what is no failpoint."""
    chosen = environment.get(CHOICE)
    if environment.get(PERMISSION) != "1" or chosen is None:
        return
    name, _, rest = chosen.partition(":")
    what, _, nth = rest.partition(":")
    if name not in _NAMES or what not in _SIGNALS or not (nth or "1").lstrip("0").isdecimal():
        raise OperatorError(f"{CHOICE}={chosen} names no failpoint", f"unset {PERMISSION}: it is for tests alone")
    arm(_at(Failpoint(name), _SIGNALS[what], int(nth or "1")))


def _at(chosen: Failpoint, number: signal.Signals, nth: int) -> Callable[[Failpoint], None]:
    left = nth

    def reached(point: Failpoint) -> None:
        nonlocal left
        if point is chosen:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    return reached
