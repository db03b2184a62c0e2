"""What a reader of the module's memory finds after 100,000 operations (needs the superuser, as such a reader does)."""

import base64
import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from keystead.bootstrap.host import HostClock
from keystead.core.ports import Buffer, Link
from keystead.core.protocols.module_session.work import Item, Work, decode_outcomes, encode_work
from keystead.core.records import KeyRecord
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from tests.integration.recorded_module import MASK, MASKED_MARK, SIZE, marked_byte
from tests.simulators.modules import FrontEnd, ModuleDomain, ModuleHost, Peer

OPERATIONS = 100_000
FRAME = 64
KEYS = 16
MARK = bytes(byte ^ MASK for byte in MASKED_MARK)


class SocketHandler:
    """The end of a module process: each message has one answer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def opened(self, link: Link) -> None:
        """Hear the greeting."""
        self._link = link
        self._answer()

    def received(self, message: Buffer) -> None:
        """Send, and hear the answer."""
        self._socket.sendall(len(message).to_bytes(4, "big") + message)
        self._answer()

    def closed(self) -> None:
        """Close."""
        self._socket.close()

    def _answer(self) -> None:
        self._link.send(self._exactly(int.from_bytes(self._exactly(4), "big")))

    def _exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            part = self._socket.recv(size - len(received))
            assert part, "the module closed the connection"
            received += part
        return bytes(received)


class ProcessHost(ModuleHost):
    """A module in a process of its own."""

    folder: Path

    def start(self) -> None:
        """Start the process and wait until it listens."""
        self.handlers: list[SocketHandler] = []
        (self.folder / "module.toml").write_text(
            'name = "module-1"\ndirectory = "state"\nlisten = "unix:socket"\npin = "pin"\n'
        )
        script = Path(__file__).parent / "recorded_module.py"
        self.process = subprocess.Popen([sys.executable, str(script), str(self.folder)], stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if json.loads(line)["event"] == "module started":
                break

    @property
    def module_id(self) -> bytes:
        """The module's id, which its process surely holds."""
        return self.member.id

    def peer(self) -> Peer:
        """Connect to the process; what is pinned is written where it reads it."""
        if self.pinned is not None:
            (self.folder / "pin").write_text(self.pinned.hex())
        self.handlers.append(SocketHandler(self.folder / "socket"))
        return Peer(self.handlers[-1])


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[ModuleDomain]:
    """A domain of one module process, which must stop in order at the end."""
    domain = ModuleDomain(1, host=type("Host", (ProcessHost,), {"folder": tmp_path}))
    domain.clock.time = HostClock().now()
    host = domain.hosts[0]
    assert isinstance(host, ProcessHost)
    try:
        yield domain.with_key()
    finally:
        for handler in host.handlers:
            handler.closed()
        host.process.send_signal(signal.SIGTERM)
        with host.process:
            left = host.process.communicate()[1]
        assert host.process.returncode == 0, left


def _secret(number: int) -> bytes:
    return bytes(marked_byte(number, place) for place in range(SIZE))


def _memory(pid: int) -> Iterator[bytes]:
    """Yield every mapping that can be read; secret memory cannot."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - read in parts, by place
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            start, end, mode, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)", line).groups()  # type: ignore[union-attr]
            if mode[0] != "r" or name.startswith(("[vvar", "[vsyscall")):
                continue
            try:
                memory.seek(int(start, 16))
                yield memory.read(int(end, 16) - int(start, 16))
            except OSError:
                assert "secretmem" in name, line


def _answers(front_end: FrontEnd, items: list[Item]) -> list[dict[str, str]]:
    content = encode_work(Work((front_end.voucher.operator_key_token,), tuple(items)))
    answer = front_end.peer.exchange(front_end.peer.connection.seal(content))
    assert isinstance(answer, bytes)
    outcomes = decode_outcomes(answer).outcomes
    assert all(outcome.code == "" for outcome in outcomes), outcomes[0]
    return [json.loads(bytes(outcome.body)) for outcome in outcomes]


def _work(front_end: FrontEnd) -> list[dict[str, str]]:
    """Do the operations; return the answers to the last frame."""
    records = [front_end.records[front_end.create()] for _ in range(KEYS)]
    plaintext = base64.b64encode(bytes(SIZE)).decode()
    kinds: list[tuple[str, bytes, KeyRecord]] = []
    for key_id, record in zip(front_end.records, records, strict=True):
        made = front_end.answer("GenerateDataKey", {"KeyId": key_id, "KeySpec": "AES_256"}, record)
        kinds += [
            ("GenerateDataKey", json.dumps({"KeyId": key_id, "KeySpec": "AES_256"}).encode(), record),
            ("Encrypt", json.dumps({"KeyId": key_id, "Plaintext": plaintext}).encode(), record),
            ("Decrypt", json.dumps({"CiphertextBlob": made["CiphertextBlob"]}).encode(), record),
        ]
    answers: list[dict[str, str]] = []
    for number in range(0, OPERATIONS, FRAME):
        chosen = [kinds[place % len(kinds)] for place in range(number, number + FRAME)]
        answers = _answers(front_end, [front_end.item(*kind) for kind in chosen])
    return answers


def _customer_key(blob: CiphertextBlob, material_id: bytes) -> bytes:
    """Return the material that a material id was derived from."""
    for number in range(1, 10 * KEYS):
        derived = bytearray(SIZE)
        derive(_secret(number), Label.KEY_MATERIAL_ID, blob.key_id.encode(), derived)
        if derived == material_id:
            return _secret(number)
    raise AssertionError("no secret of the module has this material id")


def _derived_keys(answers: list[dict[str, str]]) -> list[bytes]:
    """Return the keys that the last data keys were encrypted under, each derived for one message."""
    keys = []
    for answer in answers:
        if "Plaintext" in answer and "CiphertextBlob" in answer:
            blob = CiphertextBlob.decode(base64.b64decode(answer["CiphertextBlob"]))
            derived = bytearray(2 * SIZE)
            customer_key = _customer_key(blob, bytes.fromhex(answer["KeyMaterialId"]))
            derive(customer_key, Label.CUSTOMER_CIPHERTEXT, blob.nonce, derived)
            keys.append(bytes(derived[:SIZE]))
    return keys


@pytest.mark.slow
@pytest.mark.requirement("SECM-02")
@pytest.mark.timeout(600)
def test_no_key_is_left_in_memory(domain: ModuleDomain) -> None:
    """After 100,000 operations no domain key, session key, customer key, derived key or data key is to be found."""
    host = domain.hosts[0]
    assert isinstance(host, ProcessHost)
    answers = _work(FrontEnd(domain))
    data_keys = [base64.b64decode(answer["Plaintext"]) for answer in answers if "Plaintext" in answer]
    assert data_keys
    assert all(key.startswith(MARK) for key in data_keys), "secrets of the module can be recognised"
    needles = {"a marked key": MARK, "a marked key in base64": base64.b64encode(MARK[:6])}
    needles |= {f"derived key {number}": key for number, key in enumerate(_derived_keys(answers))}
    found: Counter[str] = Counter()
    control = 0
    for memory in _memory(host.process.pid):
        control += memory.count(host.module_id)
        for name, needle in needles.items():
            found[name] += memory.count(needle)
    assert control > 0, "the scan finds what is in memory"
    assert len(needles) > FRAME // 3
    assert +found == Counter()
