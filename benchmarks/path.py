"""The whole path of a request: HTTP, signature, proof, sealed records, module, and back; beside a bare echo."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

import psutil

from benchmarks import echo, moto, sealing
from benchmarks.client import answers
from benchmarks.load import Load, load
from benchmarks.ports import free_port, wait_for
from benchmarks.processor import ProcessorTime
from benchmarks.report import Figure, Options
from benchmarks.service import new_key, processes, signer, started
from benchmarks.signed import Signer
from keystead.primitives.randomness import SystemRandomness

DIFFERENT: Final = 10_000
"""Requests that are signed beforehand and sent in turn."""
PLAINTEXT: Final = 64
GOALS: Final = {
    "Encrypt": "at least 0.35 of the echo; aim 0.45",
    "Encrypt p99": "under 5 ms",
}


class Bodies:
    """Bodies of requests about one key, no two alike."""

    def __init__(self, key_id: str) -> None:
        """Take the key's id."""
        self._key_id = key_id

    def encrypt(self) -> list[dict[str, object]]:
        """Return Encrypt requests of 64 random bytes each."""
        token = SystemRandomness().token
        return [{"KeyId": self._key_id, "Plaintext": b64encode(token(PLAINTEXT)).decode()} for _ in range(DIFFERENT)]

    def decrypt(self, ciphertexts: Sequence[str]) -> list[dict[str, object]]:
        """Return a Decrypt request of each ciphertext."""
        return [{"CiphertextBlob": ciphertext} for ciphertext in ciphertexts]

    def generate_data_key(self) -> list[dict[str, object]]:
        """Return GenerateDataKey requests, each with a context of its own."""
        return [
            {"KeyId": self._key_id, "KeySpec": "AES_256", "EncryptionContext": {"number": str(number)}}
            for number in range(DIFFERENT)
        ]


class Rounds:
    """What was measured, by name, one value a round."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rates: dict[str, list[float]] = defaultdict(list)
        self._ratios: dict[str, list[float]] = defaultdict(list)
        self._others: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, name: str, measured: Load, echoed: Load, processor: dict[str, float]) -> None:
        """Add what one load showed, and the echo of the same round."""
        self._rates[name].append(measured.rate)
        self._ratios[name].append(measured.rate / echoed.rate)
        self._others[f"{name} p50", "ms"].append(measured.p50)
        self._others[f"{name} p99", "ms"].append(measured.p99)
        for process, taken in processor.items():
            self._others[f"{name}, {process}", "us/request"].append(taken / measured.requests)

    def figures(self) -> list[Figure]:
        """Return the medians."""
        found = [
            Figure(
                name=name, value=median(rates), unit="req/s", ratio=median(self._ratios[name]), goal=GOALS.get(name, "")
            )
            for name, rates in self._rates.items()
        ]
        return found + [
            Figure(name=name, value=median(values), unit=unit, goal=GOALS.get(name, ""))
            for (name, unit), values in self._others.items()
        ]


def measure(options: Options) -> list[Figure]:
    """Return echo, bare sealing, three operations over the whole path, and moto's server, all of one run."""
    rounds = Rounds()
    port = free_port()
    with started() as service, echo.running(port):
        wait_for(port)
        signs = signer(service)
        bodies = Bodies(new_key(signs))
        encrypted = answers(signs.port, signs.signed("Encrypt", bodies.encrypt()))
        loads = {
            "Encrypt": bodies.encrypt(),
            "Decrypt": bodies.decrypt([answer["CiphertextBlob"] for answer in encrypted]),
            "GenerateDataKey": bodies.generate_data_key(),
        }
        for _ in range(options.rounds):
            echoed = _echo(rounds, port, signs.signed("Encrypt", loads["Encrypt"]), options.seconds)
            for operation, wanted in loads.items():
                _operation(rounds, signs, operation, wanted, echoed, processes(service), options.seconds)
        _moto(rounds, _echo(Rounds(), port, signs.signed("Encrypt", loads["Encrypt"]), options.seconds), options)
    return [*rounds.figures(), sealing.measure(min(options.seconds, 1.0))]


def _echo(rounds: Rounds, port: int, requests: Sequence[bytes], seconds: float) -> Load:
    echoed = load(port, requests, seconds)
    rounds.add("bare echo", echoed, echoed, {})
    return echoed


def _operation(
    rounds: Rounds,
    signs: Signer,
    operation: str,
    bodies: Sequence[dict[str, object]],
    echoed: Load,
    roles: dict[str, psutil.Process],
    seconds: float,
) -> None:
    requests = signs.signed(operation, bodies)
    processor = ProcessorTime(roles)
    measured = load(signs.port, requests, seconds)
    rounds.add(operation, measured, echoed, processor.microseconds())


def _moto(rounds: Rounds, echoed: Load, options: Options) -> None:
    with moto.running() as (signs, key_id):
        measured = load(signs.port, signs.signed("Encrypt", Bodies(key_id).encrypt()), options.seconds)
        rounds.add("moto's server, Encrypt", measured, echoed, {})
