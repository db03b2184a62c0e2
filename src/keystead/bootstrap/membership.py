"""Who this process is in the domain, and the domain that it is pinned to, as its configuration names them."""

from pathlib import Path

from keystead.bootstrap.host import HostDisk
from keystead.core.domain.state import operator_id
from keystead.errors import OperatorError, Refusal
from keystead.identifiers import DomainId
from keystead.primitives.openssh import OperatorKey
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.session_keeper import OperatorIdentity

_NEXT_STEP = "correct the configuration, or copy the domain directory of the installation here"


def operator_identity(key_file: str) -> OperatorIdentity:
    """Return the operator whose OpenSSH private key the file holds; raises OperatorError."""
    try:
        key = OperatorKey.load(Path(key_file).read_bytes())
    except OSError as error:
        raise OperatorError(
            f"cannot read the operator key {key_file}: {error.strerror}", "check operator_key"
        ) from None
    except Refusal:
        raise OperatorError(
            f"{key_file} holds no OpenSSH Ed25519 private key without a passphrase", "check operator_key"
        ) from None
    return OperatorIdentity(operator=operator_id(key.public), key=key)


def pinned_domain(directory: str, domain: str) -> DomainDirectory:
    """Return the state of the domain of this hexadecimal id that the directory proves; raises OperatorError."""
    try:
        return DomainDirectory(HostDisk(Path(directory)), DomainId(bytes.fromhex(domain)))
    except ValueError:
        raise OperatorError(f"{domain!r} is not a domain id", _NEXT_STEP) from None
    except OSError as error:
        raise OperatorError(f"cannot read the domain directory {directory}: {error.strerror}", _NEXT_STEP) from None
    except Refusal as error:
        raise OperatorError(f"{directory} does not prove the domain: {error}", _NEXT_STEP) from None
