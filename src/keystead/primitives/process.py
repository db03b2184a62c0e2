"""What a process can do on its own so that its memory is not read: by core dump, debugger or swap.

Against the superuser of the host only ``memfd_secret`` helps; ``docs/threat-model.md`` says what remains.
"""

import ctypes
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from keystead.errors import OperatorError
from keystead.primitives.secret import Secret, memory

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAP_IPC_LOCK: Final = 14
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4
_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """What was achieved."""

    no_core: bool
    """The kernel writes no core file."""
    not_dumpable: bool
    """Other processes of the same user may neither trace this one nor read its memory."""
    no_debugger: bool
    """Nothing traces this process now."""
    no_new_privileges: bool
    """No program that it starts gains any."""
    locked: bool
    """No page of the whole process is ever swapped."""
    secret_memory: bool
    """Secrets are in memory that the kernel itself does not map."""

    def missing(self) -> tuple[str, ...]:
        """Return the names of what was not achieved."""
        return tuple(name for name, achieved in asdict(self).items() if not achieved)


def harden_process(*, strict: bool) -> Hardening:
    """Harden this process as far as the host allows and return what was achieved.

    With ``strict``, raises OperatorError if anything is missing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    no_new_privileges = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    status = _status()
    Secret.blank(1).wipe()
    achieved = Hardening(
        no_core=resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
        not_dumpable=libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
        no_debugger=status["TracerPid"] == "0",
        no_new_privileges=no_new_privileges,
        # Pages are locked as they are first touched: what is mapped and never used takes no memory.
        locked=_may_lock(status) and libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0,
        secret_memory=memory().secret,
    )
    if strict and achieved.missing():
        raise OperatorError(
            f"this host does not allow all that strict asks for: {', '.join(achieved.missing())}",
            "allow it (docs/reference/configuration.md, strict) or set strict = false",
        )
    return achieved


def _may_lock(status: dict[str, str]) -> bool:
    """Whether locking all memory cannot make a later allocation fail: no limit, or the capability to ignore it."""
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    return unlimited or bool(int(status["CapEff"], 16) >> _CAP_IPC_LOCK & 1)


def _status() -> dict[str, str]:
    fields = (line.partition(":") for line in _STATUS.read_text().splitlines())
    return {name: value.strip() for name, _, value in fields}
