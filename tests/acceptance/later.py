"""Runs ``keystead`` on a host whose clock is eight days ahead, for what becomes due only after days."""

import sys

from keystead.__main__ import main
from keystead.bootstrap.host import HostClock

AHEAD = 8 * 24 * 60 * 60 * 1000
"""Milliseconds."""
_now = HostClock.now


def _later(self: HostClock) -> int:
    return _now(self) + AHEAD


if __name__ == "__main__":
    setattr(HostClock, HostClock.now.__name__, _later)
    sys.exit(main())
