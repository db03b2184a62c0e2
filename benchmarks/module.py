"""The security module alone: Encrypt with proof, head and policy, in sealed frames, on one core.

Prints operations per second and processor time per operation for frames of several sizes. Nothing travels: frames are
handed to the module's connection handler and its answers are taken from there.
"""

import argparse
import base64
import json
import time

from keystead.core.protocols.module_session.work import Work, encode_work
from tests.simulators.modules import FrontEnd, ModuleDomain

KEYS = 100
PLAINTEXT = 64


def frames(front_end: FrontEnd, action: str, size: int, count: int) -> list[bytes]:
    """Return sealed frames of ``size`` different requests each."""
    keys = [front_end.create() for _ in range(KEYS)]
    plaintext = base64.b64encode(bytes(PLAINTEXT)).decode()
    bodies = {
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


def measure(action: str, size: int, operations: int) -> tuple[float, float]:
    """Return operations per second of elapsed time, and processor microseconds per operation."""
    front_end = FrontEnd(ModuleDomain(1).with_key())
    sealed = frames(front_end, action, size, operations // size)
    handler = front_end.peer.handler
    handler._link = Sink()  # noqa: SLF001 - what answers say is tested elsewhere; opening them would be measured too
    done = len(sealed) * size
    began, used = time.perf_counter(), time.process_time()
    for frame in sealed:
        handler.received(frame)
    elapsed, processor = time.perf_counter() - began, time.process_time() - used
    return done / elapsed, processor / done * 1e6


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=32_000)
    operations = parser.parse_args().operations
    print(f"{'operation':<18}{'items a frame':>14}{'per second':>12}{'µs processor':>14}")
    for action, size in (
        ("Encrypt", 1),
        ("Encrypt", 32),
        ("Encrypt", 64),
        ("Decrypt", 32),
        ("GenerateDataKey", 32),
    ):
        rate, processor = measure(action, size, operations)
        print(f"{action:<18}{size:>14}{rate:>12,.0f}{processor:>14.1f}")


if __name__ == "__main__":
    main()
