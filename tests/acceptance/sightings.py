"""What real modules say that they have installed, and who signed it."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from keystead.core.domain import change_request, domain_token, genesis
from keystead.core.domain.quorum import KOfOperators
from keystead.core.domain.state import DomainState
from keystead.core.protocols.module_session.messages import Greeting, decode_reply
from keystead.primitives.openssh import verify_sshsig
from keystead.transport.domain_directory import GENESIS, token_name
from tests.simulators.history import History, Installed

MODULES = ("module-1", "module-2")


def look_at_modules(data: Path, history: History) -> None:
    """Record what each module that can be reached greets with."""
    for name in MODULES:
        greeting = greeting_of(data, name)
        if greeting is not None and greeting.token_hash is not None:
            history.installed.append(sighting(data, name, greeting.version, greeting.token_hash))
    state = genesis.verify_genesis((data / "domain" / GENESIS).read_bytes())
    history.installed.append(sighting(data, "genesis", 0, state.domain))


def greeting_of(data: Path, name: str) -> Greeting | None:
    """Return the first message on a new connection; None if there is none now."""
    with closing(socket.socket(socket.AF_UNIX)) as connection, short(data / "run") as folder:
        connection.settimeout(5)
        try:
            connection.connect(f"{folder}/{name}.sock")
            size = int.from_bytes(exactly(connection, 4), "big")
            answer = decode_reply(exactly(connection, size)).answer
        except OSError:
            return None
    return answer if isinstance(answer, Greeting) else None


@contextmanager
def short(folder: Path) -> Iterator[str]:
    """Return another name of a folder, short enough for the address of a socket."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes; raises OSError if the connection ends before."""
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise OSError("the module closed the connection")
        received += piece
    return received


def sighting(data: Path, module: str, version: int, token: bytes) -> Installed:
    """Return what it means that a module has this token: what it follows, and whose signatures it bears."""
    state = genesis.verify_genesis((data / "domain" / GENESIS).read_bytes())
    rule = state.rules.constitutional
    assert isinstance(rule, KOfOperators)
    governors = frozenset(operator.hex() for operator in rule.operators)
    predecessor, signers = b"", governors
    if version:
        encoded = (data / "domain" / token_name(version)).read_bytes()
        assert domain_token.token_hash(encoded) == token
        body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(encoded).body)
        predecessor, signers = body.predecessor, signers_of(state, body.approved)
    return Installed(
        module=module,
        at=time.monotonic(),
        version=version,
        token=token,
        predecessor=predecessor,
        signers=signers,
        governors=governors,
        needed=rule.count,
    )


def signers_of(state: DomainState, approved: change_request.ApprovedRequest) -> frozenset[str]:
    """Return whose signatures under a request are good; raises SignatureError."""
    for signature in approved.signatures:
        operator = state.operators_by_id[signature.operator]  # type: ignore[index]
        verify_sshsig(operator.public, change_request.NAMESPACE, approved.request, signature.signature)
    return frozenset(signature.operator.hex() for signature in approved.signatures)
