"""Loads that are repeated in rounds, each compared with the bare echo of its own round; medians count."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

import psutil

from benchmarks.load import load
from benchmarks.processor import ProcessorTime
from benchmarks.report import Figure

ECHO: Final = "bare echo"
ALL: Final = "all processes"


class Rounds:
    """What was measured in all rounds. A round begins with the load of the echo."""

    def __init__(self, goals: Mapping[str, str], seconds: float) -> None:
        """Take what is aimed at, by the names of figures, and how long a load lasts."""
        self._goals = goals
        self._seconds = seconds
        self._echo: dict[str, float] = {}
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._ratios: dict[str, list[float]] = defaultdict(list)

    def load(self, name: str, port: int, requests: Sequence[bytes], processes: Mapping[str, psutil.Process]) -> None:
        """Load the port; what the requests are served by is told by name."""
        processor = ProcessorTime(processes)
        measured = load(port, requests, self._seconds)
        taken = {role: spent / measured.requests for role, spent in processor.microseconds().items()}
        total = sum(taken.values())
        if name == ECHO:
            self._echo = {"rate": measured.rate, "processor": total}
        self._add(name, measured.rate, "req/s", measured.rate / self._echo["rate"])
        self._add(f"{name}, p50", measured.p50, "ms")
        self._add(f"{name}, p99", measured.p99, "ms")
        for role, spent in taken.items():
            self._add(f"{name}, {role}", spent, "us/request")
        self._add(f"{name}, {ALL}", total, "us/request", total / self._echo["processor"])

    def figures(self) -> list[Figure]:
        """Return the medians."""
        return [
            Figure(
                name=name,
                value=median(values),
                unit=unit,
                ratio=median(self._ratios[name]) if name in self._ratios else None,
                goal=self._goals.get(name, ""),
            )
            for (name, unit), values in self._values.items()
        ]

    def _add(self, name: str, value: float, unit: str, ratio: float | None = None) -> None:
        self._values[name, unit].append(value)
        if ratio is not None:
            self._ratios[name].append(ratio)
