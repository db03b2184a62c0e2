"""What was seen outside the modules: I4 and I8."""

import base64
from collections.abc import Iterator

from tests.simulators.checks.timeline import Timeline
from tests.simulators.history import History


def exposed(history: History, _timeline: Timeline) -> Iterator[str]:
    """I4: no key that only modules may hold stands anywhere else, raw, in hexadecimal or in base64."""
    for name, secret in history.secrets.items():
        needles = written_forms(secret)
        for exposure in history.exposures:
            if any(needle in exposure.content for needle in needles):
                yield f"{name} stands in {exposure.place}"


def written_forms(secret: bytes) -> tuple[bytes, ...]:
    """Return the byte strings of which one stands wherever the secret was written.

    Base64 has three alignments; of each, the characters that depend on nothing but the secret.
    """
    aligned = [base64.b64encode(bytes(shift) + secret)[4 if shift else 0 :] for shift in range(3)]
    inner = [text.rstrip(b"=")[:-1] for text in aligned]
    url = [text.replace(b"+", b"-").replace(b"/", b"_") for text in inner]
    return (secret, secret.hex().encode(), secret.hex().upper().encode(), *inner, *url)


def repeated(history: History, _timeline: Timeline) -> Iterator[str]:
    """I8: no key seals two different things with one nonce."""
    first: dict[tuple[bytes, bytes], bytes] = {}
    for sealing in history.sealings:
        before = first.setdefault((sealing.key, sealing.nonce), sealing.sealed)
        if before != sealing.sealed:
            yield f"key {sealing.key.hex()} sealed twice with nonce {sealing.nonce.hex()}"
