"""Every vector of ``spec/vectors/module-session.json`` has its outcome."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.core.protocols.module_session.frame import Route, module_end
from keystead.core.protocols.module_session.handshake import admit
from keystead.core.protocols.module_session.messages import Greeting
from keystead.errors import Refusal
from keystead.identifiers import DomainId, ModuleId, OperatorId

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent.parent / "spec" / "vectors" / "module-session.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_each_vector_has_its_outcome(vector: dict[str, Any]) -> None:
    """A hello is admitted, or the last frame opens to its content; else the error is the one that the vector names."""
    assert outcome(vector) == vector["outcome"]


def outcome(vector: dict[str, Any]) -> str:
    """Return what the module makes of it."""
    try:
        if "hello" in vector:
            _admit(vector)
        else:
            assert _last_content(vector) == bytes.fromhex(vector["content"] or "")
    except Refusal as refusal:
        return type(refusal).__name__
    return "ok"


def _admit(vector: dict[str, Any]) -> None:
    greeting = Greeting(
        module=ModuleId(bytes.fromhex(vector["module"])),
        incarnation=bytes.fromhex(vector["incarnation"]),
        connection_nonce=bytes.fromhex(vector["connection_nonce"]),
        domain=DomainId(bytes.fromhex(vector["domain"])),
        version=3,
        token_hash=bytes(32),
    )
    operators = {OperatorId(bytes.fromhex(vector["operator"])): bytes.fromhex(vector["operator_key"])}
    admit(bytes.fromhex(vector["hello"]), greeting, operators, vector["now"])


def _last_content(vector: dict[str, Any]) -> bytearray:
    route = Route(
        module=ModuleId(bytes.fromhex(vector["module"])),
        incarnation=bytes.fromhex(vector["incarnation"]),
        connection=bytes.fromhex(vector["connection"]),
    )
    receiver = module_end(bytes.fromhex(vector["session_key"]), route).receiver
    *before, last = [bytes.fromhex(frame) for frame in vector["frames"]]
    for frame in before:
        receiver.open(frame)
    return receiver.open(last)
