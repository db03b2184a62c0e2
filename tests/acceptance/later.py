"""Runs ``keystead`` on a host whose clock is days ahead, for what becomes due only after days.

The first argument says how many; the others are those of ``keystead``.
"""

import sys

from keystead.__main__ import main
from keystead.bootstrap.host import HostClock

DAY = 24 * 60 * 60 * 1000
"""Milliseconds."""
_now = HostClock.now


def _later_by(days: int) -> None:
    setattr(HostClock, HostClock.now.__name__, lambda self: _now(self) + days * DAY)


if __name__ == "__main__":
    _later_by(int(sys.argv.pop(1)))
    sys.exit(main())
