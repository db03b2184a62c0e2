"""Whatever process dies or stops, and when: nothing that was acknowledged is lost, and the service comes back."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.acceptance.recording import Worker
from tests.acceptance.service import Service, running
from tests.acceptance.sightings import look_at_modules
from tests.simulators.checks.calls import OF_A_CLOSED_KEY
from tests.simulators.history import Fate, History
from tests.simulators.invariants import judge

pytestmark = pytest.mark.slow

VICTIMS = ("module-1", "module-2", "coordinator", "cryptography", "authentication", "supervise")
WORKERS = 4
ROUNDS = 4
"""How often each victim is killed."""
BACK_WITHIN = 2.0
"""Seconds, on a machine that is not overloaded."""
PAUSE = 1.5
SEED = int(os.environ.get("KEYSTEAD_CHAOS_SEED", "20250617"))


def allowance() -> float:
    """Return by how much to stretch a limit on a machine that has more to do than it can."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) * 1.5


class Load:
    """Workers in threads, each with keys of its own, and what happened."""

    def __init__(self, service: Service, seed: int) -> None:
        self.history = History()
        self._service = service
        self._stop = threading.Event()
        self._workers = [Worker(service, self.history, number, seed) for number in range(WORKERS)]
        self._threads = [threading.Thread(target=worker.run, args=(self._stop,)) for worker in self._workers]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each worker finish what it does."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def read_again(self) -> None:
        """Use every key and read every ciphertext that was acknowledged."""
        look_at_modules(self._service.data, self.history)
        self.history.closing = time.monotonic()
        for worker in self._workers:
            worker.read_again()

    def until_worked(self, since: float) -> None:
        """Return when a call was done that began after a moment; fails if none is for too long."""
        limit = since + 10 * BACK_WITHIN * allowance()
        while not any(call.fate is Fate.DONE and call.invoked > since for call in self.history.calls[-100:]):
            assert time.monotonic() < limit, "nothing is served"
            threading.Event().wait(0.01)


class Probe:
    """Asks without retries, to see when the service serves."""

    def __init__(self, service: Service) -> None:
        self._client = service.client(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
        self._key = self._client.create_key()["KeyMetadata"]["KeyId"]

    def serves(self) -> bool:
        """Whether a request is served now."""
        try:
            self._client.encrypt(KeyId=self._key, Plaintext=b"probe")
        except (BotoCoreError, ClientError):
            return False
        return True

    def seconds_until_it_serves(self, since: float) -> float:
        """Return how long after a moment it served; fails after long enough."""
        limit = since + 10 * BACK_WITHIN * allowance()
        while not self.serves():
            assert time.monotonic() < limit, "the service did not come back"
        return time.monotonic() - since


@contextmanager
def loaded(service: Service, seed: int) -> Iterator[Load]:
    """Run the load for the length of the block, then read everything again and judge what happened."""
    load = Load(service, seed)
    load.start()
    try:
        yield load
    finally:
        load.stop()
    load.read_again()
    print(Counter((call.fate.value, call.code) for call in load.history.calls))  # noqa: T201 -- shown when it fails
    odd = {call.code for call in load.history.calls if call.fate is Fate.REFUSED} - OF_A_CLOSED_KEY
    assert odd == set(), service.logs()
    judge(load.history).require("I1", "I3", "I5", "I6", "I8", "I9")


def player(service: Service, name: str, other_than: int = 0) -> psutil.Process:
    """Return the process that plays a role, once it is another than the one that did; fails after long enough."""
    limit = time.monotonic() + 10 * BACK_WITHIN * allowance()
    while True:
        try:
            found = service.role(name)
            if found.pid != other_than:
                return found
        except (AssertionError, psutil.NoSuchProcess):
            pass
        assert time.monotonic() < limit, f"{name} was not started again\n{service.logs()}"
        threading.Event().wait(0.01)


@pytest.mark.timeout(600)
def test_kill_at_random_moments(tmp_path: Path) -> None:
    """Each process is killed again and again under load: it is back within two seconds, and all that was told holds."""
    dice = random.Random(SEED)
    victims = [name for name in VICTIMS for _ in range(ROUNDS)]
    dice.shuffle(victims)
    print(f"seed {SEED}: {victims}")  # noqa: T201 -- pytest shows it when the test fails
    with running(tmp_path / "data") as service:
        probe = Probe(service)
        late = {}
        with loaded(service, SEED) as load:
            for count, name in enumerate(victims):
                threading.Event().wait(dice.uniform(0.05, 0.8))
                victim = player(service, name)
                moment = time.monotonic()
                victim.kill()
                took = probe.seconds_until_it_serves(moment)
                if took > BACK_WITHIN * allowance():
                    late[f"{count} {name}"] = took
                player(service, name, other_than=victim.pid)
                look_at_modules(service.data, load.history)
        assert late == {}, service.logs()
        assert service.stop() == 0


@pytest.mark.timeout(300)
def test_a_module_that_stops_for_a_while(tmp_path: Path) -> None:
    """While either module is stopped the other carries on, and nothing is served twice or stale when it continues."""
    with running(tmp_path / "data") as service:
        with loaded(service, SEED) as load:
            for name in ("module-1", "module-2", "module-1"):
                threading.Event().wait(0.5)
                victim = player(service, name)
                stopped = time.monotonic()
                victim.suspend()
                threading.Event().wait(PAUSE)
                load.until_worked(stopped + PAUSE)
                victim.resume()
        assert service.stop() == 0


@pytest.mark.parametrize("name", ["cryptography", "authentication", "coordinator"])
@pytest.mark.timeout(300)
def test_another_process_that_stops_for_a_while(tmp_path: Path, name: str) -> None:
    """A service that was stopped for longer than deadlines last goes on when it continues, and nothing is lost."""
    with running(tmp_path / "data") as service:
        probe = Probe(service)
        with loaded(service, SEED):
            threading.Event().wait(0.5)
            victim = service.role(name)
            victim.suspend()
            threading.Event().wait(2 * PAUSE)
            victim.resume()
            assert probe.seconds_until_it_serves(time.monotonic()) < BACK_WITHIN * allowance()
        assert service.stop() == 0


def family_of(service: Service) -> list[psutil.Process]:
    """Return every process of the service."""
    outermost = psutil.Process(service.process.pid)
    return [outermost, *outermost.children(recursive=True)]


def left_of(family: list[psutil.Process]) -> list[str]:
    """Return what still runs of the processes after they had time to end."""
    _, alive = psutil.wait_procs(family[1:], timeout=10)
    return [" ".join(process.cmdline()) for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_orderly_stop_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """Told to stop, under load too, it ends with status 0 and nothing of it remains."""
    with running(tmp_path / "data") as service:
        family = family_of(service)
        load = Load(service, SEED)
        load.start()
        threading.Event().wait(0.5)
        service.process.send_signal(number)
        assert service.process.wait(30) == 0
        assert left_of(family) == []
        load.stop()


def test_killing_the_outermost_process_leaves_no_orphan(tmp_path: Path) -> None:
    """When the outermost process is killed, every role ends, and the same directory can be started on again."""
    with running(tmp_path / "data") as service:
        family = family_of(service)
        sealed = service.client().encrypt(
            KeyId=service.client().create_key()["KeyMetadata"]["KeyId"], Plaintext=b"kept"
        )["CiphertextBlob"]
        service.process.kill()
        service.process.wait(30)
        assert left_of(family) == []
    with running(tmp_path / "data") as again:
        assert again.client().decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
