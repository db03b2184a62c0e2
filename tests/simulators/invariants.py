"""The one judge of a history: the invariants that hold whatever fails, and which of them a history can show.

An invariant for which nothing was recorded is reported as that, never as holding. Whoever records decides what to look
at; ``Report.require`` names what must have been looked at.

    I1 no lost key          I4 no clear key outside     I7 no unlogged use
    I2 no resurrection      I5 quorum                   I8 nonce uniqueness
    I3 right key            I6 one history              I9 authorisation monotone
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulators.checks import calls, domain, secrecy
from tests.simulators.checks.timeline import Timeline
from tests.simulators.history import History


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of an invariant."""

    invariant: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the judge found."""

    violations: tuple[Violation, ...]
    not_recorded: tuple[str, ...]
    """Invariants that this history cannot show, because nothing about them was recorded."""

    def require(self, *shown: str) -> None:
        """Raise AssertionError unless nothing was violated and these invariants were looked at."""
        missing = sorted(set(shown) & set(self.not_recorded))
        assert not self.violations, str(self)
        assert not missing, f"{self} (asked for: {', '.join(shown)})"

    def __str__(self) -> str:
        """Return the violations one a line, and what was not recorded."""
        lines = [f"{violation.invariant}: {violation.what}" for violation in self.violations[:20]]
        lines += [f"{invariant}: not recorded" for invariant in self.not_recorded]
        return "\n".join([f"{len(self.violations)} violations", *lines])


Check = Callable[[History, Timeline], Iterator[str]]

CHECKS: dict[str, tuple[Callable[[History], bool], Check]] = {
    "I1": (lambda history: history.closing is not None, calls.lost),
    "I2": (lambda history: bool(history.ended), calls.resurrected),
    "I3": (lambda history: bool(history.calls), calls.confused),
    "I4": (lambda history: bool(history.secrets and history.exposures), secrecy.exposed),
    "I5": (lambda history: bool(history.installed), domain.without_quorum),
    "I6": (lambda history: bool(history.installed), domain.forked),
    "I7": (lambda history: history.audit is not None, calls.unlogged),
    "I8": (lambda history: bool(history.sealings), secrecy.repeated),
    "I9": (lambda history: any(call.operation in calls.CLOSES for call in history.calls), calls.served_after_closing),
}
"""For each invariant: whether a history can show it, and its breaches in the history."""


def judge(history: History, *, staleness: float = 0.0) -> Report:
    """Return every breach.

    ``staleness`` is for how many seconds after a key was closed another front end may still serve from its cache.
    """
    timeline = Timeline(history, staleness)
    violations = [
        Violation(invariant, what) for invariant, (_, check) in CHECKS.items() for what in check(history, timeline)
    ]
    absent = [invariant for invariant, (recorded, _) in CHECKS.items() if not recorded(history)]
    return Report(tuple(violations), tuple(absent))
