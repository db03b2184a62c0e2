"""The security module's recipe. It loads nothing but the module's own dependencies.

Before anything else the process hardens itself and its primitives prove that they give known answers.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.host import HostClock, HostDisk
from keystead.bootstrap.role_configuration import ModuleConfiguration
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.components.security_module.journal import Journal
from keystead.components.security_module.module import SecurityModule
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.rsa_keys import Background, RsaKeys
from keystead.components.security_module.safe import wake
from keystead.components.security_module.server import ModuleHandler
from keystead.core.operations.recipients import Attestation, NothingBelieved
from keystead.core.ports import Randomness
from keystead.errors import FormatError, OperatorError
from keystead.identifiers import DomainId
from keystead.primitives import self_test
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.unix import UnixNetwork

_DOMAIN_ID = 32


def serve(config: Path) -> int:
    """Run the security module until told to stop; raises OperatorError."""
    serve_with(load(config, ModuleConfiguration), SystemRandomness())
    return 0


def serve_with(configuration: ModuleConfiguration, randomness: Randomness) -> None:
    """Run a module with this source of randomness until told to stop; raises OperatorError."""
    clock = HostClock()
    with open(sys.stderr.fileno(), "wb", buffering=0, closefd=False) as sink:
        journal = Journal(sink, clock)
        hardening = harden_process(strict=configuration.strict)
        self_test.run()
        disk = HostDisk(Path(configuration.directory))
        # Before anything is read: of two processes of one module each could promise what the other does not know of.
        disk.hold()
        safe = wake(FileRootSlot(disk, randomness), disk, randomness)
        pin = partial(_pinned, Path(configuration.pin))
        believed = attestation(configuration.attestation_roots, randomness)
        module = SecurityModule(safe, pin, clock, randomness, journal, _halt, RsaKeys(Background()), believed)
        module.resume()
        started = partial(
            journal.event,
            "module started",
            name=configuration.name,
            module=module.identity.id.hex(),
            fingerprint=module.identity.fingerprint,
            incarnation=module.incarnation.hex(),
            listen=configuration.listen,
            **asdict(hardening),
        )
        try:
            run(_listen(module, configuration, started))
        finally:
            module.close()
            journal.event("module stopped", name=configuration.name)


async def _listen(module: SecurityModule, configuration: ModuleConfiguration, started: Callable[[], None]) -> None:
    network = UnixNetwork(group_may_connect=configuration.group_may_connect)
    listener = await network.listen(configuration.listen, lambda: ModuleHandler(module))
    # On the next turn of the loop it waits for signals: who reads that it has started may tell it to stop.
    asyncio.get_running_loop().call_soon(started)
    await until_told_to_stop()
    await listener.close()


def _halt() -> None:
    """Stop in order; whoever supervises the process starts it on what is durable."""
    signal.raise_signal(signal.SIGTERM)


def attestation(files: Sequence[str], randomness: Randomness) -> Attestation:
    """Return what believes the roots in the files; nothing without one."""
    if not files:
        return NothingBelieved()
    # X.509 takes 10 ms to load, which only those pay who use it.
    from keystead.components.security_module.attestation import RootedAttestation  # noqa: PLC0415
    from keystead.primitives.attestation import read_roots  # noqa: PLC0415

    pem = []
    for file in files:
        try:
            pem.append(Path(file).read_bytes())
        except OSError as error:
            raise OperatorError(
                f"cannot read the root of trust {file}: {error.strerror}", "name a PEM file in attestation_roots"
            ) from None
    try:
        return RootedAttestation(read_roots(b"\n".join(pem)), randomness)
    except FormatError as error:
        raise OperatorError(
            f"the roots of trust cannot be used: {error}", "name PEM files with P-384 certificates"
        ) from None


def _pinned(path: Path) -> DomainId | None:
    """Return the domain that the configuration allows, or None if it allows none; read anew each time it is asked."""
    try:
        pinned = bytes.fromhex(path.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return DomainId(pinned) if len(pinned) == _DOMAIN_ID else None
