"""Has ``ssh-keygen`` sign with a key file that we do not open: one with a passphrase, or of a FIDO device.

It asks for passphrase or touch itself, on the terminal or through SSH_ASKPASS, so no passphrase passes through here.
"""

import subprocess
from pathlib import Path
from typing import Final

from keystead.errors import PeerUnavailable
from keystead.primitives.openssh import dearmor

PROGRAM: Final = "ssh-keygen"
PATIENCE: Final = 120.0
"""Seconds in which the person must have confirmed."""


def sign_with_ssh_keygen(key: Path, namespace: str, message: bytes) -> bytes:
    """Return the SSHSIG signature over the message, not armored; raises PeerUnavailable, FormatError."""
    command = (PROGRAM, "-q", "-Y", "sign", "-n", namespace, "-f", str(key))
    try:
        ended = subprocess.run(  # noqa: S603 - no shell; a fixed program with a path and a constant
            command, input=message, stdout=subprocess.PIPE, check=False, timeout=PATIENCE
        )
    except FileNotFoundError:
        raise PeerUnavailable("ssh-keygen of OpenSSH is not installed") from None
    except subprocess.TimeoutExpired:
        raise PeerUnavailable("nobody confirmed in time") from None
    if ended.returncode:
        raise PeerUnavailable("ssh-keygen did not sign")
    return dearmor(ended.stdout.decode("ascii", "replace"))
