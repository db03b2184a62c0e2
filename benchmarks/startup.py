"""How long ``keystead up`` takes until it says that keys can be used."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Figure, Options


def measure(options: Options) -> list[Figure]:
    """Return the seconds of first starts and of starts on what they left."""
    first, again = [], []
    for _ in range(options.rounds):
        with TemporaryDirectory(prefix="keystead-") as folder:
            first.append(seconds_to_ready(Path(folder)))
            again.append(seconds_to_ready(Path(folder)))
    return [
        Figure(name="first start, empty directory", value=median(first), unit="s", goal="under 3 s"),
        Figure(name="start on an existing directory", value=median(again), unit="s", goal="under 3 s"),
    ]


def seconds_to_ready(data: Path) -> float:
    """Return how long a start on the directory takes; raises RuntimeError if it ends instead."""
    command = [sys.executable, "-m", "keystead", "up", "--data", str(data), "--port", "0"]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or "ready" not in process.stdout.readline():
            raise RuntimeError("keystead did not start")
        taken = time.perf_counter() - begun
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    return taken
