"""Tink's client of AWS KMS as a customer: takes ids of keys as JSON, prints as JSON what came of each call.

Runs in the clients' own environment; endpoint and credentials are those of ``keystead env``.
"""

import base64
import json
import sys
from typing import Any

import tink
from tink import aead
from tink.integration import awskms

MESSAGE = b"attack at dawn"
PLACE = b"clients"
PREFIX = "aws-kms://"


def remote(key_arn: str) -> aead.Aead:
    """Return the AEAD that a key of the service is."""
    return awskms.AwsKmsClient(PREFIX + key_arn, credentials_path=None).get_aead(PREFIX + key_arn)


def refusal(primitive: aead.Aead, ciphertext: bytes | None = None) -> str:
    """Return what Tink says when it cannot encrypt, or open a ciphertext for another place; empty if it can."""
    try:
        if ciphertext is None:
            primitive.encrypt(MESSAGE, PLACE)
        else:
            primitive.decrypt(ciphertext, b"another place")
    except tink.TinkError as error:
        return str(error)
    return ""


def used(keys: dict[str, str]) -> dict[str, Any]:
    """Encrypt and decrypt by a key, and by data keys under it, and do what is denied."""
    aead.register()
    sealing = remote(keys["sealing"])
    envelope = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, sealing)
    sealed = sealing.encrypt(MESSAGE, PLACE)
    return {
        "sealed": base64.b64encode(sealed).decode(),
        "opened": sealing.decrypt(sealed, PLACE).decode(),
        "enveloped": envelope.decrypt(envelope.encrypt(MESSAGE, PLACE), PLACE).decode(),
        "another context": refusal(sealing, sealed),
        "denied": refusal(remote(keys["denied"])),
    }


if __name__ == "__main__":
    print(json.dumps(used(json.loads(sys.argv[1]))))
