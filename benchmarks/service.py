"""A whole Keystead on a directory of its own, and who signs for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from benchmarks.client import answers
from benchmarks.signed import Signer
from tests.acceptance.service import Service, running

ROLES: Final = {
    "front end": "cryptography",
    "authentication": "authentication",
    "module 1": "module-1",
    "module 2": "module-2",
    "coordinator": "coordinator",
    "supervisor": "supervise",
}
"""Processes by the names that are printed, and by those of ``keystead up``."""


@contextmanager
def started() -> Iterator[Service]:
    """Run ``keystead up`` on an empty directory for the length of the block."""
    with TemporaryDirectory(prefix="keystead-") as folder, running(Path(folder) / "data") as service:
        yield service


def signer(service: Service) -> Signer:
    """Return who signs as the root user."""
    environment = service.environment
    return Signer(
        endpoint=service.endpoint,
        region=environment["AWS_DEFAULT_REGION"],
        access_key_id=environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def new_key(signer: Signer) -> str:
    """Create a key and return its id."""
    (created,) = answers(signer.port, signer.signed("CreateKey", [{}]))
    key_id: str = created["KeyMetadata"]["KeyId"]
    return key_id


def processes(service: Service) -> dict[str, psutil.Process]:
    """Return the processes of the roles by the names that are printed."""
    return {name: service.role(role) for name, role in ROLES.items()}
