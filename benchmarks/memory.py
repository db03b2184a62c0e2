"""What processes hold in memory when many keys are stored."""

from typing import Final

import psutil

from benchmarks.client import answers
from benchmarks.load import load
from benchmarks.report import Figure, Options
from benchmarks.service import processes, signer, started
from benchmarks.signed import Signer

_MIB: Final = 1024 * 1024
_AT_ONCE: Final = 10_000
_USED: Final = 10_000
"""Keys that are used before memory is looked at: more than a front end keeps records of."""
GOALS: Final = {"module 1": "under 80 MiB", "module 2": "under 80 MiB", "front end": "under 150 MiB"}


def measure(options: Options) -> list[Figure]:
    """Return the resident memory of each process, with all keys created over the API and many of them in use."""
    with started() as service:
        signs = signer(service)
        empty = _resident(processes(service), "no keys", {})
        keys = created(signs, options.keys)
        bodies = [{"KeyId": key, "Plaintext": "a2V5c3RlYWQ="} for key in keys[:: max(1, len(keys) // _USED)]]
        load(signs.port, signs.signed("Encrypt", bodies), options.seconds)
        return empty + _resident(processes(service), f"{len(keys):,} keys", GOALS)


def created(signs: Signer, number: int) -> list[str]:
    """Create so many keys over the API, and return their ids."""
    keys: list[str] = []
    while len(keys) < number:
        # Signed anew for each portion: signatures are good for five minutes only.
        requests = signs.signed("CreateKey", [{"Description": str(place)} for place in range(_AT_ONCE)])
        made = answers(signs.port, requests[: number - len(keys)])
        keys += [answer["KeyMetadata"]["KeyId"] for answer in made]
    return keys


def _resident(roles: dict[str, psutil.Process], when: str, goals: dict[str, str]) -> list[Figure]:
    return [
        Figure(name=f"{name}, {when}", value=process.memory_info().rss / _MIB, unit="MiB", goal=goals.get(name, ""))
        for name, process in roles.items()
    ]
