"""Signatures by the security module, beside the library's bare speed with the same kind of key, on one core.

As in ``benchmarks.module`` nothing travels. The bare loop keeps its key ready; a module opens it for each signature.
"""

import base64
import gc
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from benchmarks.module import Sink
from benchmarks.report import Figure, Options
from keystead.core.protocols.module_session.work import Work, encode_work
from keystead.identifiers import KeyId
from keystead.primitives.customer_algorithms import signing as parameters
from tests.simulators.modules import FrontEnd, ModuleDomain

SIGNERS = {
    "RSA_2048": "RSASSA_PSS_SHA_256",
    "ECC_NIST_P256": "ECDSA_SHA_256",
    "ECC_NIST_EDWARDS25519": "ED25519_SHA_512",
}
LIBRARY: dict[str, Callable[[], Any]] = {
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "ECC_NIST_P256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECC_NIST_EDWARDS25519": ed25519.Ed25519PrivateKey.generate,
}
FRAME = 32
FRAMES = 24
GOAL = "at least 80 % of bare"


def best(act: Callable[[], object], times: int, of: int) -> float:
    """Return processor seconds for one of ``of`` things that ``act`` does, in the best of some rounds."""
    taken = float("inf")
    for _ in range(times):
        began = time.process_time()
        act()
        taken = min(taken, (time.process_time() - began) / of)
    return taken


def signing(spec: str, algorithm: str) -> float:
    """Return processor seconds for one Sign in a frame of several."""
    front_end = FrontEnd(ModuleDomain(1).with_key())
    told = front_end.answer("CreateKey", {"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"})
    made = KeyId(told["KeyMetadata"]["KeyId"])
    message = base64.b64encode(bytes(64)).decode()
    body = json.dumps({"KeyId": made, "Message": message, "SigningAlgorithm": algorithm}).encode()
    frames = iter(
        [
            front_end.peer.connection.seal(
                encode_work(
                    Work(
                        (front_end.voucher.operator_key_token,),
                        tuple(front_end.item("Sign", body, front_end.records[made]) for _ in range(FRAME)),
                    )
                )
            )
            for _ in range(FRAMES)
        ]
    )
    vars(front_end.peer.handler)["_link"] = Sink()
    gc.freeze()
    return best(lambda: front_end.peer.handler.received(next(frames)), FRAMES, FRAME)


def bare(spec: str, algorithm: str) -> float:
    """Return processor seconds for one signature of the library with a key that is ready."""
    key, arguments, message = LIBRARY[spec](), parameters(algorithm, digested=False), bytes(64)

    def sign() -> None:
        for _ in range(FRAME):
            key.sign(message, *arguments)

    return best(sign, FRAMES, FRAME)


def measure(_options: Options) -> list[Figure]:
    """Return how fast each is, and what part of the bare speed that is."""
    figures = []
    for spec, algorithm in SIGNERS.items():
        ours, theirs = signing(spec, algorithm), bare(spec, algorithm)
        name = f"Sign, {spec}"
        figures.append(Figure(name=name, value=1 / ours, unit="/s"))
        figures.append(Figure(name=f"{name}, part of the bare speed", value=100 * theirs / ours, unit="%", goal=GOAL))
    return figures
