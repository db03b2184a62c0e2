"""A whole Keystead as a newcomer starts it: ``keystead up`` with real processes on a free port."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[2]
START_LIMIT = 60.0
UNLIMITED = ("--request-quota", "all=inf")
"""For tests that ask more often than an account may by default."""


class Service:
    """One running ``keystead up``."""

    def __init__(self, data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start it, without limits on requests, and return when it says that it is ready."""
        self.data = data
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keystead", "up", "--data", str(data), "--port", "0", *UNLIMITED, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_for_line("ready")
            self.environment = exports(data)
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self.lines.append(line)
                self._queue.put(line)
        self._queue.put(None)

    def wait_for_line(self, text: str, timeout: float = START_LIMIT) -> str:
        """Return the next line of its output that holds the text; fails if it ends first."""
        while True:
            try:
                line = self._queue.get(timeout=timeout)
            except queue.Empty:
                line = None
            if line is None:
                message = f"keystead ended, or waited too long, before {text!r}:\n{''.join(self.lines)}\n{self.logs()}"
                raise AssertionError(message)
            if text in line:
                return line

    @property
    def endpoint(self) -> str:
        """Return the URL that clients use."""
        return self.environment["AWS_ENDPOINT_URL_KMS"]

    def client(self, **config: Any) -> Any:
        """Return a boto3 client of this service with the root user's credentials."""
        return boto3.client(
            "kms",
            endpoint_url=self.endpoint,
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(**config),
        )

    def role(self, name: str) -> psutil.Process:
        """Return the process that plays a role now: a role's name, or ``supervise``."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            command = " ".join(process.cmdline())
            if f"{name}.toml" in command or (name == "supervise" and " supervise" in command):
                return process
        message = f"no process plays {name}\n{self.logs()}"
        raise AssertionError(message)

    def logs(self) -> str:
        """Return what the roles logged."""
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-4000:]}" for path in sorted((self.data / "logs").glob("*"))
        )

    def stop(self) -> int:
        """Stop it as Ctrl-C does and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def end(self) -> None:
        """Leave nothing of it behind, whatever state it is in."""
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait(30)
        for process in family:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
        self._reader.join(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Run a service for the length of the block; nothing of it is left behind."""
    service = Service(data, *arguments, environment=environment)
    try:
        yield service
        service.stop()
    finally:
        service.end()


def exports(data: Path) -> dict[str, str]:
    """Return the variables that ``keystead env`` exports."""
    text = keystead("env", "--data", str(data)).stdout
    pairs = (
        line.removeprefix("export ").partition("=")[::2] for line in text.splitlines() if line.startswith("export ")
    )
    return {name: value.strip("'") for name, value in pairs}


def keystead(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "keystead", *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def policy_without_use(arn: str) -> str:
    """Return a policy by which a key is managed by its account and used by nobody."""
    root = {"AWS": f"arn:aws:iam::{arn.split(':')[4]}:root"}
    use = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:Sign"]
    statements = [
        {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": root, "Action": use, "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def aws(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the AWS CLI as a newcomer does who evaluated ``keystead env``."""
    program = REPOSITORY / ".venv" / "bin" / "aws"
    environment = {**os.environ, **service.environment, "AWS_PAGER": ""}
    return subprocess.run(
        [str(program), "kms", *arguments], capture_output=True, text=True, check=False, env=environment
    )


def status(data: Path) -> dict[str, Any]:
    """Return what ``keystead status --json`` says."""
    content: dict[str, Any] = json.loads(keystead("status", "--json", "--data", str(data)).stdout)
    return content
