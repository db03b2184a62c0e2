"""aioboto3 as a customer: takes ids of keys as JSON, prints as JSON what came of each call.

Runs in the clients' own environment; endpoint, region and credentials are those of ``keystead env``.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable
from typing import Any

import aioboto3
from botocore.exceptions import ClientError

MESSAGE = b"attack at dawn"
CONTEXT = {"purpose": "clients"}
TOGETHER = 32


async def refusal(call: Awaitable[Any]) -> str:
    """Return the code of the error that a call ends with; empty if it succeeds."""
    try:
        await call
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


async def used(keys: dict[str, str]) -> dict[str, Any]:
    """Encrypt, decrypt, sign and verify, and do what is denied."""
    async with aioboto3.Session().client("kms") as kms:
        encrypted = await asyncio.gather(
            *(kms.encrypt(KeyId=keys["sealing"], Plaintext=MESSAGE, EncryptionContext=CONTEXT) for _ in range(TOGETHER))
        )
        sealed = encrypted[-1]["CiphertextBlob"]
        opened = await kms.decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT)
        signing = {"KeyId": keys["signing"], "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}
        signed = await kms.sign(**signing)
        verified = await kms.verify(**signing, Signature=signed["Signature"])
        return {
            "sealed": base64.b64encode(sealed).decode(),
            "different": len({one["CiphertextBlob"] for one in encrypted}),
            "opened": opened["Plaintext"].decode(),
            "signature": base64.b64encode(signed["Signature"]).decode(),
            "verified": verified["SignatureValid"],
            "another context": await refusal(kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"purpose": "none"})),
            "denied": await refusal(kms.encrypt(KeyId=keys["denied"], Plaintext=MESSAGE)),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(used(json.loads(sys.argv[1])))))
