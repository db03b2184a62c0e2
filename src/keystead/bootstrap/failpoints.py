"""Arms failpoints of a process, for tests that end real processes at exact places. Unsafe, and off unless asked.

``KEYSTEAD_FAILPOINT=<before|after>-<step>[,…]:<kill|stop>[:<nth>]`` names the places, what happens there, and at which
time of being at one of them; it counts only if ``KEYSTEAD_UNSAFE_FAILPOINTS=1`` is set too.
"""

import os
import signal
from collections.abc import Callable, Collection, Mapping
from typing import Final

from keystead.core.failpoints import FAILPOINTS, Failpoint, arm
from keystead.errors import OperatorError

PERMISSION: Final = "KEYSTEAD_UNSAFE_FAILPOINTS"
CHOICE: Final = "KEYSTEAD_FAILPOINT"
REACHED: Final = "keystead: at the failpoint "
"""What the process's last words on standard error begin with; the name of the place follows."""
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def arm_from(environment: Mapping[str, str]) -> None:
    """Arm what the environment asks for, if it has both variables; raises OperatorError for what is no failpoint."""
    chosen = environment.get(CHOICE)
    if environment.get(PERMISSION) != "1" or chosen is None:
        return
    names, _, rest = chosen.partition(":")
    what, _, nth = rest.partition(":")
    places = frozenset(names.split(","))
    if not places <= FAILPOINTS.keys() or what not in _SIGNALS or not (nth or "1").lstrip("0").isdecimal():
        raise OperatorError(f"{CHOICE}={chosen} names no failpoint", f"unset {PERMISSION}: it is for tests alone")
    arm(_at({FAILPOINTS[name] for name in places}, _SIGNALS[what], int(nth or "1")))


def _at(chosen: Collection[Failpoint], number: signal.Signals, nth: int) -> Callable[[Failpoint], None]:
    left = nth

    def reached(point: Failpoint) -> None:
        nonlocal left
        if point in chosen:
            left -= 1
            if left == 0:
                os.write(2, f"{REACHED}{point}\n".encode())
                os.kill(os.getpid(), number)

    return reached
