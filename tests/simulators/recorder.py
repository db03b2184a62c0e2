"""From what a client sent and was answered, in the members of the service model, to what the history keeps."""

from collections.abc import Mapping
from typing import Any

from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from tests.simulators.history import Answer, Call, History, Sealing

FAULTS = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "InternalFailure",
        "ServiceUnavailableException",
        "ThrottlingException",
    }
)
"""Errors that do not say whether anything was done."""


def asked(client: str, operation: str, invoked: float, parameters: Mapping[str, Any]) -> Call:
    """Return the call that a request is; keys must be named by id, so that the history can tell them apart."""
    source = "Source" if operation == "ReEncrypt" else ""
    return Call(
        client=client,
        operation=operation,
        invoked=invoked,
        key_id=parameters.get("DestinationKeyId") or parameters.get("KeyId", ""),
        ciphertext=parameters.get("CiphertextBlob", b""),
        plaintext=parameters.get("Plaintext", b""),
        context=parameters.get(f"{source}EncryptionContext", {}),
        new_context=parameters.get("DestinationEncryptionContext", {}),
    )


def answered(call: Call, response: Mapping[str, Any], request_id: str) -> Answer:
    """Return what a response holds."""
    made = b"" if call.operation == "Decrypt" else response.get("CiphertextBlob", b"")
    key_id = response.get("KeyMetadata", response).get("KeyId", "")
    return Answer(
        key_id=key_id.rpartition("/")[2],
        ciphertext=made,
        plaintext=response.get("Plaintext", b""),
        version=CiphertextBlob.decode(made).version if made else 0,
        request_id=request_id,
    )


def record_done(history: History, call: Call, returned: float, answer: Answer) -> None:
    """Record an answer, and with which key version and nonce its ciphertext was made."""
    history.done(call, returned, answer)
    if answer.ciphertext:
        blob = CiphertextBlob.decode(answer.ciphertext)
        key = f"{blob.key_id}/{blob.version}".encode()
        history.sealings.append(Sealing(key, blob.nonce, answer.ciphertext))


def record_error(history: History, call: Call, returned: float, code: str) -> None:
    """Record an error of the service: a refusal, unless it is one that says nothing."""
    if code in FAULTS:
        history.unknown(call, code)
    else:
        history.refused(call, returned, code)
