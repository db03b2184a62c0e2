"""Asks the operator's ssh-agent to sign (draft-ietf-sshm-ssh-agent, sections 4.4 and 4.5), so that keys stay in it.

Keys with a passphrase and keys in FIDO devices are used so; the agent asks for the passphrase or the touch.
"""

import os
import socket
import struct
from typing import Final

from keystead.errors import FormatError, PeerUnavailable
from keystead.primitives.openssh import OperatorPublic, sshsig, to_be_signed
from keystead.primitives.ssh_encoding import Reader, string

SOCKET: Final = "SSH_AUTH_SOCK"
PATIENCE: Final = 120.0
"""Seconds in which the person at the agent must have confirmed."""
_REQUEST_IDENTITIES: Final = b"\x0b"
_IDENTITIES: Final = b"\x0c"
_SIGN_REQUEST: Final = b"\x0d"
_SIGNED: Final = b"\x0e"
_NO_FLAGS: Final = struct.pack(">I", 0)
_LENGTH: Final = 4
_LONGEST: Final = 256 * 1024


class SshAgent:
    """One conversation with an agent; every method may raise PeerUnavailable."""

    def __init__(self, path: str) -> None:
        """Connect to the agent's socket."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise PeerUnavailable(f"no ssh-agent answers at {path}: {error.strerror}") from None

    @classmethod
    def of_the_session(cls) -> "SshAgent":
        """Return the agent that the environment names."""
        path = os.environ.get(SOCKET)
        if not path:
            raise PeerUnavailable(f"{SOCKET} names no ssh-agent")
        return cls(path)

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()

    def keys(self) -> tuple[OperatorPublic, ...]:
        """Return the keys of the agent that an operator may have; raises FormatError."""
        reader = Reader(self._ask(_REQUEST_IDENTITIES, _IDENTITIES))
        found = []
        for _ in range(struct.unpack(">I", reader.take(_LENGTH))[0]):
            wire = reader.string()
            reader.string()
            try:
                found.append(OperatorPublic.from_wire(wire))
            except FormatError:
                continue  # a kind of key that no operator has
        return tuple(found)

    def sign(self, public: OperatorPublic, namespace: str, message: bytes) -> bytes:
        """Return the SSHSIG signature of this key over the message, not armored; raises FormatError."""
        asked = string(public.wire()) + string(to_be_signed(namespace, message)) + _NO_FLAGS
        reader = Reader(self._ask(_SIGN_REQUEST + asked, _SIGNED))
        wire = reader.string()
        reader.end()
        return sshsig(public, namespace, wire)

    def _ask(self, message: bytes, expected: bytes) -> bytes:
        try:
            self._socket.sendall(string(message))
            (length,) = struct.unpack(">I", self._received(_LENGTH))
            answer = self._received(min(length, _LONGEST))
        except OSError as error:
            raise PeerUnavailable(f"the ssh-agent does not answer: {error.strerror or error}") from None
        if answer[:1] != expected:
            raise PeerUnavailable("the ssh-agent refused: it has no such key, or nobody confirmed")
        return answer[1:]

    def _received(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            more = self._socket.recv(size - len(received))
            if not more:
                raise PeerUnavailable("the ssh-agent closed the connection")
            received += more
        return received
