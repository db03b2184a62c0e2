"""Processor time of running processes."""

from collections.abc import Mapping

import psutil


class ProcessorTime:
    """The processor time, user and system, that processes take from its making on."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        """Begin to count; the processes go by names."""
        self._processes = processes
        self._before = {name: _taken(process) for name, process in processes.items()}

    def microseconds(self) -> dict[str, float]:
        """Return what each process took since the beginning."""
        return {name: (_taken(process) - self._before[name]) * 1e6 for name, process in self._processes.items()}


def _taken(process: psutil.Process) -> float:
    times = process.cpu_times()
    taken: float = times.user + times.system
    return taken
