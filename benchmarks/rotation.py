"""Rotation of domain keys: how many keys a second are sealed anew, alone and under load, and what clients feel."""

import asyncio
import time
from statistics import median
from typing import Final

import psutil

from benchmarks.client import answers
from benchmarks.load import Load, load
from benchmarks.memory import created
from benchmarks.path import decrypt, encrypt
from benchmarks.report import Figure, Options
from benchmarks.service import processes, signer, started
from benchmarks.signed import Signer
from keystead.bootstrap.membership import operator_identity
from keystead.core.protocols.rotation import Action, RotationStatus, order
from keystead.transport.coordinator_client import order_rotation, rotation
from keystead.transport.unix import UnixNetwork
from tests.acceptance.service import Service

GOALS: Final = {
    "alone": "at least 20,000; aim 50,000",
    "Encrypt, p99 during": "at most twice the idle one",
    "Decrypt, p99 during": "at most twice the idle one",
    "coordinator, more after": "flat",
}
_PAUSE: Final = 0.05
_SHORT: Final = 2.0
_MIB: Final = 1024 * 1024


def measure(options: Options) -> list[Figure]:
    """Return keys a second without and with clients, and their latencies beside those of an idle service.

    A load in which a single request fails ends the benchmark with an error.
    """
    with started() as service:
        signs = signer(service)
        keys = created(signs, options.keys)
        loads = _loads(signs, keys)
        idle = {
            name: [load(signs.port, one, options.seconds) for _ in range(options.rounds)] for name, one in loads.items()
        }
        coordinator = processes(service)["coordinator"]
        before = _resident(coordinator)
        alone = _rotated(service)
        rotating = _Rotating(service)
        during: dict[str, list[Load]] = {name: [] for name in loads}
        while not rotating.is_done():
            for name, requests in loads.items():
                if not rotating.is_done():
                    during[name].append(load(signs.port, requests, _SHORT))
        loaded = rotating.rate()
        after = _resident(coordinator)
    figures = [
        _figure("alone", alone, "keys/s"),
        _figure("under load", loaded, "keys/s", loaded / alone),
        _figure("coordinator, more after", after - before, "MiB"),
    ]
    return figures + [one for name in loads for one in _compared(name, idle[name], during[name])]


def _loads(signs: Signer, keys: list[str]) -> dict[str, list[bytes]]:
    used = keys[:: max(1, len(keys) // 100)]
    bodies = [one | {"KeyId": used[place % len(used)]} for place, one in enumerate(encrypt(""))]
    blobs = [answer["CiphertextBlob"] for answer in answers(signs.port, signs.signed("Encrypt", bodies))]
    return {"Encrypt": signs.signed("Encrypt", bodies), "Decrypt": signs.signed("Decrypt", decrypt(blobs))}


def _rotated(service: Service) -> float:
    """Rotate to where nothing is left, and return the keys that were sealed anew in a second."""
    rotating = _Rotating(service)
    while not rotating.is_done():
        time.sleep(_PAUSE)
    return rotating.rate()


class _Rotating:
    """One rotation, from its order to where nothing is left; then it is ended, to make room for the next."""

    def __init__(self, service: Service) -> None:
        self._address = f"unix:{service.data}/run/coordinator.sock"
        self._operator = operator_identity(str(service.data / "operator" / "operator_key"))
        self._began: float | None = None
        self._first = 0
        self._ended = 0.0
        self._done = 0
        self._order(Action.BEGIN)

    def is_done(self) -> bool:
        """Whether nothing is left; looks at the clock when it first is so."""
        if not self._ended:
            status = self._status()
            now = time.monotonic()
            if status.stage == "resealing" and self._began is None:
                self._began, self._first = now, status.done
            if status.stage in {"resealed", "retired"}:
                self._ended, self._done = now, status.done
                self._order(Action.ABORT)
        return bool(self._ended)

    def rate(self) -> float:
        """Keys in a second, between the first look at which keys moved and the first at which none was left."""
        began = self._ended - _PAUSE if self._began is None else self._began
        return (self._done - self._first) / (self._ended - began)

    def _status(self) -> RotationStatus:
        return asyncio.run(rotation(UnixNetwork(), self._address))

    def _order(self, action: Action) -> None:
        signed = order(self._status(), action, self._operator.operator, self._operator.key)
        asyncio.run(order_rotation(UnixNetwork(), self._address, signed))


def _compared(name: str, idle: list[Load], during: list[Load]) -> list[Figure]:
    figures = []
    for what in ("p50", "p99"):
        before, now = (median([getattr(one, what) for one in loads]) for loads in (idle, during))
        figures += [
            _figure(f"{name}, {what} idle", before, "ms"),
            _figure(f"{name}, {what} during", now, "ms", now / before),
        ]
    return figures


def _resident(process: psutil.Process) -> float:
    return process.memory_info().rss / _MIB


def _figure(name: str, value: float, unit: str, ratio: float | None = None) -> Figure:
    return Figure(name=name, value=value, unit=unit, ratio=ratio, goal=GOALS.get(name, ""))
