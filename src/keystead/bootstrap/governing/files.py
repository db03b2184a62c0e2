"""The files in which requests travel: the very bytes that are signed, signatures beside them, and approvals.

A request is the document itself (``spec/change-request.md``), so that ``ssh-keygen -Y sign`` signs the same bytes.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from keystead.core.domain import change_request
from keystead.core.domain.change_request import NAMESPACE, ApprovedRequest, ChangeRequest, OperatorSignature
from keystead.core.domain.document import LIMIT, DocumentCodec
from keystead.core.domain.state import operator_id
from keystead.errors import FormatError, OperatorError
from keystead.primitives.openssh import armor, dearmor, signer_of

T = TypeVar("T", bound=msgspec.Struct)

REQUEST: Final = ".request"
SIGNATURE: Final = ".sig"
APPROVED: Final = ".approved"


def read_request(path: Path) -> tuple[bytes, ChangeRequest]:
    """Return the bytes of a request and what they say; raises OperatorError."""
    encoded = read(path)
    return encoded, _decoded(path, encoded, change_request.CODEC, "a change request")


def read_approved(path: Path) -> ApprovedRequest:
    """Return an approved request; raises OperatorError."""
    return _decoded(path, read(path), change_request.APPROVED_CODEC, "an approved change request")


def read_signatures(paths: Sequence[Path]) -> tuple[OperatorSignature, ...]:
    """Return the signatures in the files, each with whose it claims to be; raises OperatorError."""
    return tuple(_signature(path) for path in paths)


def write_signature(path: Path, signature: bytes) -> None:
    """Write a signature as ``ssh-keygen -Y sign`` does; raises OperatorError if the file is there."""
    write_new(path, armor(signature).encode())


def write_new(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that must not be there yet; raises OperatorError."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise OperatorError(f"there is a file {path} already", "remove it, or name another with --output") from None
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}", "name another file with --output") from None


def beside(path: Path, suffix: str) -> Path:
    """Return the file beside a request whose name is the request's with this suffix more."""
    return path.with_name(path.name + suffix)


def _signature(path: Path) -> OperatorSignature:
    try:
        signature = dearmor(read(path).decode())
        return OperatorSignature(operator_id(signer_of(NAMESPACE, signature)), signature)
    except (FormatError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"{path} is no signature under a change request: {error}",
            f"sign with keystead operator sign, or ssh-keygen -Y sign -n {NAMESPACE}",
        ) from None


def read(path: Path) -> bytes:
    """Return the content of a file, as far as a document may be long; raises OperatorError."""
    try:
        with path.open("rb") as file:
            return file.read(LIMIT + 1)
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}", "name a file that is there") from None


def _decoded(path: Path, encoded: bytes, codec: DocumentCodec[T], what: str) -> T:
    try:
        return codec.decode(encoded)
    except FormatError as error:
        raise OperatorError(f"{path} is not {what}: {error}", "copy it again from who made it") from None
