"""Make one real document for ``spec/attested-recipients.md``: ``python -m tools.make_attestation_fixture``.

It cannot be made twice alike, because ECDSA signatures are random.
"""

import json
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keystead.primitives.enveloped_data import envelop
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import Platform

FIXTURE: Final = Path(__file__).parent / "attestation_fixture.json"
NOW: Final = 1_790_000_000_000
PLAINTEXT: Final = b"attack at dawn"


def made() -> dict[str, object]:
    """Return a document with its root and the environment's key, and what was enveloped for that."""
    platform = Platform()
    private = platform.environment.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "root": platform.root.pem.decode(),
        "now": NOW,
        "document": platform.document(NOW).hex(),
        "private_key": private.hex(),
        "plaintext": PLAINTEXT.hex(),
        "enveloped": envelop(platform.public_key, PLAINTEXT, SystemRandomness()).hex(),
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(made(), indent=1) + "\n")
