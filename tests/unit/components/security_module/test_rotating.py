"""Keys that are due are rotated by one real member, by the date in the sealed head and its own clock."""

import base64
import json

from keystead.core.domain.change_request import AddDomainKey
from keystead.core.keys.head import KeyHead, decode
from keystead.core.protocols.module_session.messages import DueRotated, Refused, RotateDue
from keystead.core.records import Change, KeyRecord
from keystead.errors import NotAMember
from keystead.identifiers import KeyId
from tests.simulators.modules import FrontEnd, ModuleDomain

DAY = 86_400_000
PLAIN = base64.b64encode(b"attack at dawn").decode()


class Rotating:
    """A domain with a key that rotates every 90 days."""

    def __init__(self) -> None:
        self.domain = ModuleDomain(2).with_key()
        self.front_end = FrontEnd(self.domain)
        self.key: KeyId = self.front_end.create()
        body = json.dumps({"KeyId": self.key, "RotationPeriodInDays": 90}).encode()
        assert self.front_end.one("EnableKeyRotation", body, self.record).code == ""

    def attach(self) -> None:
        """Have a new session: the last one ended with the days."""
        records, self.front_end = self.front_end.records, FrontEnd(self.domain)
        self.front_end.records = records

    @property
    def record(self) -> KeyRecord:
        """The key's record as it rests."""
        return self.front_end.records[self.key]

    def head(self) -> KeyHead:
        """What the sealed head says."""
        return decode(self.domain.hosts[0].module.vault.open_head(self.record.head))

    def rotate(self, *heads: bytes, host: int = 1) -> tuple[Change | None, ...]:
        """Return what a module answers."""
        answer = self.domain.hosts[host].ask(RotateDue(heads or (self.record.head,)))
        assert isinstance(answer, DueRotated)
        return answer.changes


def test_one_member_rotates_what_is_due_and_nothing_else() -> None:
    """In the order of the heads; a head that is no head is passed over, and the day is in its journal."""
    it = Rotating()
    other = it.front_end.create()
    heads = (b"no head", it.front_end.records[other].head, it.record.head)
    assert it.rotate(*heads) == (None, None, None)
    it.domain.clock.time += 90 * DAY
    nothing, neither, change = it.rotate(*heads)
    assert (nothing, neither) == (None, None)
    assert isinstance(change, Change)
    assert change.aliases == ()
    due = it.head().rotation_due
    it.front_end.apply(change)
    assert it.rotate() == (None,)
    (event,) = it.domain.hosts[1].journal.events("key rotated")
    assert (event["key"], event["due"]) == (it.key, due)


def test_a_member_whose_clock_is_behind_rotates_nothing() -> None:
    """It is asked again until its own clock agrees."""
    it = Rotating()
    it.domain.clock.time += 90 * DAY - 1
    assert it.rotate() == (None,)


def test_a_module_without_a_domain_refuses() -> None:
    """It has nothing to open heads with, and the next one is asked."""
    answer = ModuleDomain(1).hosts[0].ask(RotateDue((b"head",)))
    assert isinstance(answer, Refused)
    assert answer.number == NotAMember.number


def test_versions_survive_restarts_and_the_rotation_of_domain_keys() -> None:
    """What was sealed before the day, after it, and after a new domain key came, opens; the new version rests there."""
    it = Rotating()
    blobs = [it.front_end.answer("Encrypt", {"KeyId": it.key, "Plaintext": PLAIN}, it.record)["CiphertextBlob"]]
    for change in (False, True):
        it.domain.clock.time += 90 * DAY
        if change:
            it.domain.change(AddDomainKey())
        (made,) = it.rotate()
        assert isinstance(made, Change)
        assert {token.domain_key for token in made.keys[0].tokens} == {it.domain.state.newest}
        assert made.keys[0].head_domain_key == it.domain.state.newest
        it.front_end.apply(made)
        for host in it.domain.hosts:
            host.start()
        it.attach()
        blobs.append(it.front_end.answer("Encrypt", {"KeyId": it.key, "Plaintext": PLAIN}, it.record)["CiphertextBlob"])
    for blob in blobs:
        assert it.front_end.answer("Decrypt", {"CiphertextBlob": blob}, it.record)["Plaintext"] == PLAIN
    assert [version.kind for version in it.head().versions] == ["CREATED", "AUTOMATIC", "AUTOMATIC"]
