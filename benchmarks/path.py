"""The whole path of a request: HTTP, signature, proof, sealed records, module, and back; beside a bare echo."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from benchmarks import echo, moto, sealing
from benchmarks.client import answers
from benchmarks.ports import free_port
from benchmarks.report import Figure, Options
from benchmarks.rounds import ECHO, Rounds
from benchmarks.service import new_key, processes, signer, started
from keystead.primitives.randomness import SystemRandomness

DIFFERENT: Final = 10_000
"""Requests that are signed beforehand and sent in turn, no two alike."""
PLAINTEXT: Final = 64
GOALS: Final = {"Encrypt": "at least 0.35 of the echo; aim 0.45", "Encrypt, p99": "under 5 ms"}


def measure(options: Options) -> list[Figure]:
    """Return echo, three operations over the whole path, moto's server, and bare sealing, all of one run."""
    rounds = Rounds(GOALS, options.seconds)
    port = free_port()
    with started() as service, echo.running(port) as echoing:
        signs = signer(service)
        key_id = new_key(signs)
        sealed = answers(signs.port, signs.signed("Encrypt", encrypt(key_id)))
        loads = {
            "Encrypt": encrypt(key_id),
            "Decrypt": decrypt([answer["CiphertextBlob"] for answer in sealed]),
            "GenerateDataKey": generate_data_key(key_id),
        }
        for _ in range(options.rounds):
            rounds.load(ECHO, port, signs.signed("Encrypt", loads["Encrypt"]), {"one process": echoing})
            for operation, bodies in loads.items():
                rounds.load(operation, signs.port, signs.signed(operation, bodies), processes(service))
    with moto.running() as (signs, process, key_id):
        requests = signs.signed("Encrypt", encrypt(key_id))
        rounds.load("moto's server, Encrypt", signs.port, requests, {"one process": process})
    return [*rounds.figures(), sealing.measure(min(options.seconds, 1.0))]


def encrypt(key_id: str) -> list[dict[str, Any]]:
    """Return Encrypt requests of 64 random bytes each."""
    token = SystemRandomness().token
    return [{"KeyId": key_id, "Plaintext": b64encode(token(PLAINTEXT)).decode()} for _ in range(DIFFERENT)]


def decrypt(ciphertexts: Sequence[str]) -> list[dict[str, Any]]:
    """Return a Decrypt request of each ciphertext."""
    return [{"CiphertextBlob": ciphertext} for ciphertext in ciphertexts]


def generate_data_key(key_id: str) -> list[dict[str, Any]]:
    """Return GenerateDataKey requests, each with a context of its own."""
    return [
        {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": {"number": str(number)}}
        for number in range(DIFFERENT)
    ]
