"""A Keystead that ``keystead up`` made, with each role started by the test itself: to configure, stop and kill it."""

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import msgspec
import psutil
from botocore.config import Config

from keystead.bootstrap.configuration import dump
from keystead.bootstrap.membership import operator_identity
from keystead.bootstrap.role_configuration import CoordinatorConfiguration, CryptographyConfiguration
from keystead.transport.session_keeper import OperatorIdentity
from tests.acceptance.service import exports, running

ROLES = ("module-1", "module-2", "coordinator", "authentication", "cryptography")
KINDS = {"module-1": "module", "module-2": "module"}
PATIENCE = 30.0
PRESENT = ("-m", "keystead")
"""The program."""


def later(days: int) -> tuple[str, ...]:
    """Return the program so many days later."""
    return str(Path(__file__).with_name("later.py")), str(days)


class RolesByHand:
    """The roles of one host, each a process of the test. Paths are relative to the data directory."""

    def __init__(self, data: Path, **coordinator: Any) -> None:
        """Found it with ``keystead up``, then configure it anew; ``coordinator`` are fields of its configuration."""
        with running(data):
            self.environment = exports(data)
        self.data = data
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port = _free_port()
        self.program: tuple[str, ...] = PRESENT
        self.configure_coordinator(**coordinator)
        self._configure("cryptography", CryptographyConfiguration, {"listener": None, "port": self.port})

    def configure_coordinator(self, **changed: Any) -> None:
        """Change fields of the coordinator's configuration, for its next start."""
        self._configure("coordinator", CoordinatorConfiguration, changed)

    def _configure(self, role: str, kind: Any, changed: Mapping[str, Any]) -> None:
        path = self.data / "run" / f"{role}.toml"
        configuration = msgspec.convert(tomllib.loads(path.read_text()), kind)
        path.write_text(dump(msgspec.structs.replace(configuration, **changed)))

    def start(self, role: str, failpoint: str | None = None) -> None:
        """Start a role, or start it again; it dies or stands still at the failpoint."""
        armed = {"KEYSTEAD_UNSAFE_FAILPOINTS": "1", "KEYSTEAD_FAILPOINT": failpoint} if failpoint else {}
        with (self.data / "logs" / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                [sys.executable, *self.program, "serve", KINDS.get(role, role), "--config", f"run/{role}.toml"],
                cwd=self.data,
                env=os.environ | armed,
                stdout=log,
                stderr=log,
            )

    def start_all(self) -> None:
        """Start every role, and return when clients are served."""
        for role in ROLES:
            self.start(role)
        self.until_served()

    def until_served(self) -> None:
        """Return when a client's request succeeds."""
        client, begun = self.client(), time.monotonic()
        while True:
            with suppress(Exception):
                client.list_keys(Limit=1)
                return
            assert time.monotonic() - begun < PATIENCE, self.logs()
            time.sleep(0.1)

    def kill(self, role: str) -> None:
        """End a role without a last word."""
        self.processes[role].send_signal(signal.SIGKILL)
        self.processes[role].wait()

    def until_dead(self, role: str) -> None:
        """Return when a role ended by itself; a failpoint must have killed it."""
        assert self.processes[role].wait(PATIENCE) == -signal.SIGKILL, self.logs()

    def until_stopped(self, role: str) -> None:
        """Return when a role stands still."""
        process, begun = psutil.Process(self.processes[role].pid), time.monotonic()
        while process.status() != psutil.STATUS_STOPPED:
            assert time.monotonic() - begun < PATIENCE, self.logs()
            time.sleep(0.01)

    def go_on(self, role: str) -> None:
        """Let a role go on that stands still."""
        self.processes[role].send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Leave nothing of it behind."""
        for role in self.processes:
            self.kill(role)

    def client(self, **config: Any) -> Any:
        """Return a boto3 client with the root user's credentials."""
        return boto3.client(
            "kms",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(**config),
        )

    def operator(self, name: str = "operator") -> OperatorIdentity:
        """Return who the person, or a role, is to the domain."""
        return operator_identity(str(self.data / name / "operator_key"))

    @property
    def coordinator(self) -> str:
        """Address of the coordinator."""
        return f"unix:{self.data}/run/coordinator.sock"

    def logs(self) -> str:
        """Return what the roles logged."""
        return "\n".join(f"== {one.name}\n{one.read_text()[-4000:]}" for one in sorted((self.data / "logs").glob("*")))


@contextmanager
def by_hand(data: Path, **coordinator: Any) -> Iterator[RolesByHand]:
    """Run all roles for the length of the block; nothing of them is left behind."""
    roles = RolesByHand(data, **coordinator)
    try:
        roles.start_all()
        yield roles
    finally:
        roles.end()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
