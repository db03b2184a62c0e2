"""How long ``keystead up`` takes until keys can be used."""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Figure, Options
from tests.acceptance.service import running


def measure(options: Options) -> list[Figure]:
    """Return the seconds of first starts and of starts on what they left."""
    first, again = [], []
    for _ in range(options.rounds):
        with TemporaryDirectory(prefix="keystead-") as folder:
            first.append(_start(Path(folder) / "data"))
            again.append(_start(Path(folder) / "data"))
    return [
        Figure(name="first start, empty directory", value=median(first), unit="s", goal="under 3 s"),
        Figure(name="start on an existing directory", value=median(again), unit="s", goal="under 3 s"),
    ]


def _start(data: Path) -> float:
    begun = time.perf_counter()
    with running(data):
        return time.perf_counter() - begun
