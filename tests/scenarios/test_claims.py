"""Claims 1, 2, 3, 4, 7, 13, 14, 15, 16, 17 and 20, element by element, as one story with real processes over HTTP.

The story is told once: keys are made over the API, one is shredded; the domain key is rotated; the old one is dropped.
What was seen on the way is held against each element.
"""

import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from keystead.components.cryptography_service.records_cache import STALENESS
from keystead.core.domain.change_request import RetireDomainKey
from keystead.core.domain.state import DomainState, Standing
from keystead.core.protocols.rotation import Action, RotationStatus
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import DropDenied, Refusal
from keystead.transport.sql import connect_to_read
from tests.acceptance.by_hand import PATIENCE, RolesByHand, by_hand
from tests.acceptance.governor import Governor

pytestmark = pytest.mark.slow

SECRET = b"attack at dawn"
KEYS = 12
ROOT = "arn:aws:iam::000000000000:root"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": ["kms:*", "keystead:ShredKey"], "Resource": "*"}
    ],
}


@dataclass(frozen=True)
class Copy:
    """One key's record as the repository has it, to be put back by who holds the repository."""

    head: tuple[bytes, bytes, bytes]
    tokens: tuple[tuple[bytes, bytes, int], ...]


@dataclass
class Story:
    """What was seen, in the order in which it was."""

    roles: RolesByHand
    governor: Governor
    keys: list[str] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    marked: str = ""
    states: dict[str, DomainState] = field(default_factory=dict)
    statuses: dict[str, RotationStatus] = field(default_factory=dict)
    homes: dict[str, dict[str, set[bytes]]] = field(default_factory=dict)
    """At each moment, for each key, the domain keys that its head and its tokens say they rest under."""
    denied: list[str] = field(default_factory=list)
    copies: dict[str, Copy] = field(default_factory=dict)
    """Of every key, as its record was in the beginning."""
    refused: dict[str, bool] = field(default_factory=dict)
    """At each moment, whether a module refused to open what rests under the old domain key."""

    def see(self, moment: str) -> None:
        """Take down how everything is now."""
        self.states[moment] = self.governor.state
        self.statuses[moment] = self.governor.status()
        reader = connect_to_read(self.roles.data / "repository.sqlite")
        rows = reader.execute("SELECT key_id, token FROM key_tokens").fetchall()
        reader.close()
        homes: dict[str, set[bytes]] = {}
        for key, token in rows:
            homes.setdefault(key, set()).add(named_domain_key(token))
        self.homes[moment] = homes

    def opens(self, key: str) -> bool:
        """Whether the ciphertext from the beginning opens."""
        client = self.roles.client(retries={"total_max_attempts": 1})
        return bool(client.decrypt(CiphertextBlob=self.blobs[key])["Plaintext"] == SECRET)

    def try_old_record(self, moment: str) -> None:
        """Put the first key's record of the beginning back for a moment, and take down whether it was refused.

        The record is a valid one: while the modules open under the old domain key, they decrypt by it.
        """
        key = self.keys[0]
        present = self.copied(key)
        self.put_back(key, self.copies[key])
        try:
            time.sleep(STALENESS + 0.2)  # a front end may use what it kept for so long
            self.refused[moment] = self._is_refused(key)
        finally:
            self.put_back(key, present)
            time.sleep(STALENESS + 0.2)

    def _is_refused(self, key: str) -> bool:
        try:
            return not self.opens(key)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "KMSInternalException")

    def copied(self, key: str) -> Copy:
        """Return a key's record as it rests."""
        with closing(connect_to_read(self.roles.data / "repository.sqlite")) as reader:
            (head,) = reader.execute("SELECT head, head_hash, head_domain_key FROM keys WHERE key_id = ?", (key,))
            tokens = reader.execute("SELECT token, domain_key, version FROM key_tokens WHERE key_id = ?", (key,))
            return Copy(head, tuple(tokens))

    def put_back(self, key: str, copy: Copy) -> None:
        """Write a record as who holds the repository can, past every fence."""
        with closing(sqlite3.connect(self.roles.data / "repository.sqlite")) as writer, writer:
            set_head = "UPDATE keys SET head = ?, head_hash = ?, head_domain_key = ? WHERE key_id = ?"
            writer.execute(set_head, (*copy.head, key))
            set_token = "UPDATE key_tokens SET token = ?, domain_key = ? WHERE version = ? AND key_id = ?"
            writer.executemany(set_token, [(*token, key) for token in copy.tokens])

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Return the answer to a request that AWS's clients do not know, signed as theirs are."""
        environment = self.roles.environment
        credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Keystead.{operation}"}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.roles.port}/", headers, json.dumps(members).encode())
        SigV4Auth(credentials, "kms", environment["AWS_DEFAULT_REGION"]).add_auth(request)
        sent = urllib.request.Request(str(request.url), request.data, dict(request.headers))  # noqa: S310 - this host
        with urllib.request.urlopen(sent) as answer:  # noqa: S310 - this host
            body: dict[str, Any] = json.loads(answer.read())
        return body

    def until(self, reached: Callable[[RotationStatus], bool]) -> None:
        """Return as soon as the rotation is that far."""
        begun = time.monotonic()
        while not reached(self.governor.status()):
            assert time.monotonic() - begun < PATIENCE, (self.governor.status(), self.roles.logs())
            time.sleep(0.1)

    def deny(self, ask: Callable[[], None]) -> None:
        """Take down that a change of the domain is refused, and why."""
        with pytest.raises(Refusal) as denied:
            ask()
        self.denied.append(f"{type(denied.value).__name__}: {denied.value}")

    @property
    def old(self) -> bytes:
        """The domain key that was the newest in the beginning."""
        return self.states["beginning"].newest

    @property
    def new(self) -> bytes:
        """The domain key that the rotation added."""
        return self.states["moved"].newest


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Tell the story."""
    with by_hand(tmp_path_factory.mktemp("keystead") / "data", rotation_settle=4) as roles:
        told = Story(roles, Governor(roles))
        _make_keys(told)
        told.see("beginning")
        _move(told)
        _retire(told)
        _drop(told)
        yield told


def _make_keys(story: Story) -> None:
    client = story.roles.client()
    for _ in range(KEYS):
        key = client.create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["KeyId"]
        story.keys.append(key)
        story.blobs[key] = client.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    story.marked = story.keys.pop()
    story.call("ShredKey", KeyId=story.marked)
    story.governor.keep_retired_for(0)
    story.copies = {key: story.copied(key) for key in story.keys}


def _move(story: Story) -> None:
    story.roles.kill("module-2")
    story.governor.order(Action.BEGIN)
    time.sleep(1.5)
    story.see("waiting")
    story.roles.start("module-2")
    story.until(lambda status: status.stage == "resealed")
    story.see("moved")
    story.try_old_record("moved")
    story.deny(lambda: story.governor.change(RetireDomainKey(story.new)))
    story.deny(lambda: story.governor.drop(story.old))


def _retire(story: Story) -> None:
    story.until(lambda status: status.stage == "retired")
    story.see("retired")
    story.try_old_record("retired")
    story.until(lambda status: any(one.domain_key == story.old and one.refusals for one in status.counts))
    story.see("refused")
    story.deny(lambda: story.governor.drop(story.old))
    story.governor.order(Action.WAIVE_BACKUP)


def _drop(story: Story) -> None:
    story.until(lambda status: not status.obstacles)
    story.governor.drop(story.old)
    story.until(lambda status: status.stage == "dropped")
    story.see("dropped")
    story.try_old_record("dropped")


@pytest.mark.requirement("CL-01", "CL-02", "CL-21", "P21-04")
def test_claim_1a_1b_7a_a_first_change_adds_a_domain_key(story: Story) -> None:
    """The processes run from instructions; the order leads to a domain of one more key, whose id is new."""
    assert [entry.id for entry in story.states["beginning"].domain_keys] == [story.old]
    assert [entry.id for entry in story.states["moved"].domain_keys] == [story.old, story.new]
    assert story.new != story.old


@pytest.mark.requirement("CL-10", "CL-11", "CL-42", "P21-05", "P21-23")
def test_claim_2_and_17_the_update_reaches_a_plurality_of_modules_first(story: Story) -> None:
    """Two modules have the new key before any customer key moves; the old one is rotated before the end."""
    assert len(story.states["moved"].members) == 2
    waiting = story.statuses["waiting"]
    assert (waiting.stage, waiting.done) == ("planned", 0)
    assert all(homes == {story.old} for homes in story.homes["waiting"].values())


@pytest.mark.requirement("CL-12", "CL-13", "P21-06")
def test_claim_3_an_update_that_failed_leads_to_a_further_process(story: Story) -> None:
    """A module is missing: that is found and told of, and the update goes on when the module is back."""
    log = (story.roles.data / "logs" / "coordinator.log").read_text()
    assert '"event": "module_troubled"' in log
    assert story.statuses["moved"].stage == "resealed"


@pytest.mark.requirement("CL-03", "CL-22", "P21-07", "P21-08")
def test_claim_1c_7b_the_keys_under_the_old_domain_key_are_listed(story: Story) -> None:
    """Each of them, after the key was added and before the process ended: each was moved, or found to be marked."""
    before = {key for key, homes in story.homes["beginning"].items() if homes == {story.old}}
    assert before == {*story.keys, story.marked}
    assert story.statuses["moved"].done == len(before)


@pytest.mark.requirement("CL-04", "CL-05", "CL-06", "CL-07", "CL-23", "CL-39", "CL-40", "P21-11", "P21-12", "P21-13")
def test_claim_1d_to_1g_keys_that_are_not_marked_are_moved_and_usable(story: Story) -> None:
    """A module sealed them under the new domain key; the key repository has them; they decrypt what they encrypted."""
    for key in story.keys:
        assert story.homes["moved"][key] == {story.new}
        assert story.opens(key)


@pytest.mark.requirement("CL-14", "CL-20", "CL-37", "CL-38", "CL-43")
def test_claim_4_14_and_17_a_module_opens_with_the_old_key_and_seals_with_the_new(story: Story) -> None:
    """It alone holds both: the material is the same, for the ciphertexts open, and its token is another."""
    assert all(story.homes["beginning"][key] == {story.old} for key in story.keys)
    assert all(story.homes["moved"][key] == {story.new} for key in story.keys)
    counts = {one.domain_key: one for one in story.statuses["retired"].counts}
    assert counts[story.old].operations > 0
    assert counts[story.new].operations > 0


@pytest.mark.requirement("CL-34", "CL-35", "CL-36", "P21-09", "P21-10", "CONS-20", "CONS-21", "CONS-24")
def test_claim_13_a_key_that_is_marked_to_be_shredded_is_skipped(story: Story) -> None:
    """Marked by an API call, it stays under the old domain key, and the others are looked at all the same."""
    assert story.homes["moved"][story.marked] == {story.old}
    assert story.statuses["moved"].left_behind == 1
    assert story.statuses["moved"].left == 0


@pytest.mark.requirement("CL-09", "CL-25", "CL-41", "P21-03")
def test_claim_1i_7e_16b_the_old_domain_key_is_unusable_since_the_new_one_is_newer(story: Story) -> None:
    """A request that encrypts rests under the new key alone; retired, the old one is refused, and that is recorded."""
    assert (story.refused["moved"], story.refused["retired"]) == (False, True)
    counts = {one.domain_key: one.refusals for one in story.statuses["refused"].counts}
    assert counts[story.old] > 0
    assert counts[story.new] == 0
    entries = {entry.id: entry for entry in story.states["retired"].domain_keys}
    assert entries[story.old].since < entries[story.new].since
    assert entries[story.old].standing is Standing.RETIRED
    created = story.roles.client().create_key()["KeyMetadata"]["KeyId"]
    story.see("created")
    assert story.homes["created"][created] == {story.new}
    reader = connect_to_read(story.roles.data / "repository.sqlite")
    assert reader.execute("SELECT writable FROM domain_keys WHERE id = ?", (story.old,)).fetchone() == (0,)


def test_a_domain_key_that_is_needed_is_neither_retired_nor_dropped(story: Story) -> None:
    """The newest is never retired; the old one is not dropped before that, nor without a backup or a waiver."""
    newest, active, retired = story.denied
    assert newest.startswith("StateMismatch")
    assert active.startswith(("StateMismatch", "DropDenied"))
    assert retired == f"{DropDenied.__name__}: no backup is newer than the last key that was sealed anew"


@pytest.mark.requirement("CL-08", "CL-24", "CL-41", "P21-14")
def test_claim_1h_7d_16b_a_second_change_removes_the_old_domain_key(story: Story) -> None:
    """After the first was complete, by a token of its own; the domain has the new key alone."""
    assert story.states["dropped"].version > story.states["retired"].version > story.states["moved"].version
    assert [entry.id for entry in story.states["dropped"].domain_keys] == [story.new]
    assert [one.id for one in story.states["dropped"].dropped] == [story.old]
    assert all(story.opens(key) for key in story.keys)


@pytest.mark.requirement("CL-47", "P21-15", "P21-18", "CONS-25")
def test_claim_20_a_module_that_ingests_the_token_loses_the_old_domain_key(story: Story) -> None:
    """What it opened under the old one before, it refuses now, after a restart too; it says how many keys it has."""
    assert not story.refused["moved"]
    assert story.refused["dropped"]
    for module in ("module-1", "module-2"):
        log = (story.roles.data / "logs" / f"{module}.log").read_text()
        installed = [json.loads(line) for line in log.splitlines() if '"event":"domain installed"' in line]
        assert installed[-1]["keys"] == 1
        story.roles.kill(module)
        story.roles.start(module)
    story.roles.until_served()
    story.try_old_record("restarted")
    assert story.refused["restarted"]
    assert all(story.opens(key) for key in story.keys)


@pytest.mark.requirement("P21-19", "P21-20")
def test_whether_a_key_is_shredded_is_told_on_request(story: Story) -> None:
    """The domain key under which its material rests was dropped."""
    told = story.call("DescribeShredding", KeyId=story.marked)
    assert told["ShreddingStatus"] == "SHRED_COMPLETE"
