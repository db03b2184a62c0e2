"""Signing a request with what an operator has: a key file, one with a passphrase, an ssh-agent, a FIDO device."""

from pathlib import Path
from typing import Final

from keystead.core.domain.change_request import NAMESPACE
from keystead.errors import FormatError, OperatorError, PeerUnavailable, Refusal
from keystead.primitives.openssh import OperatorKey, OperatorPublic
from keystead.transport.ssh_agent import SshAgent
from keystead.transport.ssh_keygen import sign_with_ssh_keygen

_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def load_key(path: Path) -> OperatorKey:
    """Return the key in an OpenSSH private key file; raises OperatorError."""
    try:
        return OperatorKey.load(_read(path))
    except FormatError as error:
        raise OperatorError(
            f"{path}: {error}",
            "name a key without a passphrase; others sign the request's file with keystead operator sign",
        ) from None


def signed_with_file(path: Path, encoded: bytes) -> bytes:
    """Return the signature of the key in a file; what has a passphrase or is a device's, ssh-keygen signs with.

    Raises OperatorError.
    """
    content = _read(path)
    if not content.startswith(_OPENSSH):
        raise OperatorError(f"{path} is no OpenSSH private key file", "name the private key file, not its .pub")
    try:
        return OperatorKey.load(content).sign(NAMESPACE, encoded)
    except FormatError:
        return _signed_by_ssh_keygen(path, encoded)


def signed_by_agent(public_key: Path, encoded: bytes) -> bytes:
    """Return the signature of a key that the ssh-agent of the session has; raises OperatorError."""
    try:
        public = OperatorPublic.from_line(_read(public_key).decode("utf-8", "replace"))
        agent = SshAgent.of_the_session()
        try:
            return agent.sign(public, NAMESPACE, encoded)
        finally:
            agent.close()
    except (PeerUnavailable, Refusal) as error:
        raise OperatorError(f"the agent did not sign: {error}", "see ssh-add -L for the keys that it has") from None


def _signed_by_ssh_keygen(path: Path, encoded: bytes) -> bytes:
    try:
        return sign_with_ssh_keygen(path, NAMESPACE, encoded)
    except (PeerUnavailable, Refusal) as error:
        raise OperatorError(
            f"{path} did not sign: {error}",
            "give its passphrase or touch the device when ssh-keygen asks, or use --agent",
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}", "name a key file of an operator") from None
