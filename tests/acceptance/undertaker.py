"""Lets every process die at one durable step after the other, starts it again at once, and tells where each died.

Who died before a step is to die after it the next time; who died after it, before whichever comes next. So each step
that is taken while the undertaker works has been cut off on both sides, wherever in a story it belongs.
"""

import signal
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from keystead.bootstrap.failpoints import REACHED
from keystead.core.failpoints import Side, Step
from keystead.transport.sql import connect_to_read
from tests.acceptance.by_hand import RolesByHand

MOST = {
    Step.USAGE: 2,
    Step.ADMISSION: 3,
    Step.FENCE: 3,
    Step.SLOT_PREPARATION: 4,
    Step.SLOT_DESTRUCTION: 4,
    Step.KEY_CHANGE: 8,
}
"""How often a role dies on one side of a step in one round, where that is taken again for ever by who never gets on."""
_MOST = 12
_LOOK = 0.004
_UNDER_WAY = """
SELECT (SELECT count(*) FROM domain_tokens WHERE stage IS NOT NULL),
       (SELECT min(stage) FROM domain_tokens WHERE stage <> 3),
       (SELECT stage FROM rotations ORDER BY number DESC LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Death:
    """One kill -9, where the process itself chose to be."""

    role: str
    point: str
    version: int
    """How many tokens were accepted by then."""
    installation: int | None
    """The stage of what was in flight."""
    rotation: int | None
    """The stage of the last rotation."""

    def __str__(self) -> str:
        """Return it as a line of the report."""
        stages = f"installation {self.installation or '-'}, rotation {self.rotation or '-'}"
        return f"{self.role:<12} {self.point:<24} version {self.version}, {stages}"


class Undertaker:
    """Owned by its thread while it works; ``hold`` and ``let_go`` may be called meanwhile."""

    def __init__(self, roles: RolesByHand) -> None:
        self.deaths: list[Death] = []
        self.unexpected: list[str] = []
        """What ended in another way than at its failpoint."""
        self._roles = roles
        self._steps: Mapping[str, frozenset[Step]] = {}
        self._this_round: Counter[tuple[str, str]] = Counter()
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def round(self, steps: Mapping[str, frozenset[Step]]) -> None:
        """Start roles anew, each to die at these steps, in whatever order it takes them; others are left in peace."""
        with self._lock:
            self._this_round.clear()
            for role in {**self._steps, **steps}:
                self._roles.kill(role)
                self._steps = {**self._steps, role: steps.get(role, frozenset())}
                self._start(role, None)

    def hold(self, role: str) -> None:
        """Kill a role, and leave it dead until it is let go."""
        with self._lock:
            self._held.add(role)
            self._roles.kill(role)

    def let_go(self, role: str) -> None:
        """Start a role again that was held."""
        with self._lock:
            self._held.discard(role)
            self._start(role, None)

    def died(self, role: str, point: str) -> int:
        """Return how often a role died at a place."""
        return sum((death.role, death.point) == (role, point) for death in self.deaths)

    def report(self) -> str:
        """Return every death in order, and how many there were."""
        lines = [f"{number:>4} {death}" for number, death in enumerate(self.deaths, 1)]
        return "\n".join([*lines, f"{len(lines)} kills", *self.unexpected])

    def _work(self) -> None:
        while not self._ended.wait(_LOOK):
            with self._lock:
                for role in set(self._steps) - self._held:
                    ended = self._roles.processes[role].poll()
                    if ended is not None:
                        self._bury(role, ended)

    def _bury(self, role: str, status: int) -> None:
        last = (self._roles.data / "logs" / f"{role}.log").read_text().rstrip().rpartition("\n")[2]
        point = last.removeprefix(REACHED)
        if status != -signal.SIGKILL or point == last:
            self.unexpected.append(f"{role} ended with status {status}: {last}")
            point = ""
        else:
            self.deaths.append(Death(role, point, *self._under_way()))
            self._this_round[role, point] += 1
        self._start(role, point)

    def _start(self, role: str, died_at: str | None) -> None:
        side, _, step = (died_at or "").partition("-")
        places = [f"{Side.AFTER}-{step}"]
        if side != Side.BEFORE:
            ahead = {f"{Side.BEFORE}-{step}": MOST.get(step, _MOST) for step in sorted(self._steps[role])}
            places = [place for place, most in ahead.items() if self._this_round[role, place] < most]
        self._roles.start(role, f"{','.join(places)}:kill" if places else None)

    def _under_way(self) -> tuple[int, int | None, int | None]:
        reader = connect_to_read(self._roles.data / "repository.sqlite")
        try:
            version, installation, rotation = reader.execute(_UNDER_WAY).fetchone()
        finally:
            reader.close()
        return version, installation, rotation
