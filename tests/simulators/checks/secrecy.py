"""What was seen outside the modules: I4 and I8."""

import base64
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tests.simulators.checks.timeline import Timeline
from tests.simulators.history import History

_APART: Final = b"\n"


def exposed(history: History, _timeline: Timeline) -> Iterator[str]:
    """I4: no key that only modules may hold stands anywhere else, raw, in hexadecimal or in base64."""
    places: dict[str, list[bytes]] = defaultdict(list)
    for exposure in history.exposures:
        places[exposure.place].append(exposure.content)
    for place, contents in places.items():
        seen = _APART.join(contents)
        for name, secret in history.secrets.items():
            if any(needle in seen for needle in written_forms(secret)):
                yield f"{name} stands in {place}"


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
