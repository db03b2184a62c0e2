"""Rotation of domain keys with real processes: under load nothing fails, and who dies on the way goes on."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest

from keystead.core.protocols.rotation import Action, RotationStatus, order
from keystead.errors import PeerUnavailable, RotationDenied
from keystead.transport.coordinator_client import order_rotation, rotation
from keystead.transport.sql import connect_to_read
from keystead.transport.unix import UnixNetwork
from tests.acceptance.by_hand import PATIENCE, RolesByHand, by_hand

pytestmark = pytest.mark.slow

KEYS = 1500
LOADERS = 4
SECRET = b"attack at dawn"
ONCE = {"total_max_attempts": 1}
SETTLE = 3


class Rotating:
    """A running service with keys, whose domain keys are rotated."""

    def __init__(self, roles: RolesByHand, keys: int) -> None:
        self.roles = roles
        self.client = roles.client(max_pool_connections=LOADERS)
        with ThreadPoolExecutor(LOADERS) as makers:
            self.keys = list(makers.map(lambda _: self.client.create_key()["KeyMetadata"]["KeyId"], range(keys)))
            self.blobs = list(makers.map(self.encrypt, self.keys))

    def encrypt(self, key: str) -> bytes:
        """Return a ciphertext."""
        blob: bytes = self.client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
        return blob

    def status(self) -> RotationStatus:
        """Return how the last rotation is; waits for a coordinator that is only starting."""
        begun = time.monotonic()
        while True:
            try:
                return asyncio.run(rotation(UnixNetwork(), self.roles.coordinator))
            except PeerUnavailable:
                assert time.monotonic() - begun < PATIENCE, self.roles.logs()

    def order(self, action: Action, limit: int = 0) -> RotationStatus:
        """Return how it is once the order of the person is obeyed."""
        operator = self.roles.operator()
        signed = order(self.status(), action, operator.operator, operator.key, limit)
        return asyncio.run(order_rotation(UnixNetwork(), self.roles.coordinator, signed))

    def until(self, *stages: str) -> RotationStatus:
        """Return the status as soon as the rotation is at one of the stages."""
        begun = time.monotonic()
        while (status := self.status()).stage not in stages:
            assert time.monotonic() - begun < 2 * PATIENCE, (status, self.roles.logs())
            time.sleep(0.05)
        return status

    def check_all(self) -> None:
        """Every ciphertext from before opens."""
        with ThreadPoolExecutor(LOADERS) as readers:
            opened = readers.map(lambda blob: self.client.decrypt(CiphertextBlob=blob)["Plaintext"], self.blobs)
            assert set(opened) == {SECRET}

    def under(self, domain_key: bytes) -> int:
        """Return how many heads and tokens rest under a domain key, as the database itself says."""
        reader = connect_to_read(self.roles.data / "repository.sqlite")
        heads = reader.execute("SELECT count(*) FROM keys WHERE head_domain_key = ?", (domain_key,)).fetchone()
        tokens = reader.execute("SELECT count(*) FROM key_tokens WHERE domain_key = ?", (domain_key,)).fetchone()
        reader.close()
        return int(heads[0] + tokens[0])


class Load:
    """Clients that use, change and create keys without a pause, and never ask twice."""

    def __init__(self, rotating: Rotating) -> None:
        self.rotating = rotating
        self.failures: list[str] = []
        self.done = 0
        self._ended = threading.Event()
        self._clients = [threading.Thread(target=self._run, args=(number,)) for number in range(LOADERS)]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for client in self._clients:
            client.join()

    def _run(self, number: int) -> None:
        client, dice = self.rotating.roles.client(retries=ONCE), Random(number)
        keys = self.rotating.keys
        while not self._ended.is_set():
            chosen = dice.randrange(number, len(keys), LOADERS)  # each client changes keys of its own
            try:
                self._use(client, dice, chosen)
                self.done += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                self.failures.append(f"{type(error).__name__}: {error}")

    def _use(self, client: Any, dice: Random, chosen: int) -> None:
        key, blob = self.rotating.keys[chosen], self.rotating.blobs[chosen]
        match dice.randrange(6):
            case 0:
                client.update_key_description(KeyId=key, Description=str(dice.random()))
            case 1:
                client.create_key()
            case 2:
                client.rotate_key_on_demand(KeyId=key)
            case 3:
                fresh = client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
                assert client.decrypt(CiphertextBlob=fresh)["Plaintext"] == SECRET
            case _:
                assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == SECRET


@pytest.mark.requirement(
    "CONS-17", "CONS-18", "P21-01", "P21-02", "P21-03", "P21-04", "P21-05", "P21-07", "P21-08", "P21-11", "P21-13",
    "P21-22", "P21-23",
    "CKEY-01", "CKEY-03", "CONS-15",
)  # fmt: skip
def test_no_request_fails_while_all_keys_move_under_load(tmp_path: Path) -> None:
    """Keys are used, changed and created all the while; each ends under the new domain key; the old one is retired."""
    with by_hand(tmp_path / "data", rotation_settle=SETTLE) as roles:
        rotating = Rotating(roles, KEYS)
        with Load(rotating) as load:
            rotating.order(Action.BEGIN)
            moved = rotating.until("resealed", "retired")
            assert moved.done >= KEYS
            retired = rotating.until("retired")
            load_until(load, load.done + 50)
        assert load.failures == []
        assert load.done > 100
        (old,) = retired.old
        assert rotating.under(old) == 0
        assert rotating.under(retired.new or b"") > 2 * KEYS
        counts = {one.domain_key: one for one in retired.counts}
        assert counts[old].refusals == 0
        rotating.check_all()


def load_until(load: Load, done: int) -> None:
    """Return when the clients have done so much more, or failed."""
    begun = time.monotonic()
    while load.done < done and not load.failures:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotating]:
    """Some keys in a service whose old domain keys are not retired by themselves."""
    with by_hand(tmp_path_factory.mktemp("keystead") / "data", rotation_settle=3600) as roles:
        yield Rotating(roles, 150)


def finish(rotating: Rotating) -> None:
    """See a rotation through to where nothing is left, and make room for another."""
    status = rotating.until("resealed")
    for old in status.old:
        assert rotating.under(old) == 0
    rotating.check_all()
    rotating.order(Action.ABORT)


MOMENTS = [
    ("after-rotation", 1),
    ("after-decision", 1),
    ("before-rotation-change", 1),
    ("after-rotation-change", 1),
    ("before-fence", 1),
    ("after-fence", 1),
    ("after-rotation-change", 3),
    ("before-resealing", 2),
    ("after-resealing", 2),
    ("before-rotation-change", 4),
]


@pytest.mark.parametrize(("point", "nth"), MOMENTS, ids=[f"{point} {nth}" for point, nth in MOMENTS])
def test_a_coordinator_that_dies_on_the_way_goes_on(small: Rotating, point: str, nth: int) -> None:
    """Killed at a durable step, the next start takes the rotation to where nothing is left, and loses no key."""
    small.roles.kill("coordinator")
    small.roles.start("coordinator", f"{point}:kill:{nth}")
    before = small.status().number
    with suppress(PeerUnavailable):  # it may die before it answers
        small.order(Action.BEGIN)
    small.roles.until_dead("coordinator")
    small.roles.start("coordinator")
    assert small.status().number == before + 1
    finish(small)


def _described(rotating: Rotating, key: str) -> None:
    rotating.client.update_key_description(KeyId=key, Description="changed meanwhile")


def _rotated(rotating: Rotating, key: str) -> None:
    rotating.client.rotate_key_on_demand(KeyId=key)


def _deleted(rotating: Rotating, key: str) -> None:
    rotating.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def test_what_is_changed_between_sealing_and_storing_stays(small: Rotating) -> None:
    """A page was sealed anew and not stored; its keys are changed, rotated and deleted, others created: all holds."""
    small.roles.kill("coordinator")
    small.roles.start("coordinator", "before-resealing:stop")
    small.order(Action.BEGIN)
    small.roles.until_stopped("coordinator")
    first, second, third = sorted(small.keys)[:3]  # of the first page
    changes: tuple[Callable[[Rotating, str], None], ...] = (_described, _rotated, _deleted)
    for change, key in zip(changes, (first, second, third), strict=True):
        change(small, key)
    created = small.client.create_key()["KeyMetadata"]["KeyId"]
    small.roles.go_on("coordinator")
    assert small.client.describe_key(KeyId=created)["KeyMetadata"]["Enabled"]
    status = small.until("resealed")
    assert small.under(status.old[-1]) == 0
    assert small.client.describe_key(KeyId=first)["KeyMetadata"]["Description"] == "changed meanwhile"
    assert len(small.client.list_key_rotations(KeyId=second)["Rotations"]) == 1
    assert small.client.describe_key(KeyId=third)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    small.client.cancel_key_deletion(KeyId=third)
    small.client.enable_key(KeyId=third)
    finish(small)


def test_a_rotation_is_paused_throttled_resumed_and_ended_by_orders(small: Rotating) -> None:
    """Each order is obeyed once; while it is paused nothing moves; a second rotation is not begun meanwhile."""
    small.roles.kill("coordinator")
    small.roles.start("coordinator")
    begun = small.order(Action.BEGIN)
    assert small.order(Action.PAUSE).paused
    with pytest.raises(RotationDenied):
        small.order(Action.BEGIN)
    status = small.order(Action.THROTTLE, limit=2000)
    assert (status.limit, status.orders) == (2000, begun.orders + 2)
    operator = small.roles.operator()
    resume = order(status, Action.RESUME, operator.operator, operator.key)
    assert not asyncio.run(order_rotation(UnixNetwork(), small.roles.coordinator, resume)).paused
    with pytest.raises(RotationDenied):
        asyncio.run(order_rotation(UnixNetwork(), small.roles.coordinator, resume))
    finish(small)
    assert small.status().stage == "aborted"


@pytest.mark.requirement("P21-06", "CL-12", "CL-13")
def test_a_rotation_waits_for_a_module_that_does_not_answer(small: Rotating) -> None:
    """The new domain key is not everywhere: nothing is sealed anew until the module is back; clients are served."""
    small.roles.kill("module-2")
    small.order(Action.BEGIN)
    small.until("planned")
    small.check_all()
    status = small.status()
    assert (status.stage, status.done, status.new) == ("planned", 0, None)
    small.roles.start("module-2")
    finish(small)


def test_a_module_that_dies_meanwhile_costs_nothing(small: Rotating) -> None:
    """What it was asked is asked of the other; when it is back, it is asked again."""
    small.order(Action.BEGIN)
    small.order(Action.THROTTLE, limit=50)
    small.until("resealing")
    small.roles.kill("module-1")
    small.check_all()
    small.roles.start("module-1")
    small.order(Action.THROTTLE, limit=0)
    finish(small)


@pytest.mark.requirement("CKEY-04", "CKEY-05", "CONS-23")
def test_operations_and_age_begin_a_rotation(tmp_path: Path) -> None:
    """As many operations under a domain key as are allowed, of all modules together, begin one; age begins the next."""
    with by_hand(tmp_path / "data", rotation_settle=3600, rotation_operations=100) as roles:
        rotating = Rotating(roles, 10)
        while rotating.status().number == 0:
            rotating.check_all()
        assert rotating.until("resealed").cause == "operations"
        rotating.order(Action.ABORT)
        roles.kill("coordinator")
        roles.configure_coordinator(rotation_operations=0, rotation_age=1)
        roles.start("coordinator")
        assert rotating.until("resealed").cause == "age"
        rotating.check_all()
