"""The security module alone: Encrypt with proof, head and policy, in sealed frames, on one core.

Operations per second and processor time per operation, for frames of several sizes. Nothing travels: frames are
handed to the module's connection handler and its answers are taken from there.
"""

import base64
import gc
import json
import time
from collections.abc import Callable

from benchmarks.report import Figure, Options
from keystead.core.protocols.module_session.work import Work, encode_work
from tests.simulators.modules import FrontEnd, ModuleDomain

KEYS = 100
PLAINTEXT = 64
ROUND = 20
"""Frames that are timed together; the best round counts, so that other work on the machine does not."""
OPERATIONS_PER_SECOND = 8_000
"""Operations that are measured for each second that a load is to last; made beforehand."""
GOALS = {"Encrypt, 32 in a frame": "at least 35,000/s; aim 50,000"}


def frames(front_end: FrontEnd, action: str, size: int, count: int) -> list[bytes]:
    """Return sealed frames of ``size`` different requests each."""
    keys = [front_end.create() for _ in range(KEYS)]
    plaintext = base64.b64encode(bytes(PLAINTEXT)).decode()
    bodies: dict[str, Callable[[str, str], dict[str, object]]] = {
        "Encrypt": lambda key, _: {"KeyId": key, "Plaintext": plaintext},
        "GenerateDataKey": lambda key, _: {"KeyId": key, "KeySpec": "AES_256"},
        "Decrypt": lambda _, blob: {"CiphertextBlob": blob},
    }
    blobs = {
        key: front_end.answer("Encrypt", {"KeyId": key, "Plaintext": plaintext}, front_end.records[key])[
            "CiphertextBlob"
        ]
        for key in keys
    }
    sealed = []
    for number in range(count):
        chosen = [keys[(number * size + place) % KEYS] for place in range(size)]
        items = tuple(
            front_end.item(action, json.dumps(bodies[action](key, blobs[key])).encode(), front_end.records[key])
            for key in chosen
        )
        work = Work((front_end.voucher.operator_key_token,), items)
        sealed.append(front_end.peer.connection.seal(encode_work(work)))
    return sealed


class Sink:
    """Takes the answers and forgets them."""

    def send(self, message: object) -> None:
        """Forget."""

    def close(self) -> None:
        """Fail: a frame was refused."""
        raise AssertionError("refused")


def timed(action: str, size: int, operations: int) -> tuple[float, float]:
    """Return operations per second of elapsed time, and processor microseconds per operation."""
    front_end = FrontEnd(ModuleDomain(1).with_key())
    sealed = frames(front_end, action, size, operations // size)
    handler = front_end.peer.handler
    vars(handler)["_link"] = Sink()  # what answers say is tested elsewhere; opening them would be measured too
    gc.freeze()  # as the module's process does when it has started
    best_elapsed, best_processor = float("inf"), float("inf")
    for start in range(0, len(sealed), ROUND):
        taken = sealed[start : start + ROUND]
        began, used = time.perf_counter(), time.process_time()
        for frame in taken:
            handler.received(frame)
        elapsed, processor = time.perf_counter() - began, time.process_time() - used
        best_elapsed = min(best_elapsed, elapsed / (len(taken) * size))
        best_processor = min(best_processor, processor / (len(taken) * size))
    return 1 / best_elapsed, best_processor * 1e6


def measure(options: Options) -> list[Figure]:
    """Return what each operation costs."""
    operations = int(options.seconds * OPERATIONS_PER_SECOND)
    figures = []
    for action, size in (
        ("Encrypt", 1),
        ("Encrypt", 32),
        ("Encrypt", 64),
        ("Decrypt", 32),
        ("GenerateDataKey", 32),
    ):
        rate, processor = timed(action, size, operations)
        name = f"{action}, {size} in a frame"
        figures.append(Figure(name=name, value=rate, unit="/s", goal=GOALS.get(name, "")))
        figures.append(Figure(name=f"{name}, processor", value=processor, unit="us"))
    return figures
