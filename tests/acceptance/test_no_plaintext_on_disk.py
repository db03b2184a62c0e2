"""Key material in clear is nowhere but in the modules: not on disk, in no log, in no output, in no other process."""

import base64
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.planted.sitecustomize import MASKED, mark
from tests.acceptance.service import Service, running
from tests.simulators.checks.secrecy import written_forms

pytestmark = pytest.mark.slow

PLANTED = Path(__file__).parent / "planted"
OTHERS = ("cryptography", "authentication", "coordinator", "supervise")
KEYS = 20
PIECE = 1024 * 1024
MARKS = {name: mark(name) for name in MASKED}


class Planted:
    """A service whose modules' secrets are recognisable, and what they were told to be for."""

    def __init__(self, service: Service, told: Path) -> None:
        self.service = service
        self._told = told

    def made(self) -> Counter[str]:
        """Return how many secrets were marked so far, by what they are for."""
        return Counter(self._told.read_text().split())


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    """Return a service with marked secrets."""
    told = tmp_path / "planted"
    environment = {"PYTHONPATH": str(PLANTED), "KEYSTEAD_PLANTED": str(told)}
    with running(tmp_path / "data", environment=environment) as service:
        yield Planted(service, told)


def work(kms: Any) -> bytes:
    """Do something of everything that touches key material; return a data key."""
    keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(KEYS)]
    context = {"purpose": "test"}
    data_key = b""
    for key in keys:
        sealed = kms.encrypt(KeyId=key, Plaintext=b"plaintext", EncryptionContext=context)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"] == b"plaintext"
        data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
        kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
        kms.re_encrypt(CiphertextBlob=sealed, SourceEncryptionContext=context, DestinationKeyId=keys[0])
        kms.rotate_key_on_demand(KeyId=key)
    kms.generate_random(NumberOfBytes=1024)
    return data_key


def hits(content: bytes, marks: dict[str, bytes] | None = None) -> set[str]:
    """Return which marks stand in the content in any written form."""
    return {name for name, mark in (marks or MARKS).items() if any(form in content for form in written_forms(mark))}


def files(root: Path) -> Iterator[Path]:
    """Return every file below a folder, but for sockets."""
    return (path for path in sorted(root.rglob("*")) if path.is_file())


@pytest.mark.requirement("SECM-02", "FIG7-17", "FIG2-14")
def test_no_key_material_rests_in_clear(planted: Planted) -> None:
    """After all kinds of work, restarts included, no file and no output holds a marked secret but the root slots."""
    service = planted.service
    assert work(service.client()).startswith(MARKS["released"])
    service.role("module-1").kill()
    work(service.client())
    assert found_on_disk(service) == {("module-1/root-slot-1", "root"), ("module-2/root-slot-1", "root")}
    service.stop()
    assert found_on_disk(service) == {("module-1/root-slot-1", "root"), ("module-2/root-slot-1", "root")}
    assert hits("".join(service.lines).encode()) == set()
    made = planted.made()
    assert made["root"] == 2
    assert made["key"] >= 1 + 4 * KEYS
    assert made["released"] >= 4 * KEYS
    assert made["session"] >= 2


def found_on_disk(service: Service) -> set[tuple[str, str]]:
    """Return where which mark stands."""
    return {
        (str(path.relative_to(service.data)), name) for path in files(service.data) for name in hits(path.read_bytes())
    }


@pytest.mark.requirement("SECM-02", "FIG22-05")
def test_no_other_process_holds_key_material(planted: Planted) -> None:
    """The memory of every other process holds no key of a customer and no domain key (read as the superuser can)."""
    work(planted.service.client())
    outermost = planted.service.process.pid
    for pid in (outermost, *(planted.service.role(name).pid for name in OTHERS)):
        content = memory(pid)
        assert len(content) > PIECE
        assert hits(content, {"key": MARKS["key"]}) == set()


def test_a_reader_of_memory_finds_what_is_there(planted: Planted) -> None:
    """The same reader finds in the front end what passes through it, so it would have found a key."""
    work(planted.service.client())
    assert hits(memory(planted.service.role("cryptography").pid), {"access key": access_key(planted)})


def access_key(planted: Planted) -> bytes:
    """Return what the front end has surely seen."""
    return planted.service.environment["AWS_ACCESS_KEY_ID"].encode()


def memory(pid: int) -> bytes:
    """Return all memory of a process that can be read."""
    found = []
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            region, rights = line.split()[:2]
            first, last = (int(address, 16) for address in region.split("-"))
            if rights.startswith("r"):
                found += list(pieces(descriptor, first, last))
    finally:
        os.close(descriptor)
    return b"".join(found)


def pieces(descriptor: int, first: int, last: int) -> Iterator[bytes]:
    """Return what can be read between two addresses."""
    while first < last:
        try:
            piece = os.pread(descriptor, min(16 * PIECE, last - first), first)
        except OSError:
            return
        if not piece:
            return
        yield piece
        first += len(piece)


@pytest.mark.parametrize("name", MARKS)
def test_the_search_finds_every_written_form(tmp_path: Path, name: str) -> None:
    """A secret that was written to any file, raw or encoded at any place, would have been found."""
    secret = MARKS[name] + os.urandom(16)
    forms = [
        secret,
        secret.hex().encode(),
        *(base64.b64encode(bytes(shift) + secret) for shift in range(3)),
        *(base64.urlsafe_b64encode(bytes(shift) + secret) for shift in range(3)),
        repr(secret.hex()).encode(),
    ]
    for number, form in enumerate(forms):
        (tmp_path / f"{number}").write_bytes(os.urandom(1000) + form + os.urandom(1000))
    assert [hits(path.read_bytes()) for path in files(tmp_path)] == [{name}] * len(forms)
