"""A backup that is taken under load is whole, and what was acknowledged before it opens after everything was lost."""

import json
import shutil
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from keystead.transport.sql import connect_to_read
from tests.acceptance.service import Service, keystead, running
from tests.acceptance.test_chaos import SEED, family_of, loaded

pytestmark = pytest.mark.slow


def sealed(service: Service) -> tuple[str, bytes]:
    """Return a new key and what it encrypted."""
    client = service.client()
    key = client.create_key()["KeyMetadata"]["KeyId"]
    return key, client.encrypt(KeyId=key, Plaintext=b"before the loss")["CiphertextBlob"]


def opened(service: Service, ciphertext: bytes) -> bytes:
    """Return what the service decrypts."""
    plaintext: bytes = service.client().decrypt(CiphertextBlob=ciphertext)["Plaintext"]
    return plaintext


@pytest.mark.timeout(300)
def test_everything_is_killed_at_once_and_comes_back(tmp_path: Path) -> None:
    """After kill -9 of every process the modules start on their sealed files, and all that was acknowledged opens."""
    with running(tmp_path / "data") as service:
        _, ciphertext = sealed(service)
        for process in (family := family_of(service)):
            process.kill()
        psutil.wait_procs(family[1:], timeout=10)
    with running(tmp_path / "data") as service:
        assert opened(service, ciphertext) == b"before the loss"


@pytest.mark.timeout(300)
def test_a_backup_under_load_is_restored_on_an_empty_directory(tmp_path: Path) -> None:
    """Taken while clients work and a module came; restored after the directory is gone; it tells what it lacks."""
    data, backup = tmp_path / "data", tmp_path / "backup.tar"
    with running(data) as service:
        _, ciphertext = sealed(service)
        with loaded(service, SEED) as load:
            load.until_worked(time.monotonic())
            taken = keystead("backup", "--data", str(data), "--to", str(backup), "--with-root-slots")
            assert taken.returncode == 0, taken.stderr
        with closing(connect_to_read(data / "repository.sqlite")) as connection:
            assert connection.execute("SELECT version FROM backups").fetchall() == [(1,)]
        assert backup.stat().st_mode & 0o777 == 0o600
        operator = str(data / "operator" / "operator_key")
        added = keystead("domain", "request", "--data", str(data), "--sign-with", operator, "add-domain-key")
        assert added.returncode == 0, added.stderr
        service.stop()
    shutil.copytree(data, tmp_path / "lost", ignore=shutil.ignore_patterns("*.sock"))
    told = keystead("restore", str(backup), "--data", str(data), "--against", str(data), "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "lost is version 2 of the domain" in told.stderr
    assert keystead("restore", str(backup), "--data", str(data)).returncode == 1  # it is not empty
    shutil.rmtree(data)
    restored = keystead("restore", str(backup), "--data", str(data))
    assert restored.returncode == 0, restored.stderr
    with running(data) as service:
        assert opened(service, ciphertext) == b"before the loss"
        report = json.loads(keystead("status", "--json", "--data", str(data)).stdout)
        assert {one["state"] for one in report["modules"]} == {"live"}
