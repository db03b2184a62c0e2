"""The longest requests that the service model allows pass, and no body is unbounded."""

import json
from base64 import b64encode

import pytest

from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.aws_json.limits import LEAST_BODY_LIMIT, body_limit
from keystead.core.protocols.aws_json.shapes import OPERATIONS


def blob(size: int) -> str:
    """Base64 of so many octets."""
    return b64encode(bytes(size)).decode()


LONGEST = {
    "PutKeyPolicy": {"KeyId": "k" * 2048, "Policy": '"' * 131072, "PolicyName": "p" * 128},
    "CreateKey": {"Policy": "\n" * 131072, "Description": "é" * 8192},
    "ImportKeyMaterial": {"KeyId": "k" * 2048, "ImportToken": blob(6144), "EncryptedKeyMaterial": blob(6144)},
    "Decrypt": {
        "CiphertextBlob": blob(6144),
        "GrantTokens": ["t" * 8192] * 10,
        "Recipient": {"AttestationDocument": blob(262144)},
    },
    "GenerateRandom": {"Recipient": {"AttestationDocument": blob(262144)}},
    "Encrypt": {
        "KeyId": "k" * 2048,
        "Plaintext": blob(4096),
        "GrantTokens": ["t" * 8192] * 10,
        "EncryptionContext": {"c": "v" * 8192},
    },
}


@pytest.mark.parametrize("operation", sorted(LONGEST))
def test_the_longest_request_passes(operation: str) -> None:
    """A request with its members at their greatest length is inside the limit."""
    body = json.dumps(LONGEST[operation]).encode()
    assert len(body) <= body_limit(operation)
    assert isinstance(decode(operation, body), OPERATIONS[operation].input)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_limit_is_moderate(operation: str) -> None:
    """No operation makes a process hold as much as a mebibyte of one body."""
    assert LEAST_BODY_LIMIT <= body_limit(operation) < 2**20
