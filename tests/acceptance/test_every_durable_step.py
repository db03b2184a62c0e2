"""Kill -9 of real processes before and after every durable step of installation, rotation and the end of keys.

Each round is a rotation to its end, with the installation of three tokens and one that is given up, while clients use
and change keys. Every process dies at each step that it takes, on both sides (``undertaker``). ``KEYSTEAD_KILLS`` says
how many kills there are at least.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import pytest
from botocore.exceptions import ClientError

from keystead.core.domain.change_request import AddDomainKey
from keystead.core.domain.domain_token import token_hash
from keystead.core.failpoints import Side, Step
from keystead.core.protocols.coordination import Status
from keystead.core.protocols.rotation import Action, RotationStatus
from keystead.errors import KeysteadError
from keystead.transport.sql import connect_to_read
from tests.acceptance.by_hand import PRESENT, ROLES, RolesByHand, by_hand, later
from tests.acceptance.governor import Governor
from tests.acceptance.recording import Worker
from tests.acceptance.sightings import greeting_of
from tests.acceptance.undertaker import Undertaker
from tests.simulators.history import Fate, History
from tests.simulators.invariants import judge

KILLS: Final = int(os.environ.get("KEYSTEAD_KILLS", "200"))
KEYS: Final = 100
SECRET: Final = b"attack at dawn"
PATIENCE: Final = 120.0

OF_COORDINATOR: Final = frozenset(
    {
        Step.DECISION, Step.PROMISE, Step.INSTALLATION, Step.ABANDONMENT, Step.RELEASE, Step.BURIAL, Step.STAGE,
        Step.ADMISSION, Step.FENCE, Step.ROTATION, Step.ROTATION_CHANGE, Step.RESEALING,
    }
)  # fmt: skip
OF_MODULE: Final = frozenset({Step.MODULE_FILE, Step.SLOT_PREPARATION, Step.SLOT_DESTRUCTION})
OF_FRONT_END: Final = frozenset({Step.KEY_CHANGE})
OF_DISK: Final = frozenset({Step.FILE_REPLACEMENT, Step.FILE_REMOVAL})
BESIDE: Final = frozenset({Step.FILE_REPLACEMENT, Step.USAGE})

T = TypeVar("T")
Plan = Mapping[str, frozenset[Step]]
ROUNDS: Final[tuple[Plan, ...]] = (
    {"coordinator": OF_COORDINATOR, "module-1": OF_MODULE, "module-2": OF_MODULE},
    {"coordinator": BESIDE, "module-1": OF_DISK, "module-2": OF_DISK, "cryptography": OF_FRONT_END},
)
"""Who dies at which steps in which round: a disk's steps are parts of a module's, and a coordinator that dies on and on
lives too short to ask modules what they did."""
OF_SWEEP: Final[Plan] = {"coordinator": frozenset({Step.KEY_CHANGE})}
"""Who ends and rotates keys that are due."""


class Turning:
    """An installation whose domain key is rotated, again and again."""

    def __init__(self, roles: RolesByHand, undertaker: Undertaker) -> None:
        self.roles = roles
        self.governor = Governor(roles)
        self.undertaker = undertaker
        client = roles.client(max_pool_connections=4)
        with ThreadPoolExecutor(4) as makers:
            self.keys = list(makers.map(lambda _: client.create_key()["KeyMetadata"]["KeyId"], range(KEYS)))
            self.blobs = list(
                makers.map(lambda key: client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"], self.keys)
            )
        self.governor.keep_retired_for(0)

    def turn(self) -> None:
        """Rotate, drop what is old, and give up a token that one member cannot promise."""
        before = self.rotation().number
        self._insist(lambda: self.governor.order(Action.BEGIN), lambda: self.rotation().number > before)
        self._insist(lambda: None, lambda: self.rotation().stage == "retired")
        self._insist(lambda: self.governor.order(Action.WAIVE_BACKUP), lambda: not self.rotation().obstacles)
        (old,) = self.rotation().old
        self._insist(lambda: self.governor.drop(old), lambda: self.rotation().stage == "dropped")
        self._give_up()
        assert old not in [entry.id for entry in self.governor.state.domain_keys]
        assert self._resting_under(old) == 0

    def _give_up(self) -> None:
        version = self.domain().version
        self.undertaker.hold("module-2")
        made: list[bytes] = []
        self._insist(lambda: made.append(self.governor.token(AddDomainKey())), lambda: bool(made))
        (token,) = made
        self._insist(lambda: self.governor.bring(token, 0.5), lambda: self._in_flight() == token_hash(token))
        self._insist(lambda: self.governor.abandon(token), lambda: self.domain().stage == "abandoning")
        self.undertaker.let_go("module-2")
        self._insist(lambda: None, lambda: self._in_flight() is None)
        assert self.domain().version == version

    def until_died_at_all(self, plan: Plan) -> None:
        """Return when every step of a round was cut off on both sides; some are taken by the clock."""
        self._insist(lambda: None, lambda: not missed(self.undertaker, plan))

    def check(self) -> None:
        """Every ciphertext from the beginning opens, and both modules stand at one token."""
        client = self.roles.client(max_pool_connections=4)
        with ThreadPoolExecutor(4) as readers:
            opened = readers.map(lambda blob: client.decrypt(CiphertextBlob=blob)["Plaintext"], self.blobs)
            assert list(opened) == [SECRET] * KEYS
        greetings = [greeting_of(self.roles.data, name) for name in ("module-1", "module-2")]
        assert {greeting and greeting.token_hash for greeting in greetings} == {self.governor.directory.hash}
        assert len(self.governor.state.domain_keys) == 1

    def rotation(self) -> RotationStatus:
        """Return how the last rotation is, as soon as the coordinator answers."""
        return self._answered(self.governor.status)

    def domain(self) -> Status:
        """Return how the domain is, as soon as the coordinator answers."""
        return self._answered(self.governor.installing)

    def _in_flight(self) -> bytes | None:
        return self.domain().in_flight_hash

    def _answered(self, ask: Callable[[], T]) -> T:
        answers: list[T] = []
        self._insist(lambda: answers.append(ask()), lambda: bool(answers))
        return answers[-1]

    def _insist(self, attempt: Callable[[], object], done: Callable[[], bool]) -> None:
        """Attempt it, as an operator does who was not answered, until it is done."""
        begun = time.monotonic()
        while not done():
            assert time.monotonic() - begun < PATIENCE, f"{self.undertaker.report()}\n{self.roles.logs()}"
            with suppress(KeysteadError, TimeoutError, OSError):
                attempt()
            time.sleep(0.02)

    def _resting_under(self, domain_key: bytes) -> int:
        reader = connect_to_read(self.roles.data / "repository.sqlite")
        try:
            (heads,) = reader.execute("SELECT count(*) FROM keys WHERE head_domain_key = ?", (domain_key,)).fetchone()
            (tokens,) = reader.execute("SELECT count(*) FROM key_tokens WHERE domain_key = ?", (domain_key,)).fetchone()
        finally:
            reader.close()
        return int(heads + tokens)


def missed(undertaker: Undertaker, plan: Plan) -> list[tuple[str, str]]:
    """Return who never died where it should have."""
    places = [(role, f"{side}-{step}") for role, steps in plan.items() for step in steps for side in Side]
    return [place for place in places if not undertaker.died(*place)]


@contextmanager
def used(roles: RolesByHand, history: History) -> Iterator[None]:
    """Let a client use, make and change keys for the length of the block; then read all that it was told."""
    stop, worker = threading.Event(), Worker(roles, history, 0, 1)
    working = threading.Thread(target=worker.run, args=(stop,))
    working.start()
    try:
        yield
    finally:
        stop.set()
        working.join()
    history.closing = time.monotonic()
    worker.read_again()


def test_every_step_has_a_process_that_dies_at_it() -> None:
    """A durable step that is added gets its kills below."""
    assert frozenset().union(*(steps for plan in (*ROUNDS, OF_SWEEP) for steps in plan.values())) == frozenset(Step)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whoever_dies_wherever_all_ends_right_and_no_key_is_lost(tmp_path: Path) -> None:
    """At least 200 kills, at every step on both sides: each rotation gets to its end, and what was told holds."""
    history = History()
    with by_hand(tmp_path / "data", rotation_settle=0) as roles, Undertaker(roles) as undertaker:
        turning = Turning(roles, undertaker)
        with used(roles, history):
            number = 0
            while number < len(ROUNDS) or len(undertaker.deaths) < KILLS:
                undertaker.round(ROUNDS[number % len(ROUNDS)])
                turning.turn()
                turning.until_died_at_all(ROUNDS[number % len(ROUNDS)])
                number += 1
            undertaker.round({})
        turning.check()
        print(undertaker.report())  # noqa: T201 - which steps were hit
    assert undertaker.unexpected == []
    assert [place for plan in ROUNDS for place in missed(undertaker, plan)] == []
    assert any(call.fate is Fate.DONE for call in history.calls)
    judge(history).require("I1", "I3", "I9")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_keys_whose_deletion_is_due_end_whoever_dies(tmp_path: Path) -> None:
    """Eight days later the coordinator dies before and after it stores each end: what is due ends, and nothing else."""
    with by_hand(tmp_path / "data") as roles:
        client = roles.client()
        keys = [client.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)]
        *due, waiting, used = keys
        blob = client.encrypt(KeyId=used, Plaintext=SECRET)["CiphertextBlob"]
        for key in due:
            client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        client.schedule_key_deletion(KeyId=waiting, PendingWindowInDays=30)
        _sweep_cut_short(roles, 8, len(due))
        for key in due:
            with pytest.raises(ClientError, match="NotFoundException"):
                client.describe_key(KeyId=key)
        assert client.describe_key(KeyId=waiting)["KeyMetadata"]["KeyState"] == "PendingDeletion"
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == SECRET


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_keys_that_are_due_rotate_once_whoever_dies(tmp_path: Path) -> None:
    """A hundred days later the coordinator dies before and after it stores each new version: each key has one."""
    with by_hand(tmp_path / "data") as roles:
        client = roles.client()
        keys = [client.create_key()["KeyMetadata"]["KeyId"] for _ in range(4)]
        *due, waiting = keys
        blobs = {key: client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"] for key in keys}
        for key in due:
            client.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
        client.enable_key_rotation(KeyId=waiting, RotationPeriodInDays=101)
        day = {key: client.get_key_rotation_status(KeyId=key)["NextRotationDate"] for key in keys}
        _sweep_cut_short(roles, 100, len(due))
        for key in keys:
            rotations = client.list_key_rotations(KeyId=key)["Rotations"]
            assert [one["RotationType"] for one in rotations] == ["AUTOMATIC"] * (key in due)
            passed = client.get_key_rotation_status(KeyId=key)["NextRotationDate"] - day[key]
            assert passed.days == (90 if key in due else 0)
            old = client.decrypt(CiphertextBlob=blobs[key])
            new = client.decrypt(CiphertextBlob=client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"])
            assert old["Plaintext"] == new["Plaintext"] == SECRET
            assert (old["KeyMaterialId"] != new["KeyMaterialId"]) is (key in due)


def _sweep_cut_short(roles: RolesByHand, days: int, due: int) -> None:
    """Let a coordinator sweep days ahead that dies on both sides of each change that is due; then be back today."""
    _at(roles, later(days))
    with Undertaker(roles) as undertaker:
        undertaker.round(OF_SWEEP)
        begun = time.monotonic()
        while len(undertaker.deaths) < 2 * due:
            assert time.monotonic() - begun < PATIENCE, f"{undertaker.report()}\n{roles.logs()}"
            time.sleep(0.05)
    print(undertaker.report())  # noqa: T201 - which steps were hit
    assert undertaker.unexpected == []
    assert [death.point for death in undertaker.deaths] == ["before-key-change", "after-key-change"] * due
    _at(roles, PRESENT)
    roles.until_served()


def _at(roles: RolesByHand, program: tuple[str, ...]) -> None:
    """Start all roles anew, in the present or later."""
    roles.program = program
    for role in ROLES:
        roles.kill(role)
        roles.start(role)
