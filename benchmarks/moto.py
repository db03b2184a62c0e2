"""Another server of the same protocol, moto, from the package index: it keeps keys in clear and checks no signature."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.client import answers
from benchmarks.ports import free_port, wait_for
from benchmarks.signed import Signer


@contextmanager
def running() -> Iterator[tuple[Signer, psutil.Process, str]]:
    """Run it for the length of the block; gives who signs for it, its process, and the id of a key."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    with subprocess.Popen(
        [str(program), "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port)
            signer = Signer(
                endpoint=f"http://127.0.0.1:{port}",
                region="us-east-1",
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                secret_access_key="any",  # noqa: S106, it is not checked
            )
            (created,) = answers(port, signer.signed("CreateKey", [{}]))
            yield signer, psutil.Process(process.pid), created["KeyMetadata"]["KeyId"]
        finally:
            process.terminate()
