"""Loads an HTTP server with wrk."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

CONNECTIONS: Final = 32
SCRIPT: Final = Path(__file__).with_name("load.lua")


class _Summary(msgspec.Struct, frozen=True):
    requests: int
    microseconds: int
    p50: int
    p99: int
    refused: int
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load showed."""

    requests: int
    seconds: float
    p50: float
    """Milliseconds within which half of the answers came."""
    p99: float

    @property
    def rate(self) -> float:
        """Requests that were answered in a second."""
        return self.requests / self.seconds


def load(port: int, requests: Sequence[bytes], seconds: float) -> Load:
    """Send the requests in turn over 32 connections to the port of this host, and return what it showed.

    Raises RuntimeError if a single one was refused or lost: the speed of errors is not what is asked for.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        file.write_bytes(b"".join(b"%d\n%b" % (len(request), request) for request in requests))
        command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "-s", str(SCRIPT)]
        ended = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/", "--", str(file)], capture_output=True, text=True, check=True
        )
    line = next(line for line in ended.stdout.splitlines() if line.startswith("summary "))
    summary = msgspec.json.decode(line.removeprefix("summary "), type=_Summary)
    if summary.refused or summary.broken:
        raise RuntimeError(f"{summary.refused} requests were refused and {summary.broken} lost")
    return Load(
        requests=summary.requests,
        seconds=summary.microseconds / 1e6,
        p50=summary.p50 / 1000,
        p99=summary.p99 / 1000,
    )
