"""Shredding at real modules, against an attacker that has copied everything at every earlier point (paragraph 143)."""

import base64
import json
from dataclasses import dataclass, field

import pytest

from keystead.core.domain.change_request import AddDomainKey, DomainChange, DropDomainKey, RetireDomainKey
from keystead.core.protocols.aws_json.extension import DESCRIBE_SHREDDING, SHRED_KEY
from keystead.core.protocols.module_session.messages import Attached
from keystead.core.protocols.module_session.resealing import RestingKey, decode_resealed, encode_reseal
from keystead.core.records import KeyRecord, merged
from keystead.core.tokens.envelope import named_domain_key
from keystead.identifiers import DomainKeyId, KeyId, root_arn
from tests.simulators.attacker import Attacker
from tests.simulators.modules import ACCOUNT, FrontEnd, ModuleDomain

PLAIN = b"the recipe of the house"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": root_arn(ACCOUNT)},
            "Action": ["kms:*", "keystead:ShredKey"],
            "Resource": "*",
        }
    ],
}


@dataclass
class Life:
    """A domain, two customers' keys with something encrypted, and copies of everything at every point of their life."""

    domain: ModuleDomain = field(default_factory=lambda: ModuleDomain().with_key())
    disks: list[dict[str, bytes]] = field(default_factory=list)
    records: list[KeyRecord] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    marked: bool = False

    def __post_init__(self) -> None:
        self.front_end = FrontEnd(self.domain)
        self.old = self.domain.state.newest
        position = self.domain.hosts[0].module.installed._safe.position  # noqa: SLF001 - what is on its disk
        assert position is not None
        self.tokens.append(position.token)
        self.copy()
        self.shredded, self.kept = self.key(), self.key()
        self.ciphertexts = {key: self.encrypted(key) for key in (self.shredded, self.kept)}

    def key(self) -> KeyId:
        """Create a key of two versions that its owner may shred."""
        key = self.front_end.create()
        self.ask("PutKeyPolicy", key, PolicyName="default", Policy=json.dumps(POLICY))
        self.ask("RotateKeyOnDemand", key)
        return key

    def shred(self) -> None:
        """Mark the one key."""
        assert self.ask(SHRED_KEY, self.shredded)["ShreddingStatus"] == "SHRED_PENDING"
        self.marked = True

    def status(self) -> str:
        """Return how far its end is."""
        return self.ask(DESCRIBE_SHREDDING, self.shredded)["ShreddingStatus"]

    def encrypted(self, key: KeyId) -> bytes:
        """Encrypt with a key."""
        answer = self.ask("Encrypt", key, Plaintext=base64.b64encode(PLAIN).decode())
        return base64.b64decode(answer["CiphertextBlob"])

    def ask(self, operation: str, key: KeyId, **members: str) -> dict[str, str]:
        """Ask for an operation on a key, and copy everything afterwards."""
        body = json.dumps({"KeyId": key, **members}).encode()
        outcome = self.front_end.one(operation, body, self.front_end.records[key])
        assert outcome.code == "", (outcome.code, outcome.message)
        self.copy()
        answer: dict[str, str] = json.loads(bytes(outcome.body) or "{}")
        return answer

    def copy(self) -> None:
        """Copy every disk and the whole repository."""
        self.disks += [host.disk.snapshot() for host in self.domain.hosts]
        self.records += self.front_end.records.values()

    def change(self, asked: DomainChange) -> None:
        """Change the domain, and keep the token and copies from between each two steps."""
        token = self.domain.propose(asked)
        self.tokens.append(token)
        self.copy()
        self.domain.promises(token)
        self.copy()
        self.domain.install(token)
        self.copy()

    def reseal(self) -> None:
        """Seal everything anew under the newest domain key, as the coordinator has it done."""
        session = self.domain.session("carrier")
        peer = self.domain.hosts[0].peer()
        assert isinstance(peer.attach(session, self.domain.randomness.token(16)), Attached)
        for key, record in self.front_end.records.items():
            content = peer.exchange(peer.connection.seal(encode_reseal((RestingKey(record.head, record.tokens),))))
            assert isinstance(content, bytes)
            (outcome,) = decode_resealed(content).outcomes
            assert outcome.change is not None
            assert outcome.left_behind is bool(self.marked and key == self.shredded)
            self.front_end.records[key] = merged(record, outcome.change)
        self.copy()

    def rotate(self) -> None:
        """Seal everything anew under a new domain key, but for what is marked."""
        self.change(AddDomainKey())
        self.reseal()

    def drop(self, domain_key: DomainKeyId) -> None:
        """Take a domain key away."""
        self.change(RetireDomainKey(domain_key))
        self.domain.clock.time += self.domain.state.parameters.retirement
        offers = self.domain.offers(domain_key)
        self.copy()
        self.change(DropDomainKey(domain_key, offers, ()))
        records, self.front_end = self.front_end.records, FrontEnd(self.domain)
        self.front_end.records = records

    def attacker(self) -> Attacker:
        """Return an attacker with all copies, and with all that the disks and the memory of all members hold now.

        Of the root slots it has what they hold now, and nothing that they held before.
        """
        attacker = Attacker()
        for image in self.disks:
            attacker.take_disk(image, with_root_slots=False)
        for token in self.tokens:
            attacker.take_token(token)
        attacker.take_records(self.records)
        for host in self.domain.hosts:
            attacker.take_disk(host.disk.snapshot(), with_root_slots=True)
            attacker.take_memory(host.module)
        return attacker


@pytest.fixture
def life() -> Life:
    """Two keys, one of which was shredded; the domain key that both were made under is dropped."""
    life = Life()
    life.shred()
    life.rotate()
    life.drop(life.old)
    return life


@pytest.mark.requirement("CONS-25", "P21-18", "P21-19", "APISH-02", "APISH-05", "APISH-07")
def test_all_copies_together_open_every_key_but_the_one_that_was_shredded(life: Life) -> None:
    """Databases, tokens and disks of all earlier points, disks and memory of now: the kept one falls, this one not."""
    attacker = life.attacker()
    attacker.attack()
    assert attacker.decrypts(life.ciphertexts[life.kept]) == PLAIN
    assert attacker.decrypts(life.ciphertexts[life.shredded]) is None
    assert life.shredded not in attacker.materials
    assert life.old not in attacker.domain_keys
    assert life.status() == "SHRED_COMPLETE"


def test_an_old_image_of_one_file_slot_opens_it_again(life: Life) -> None:
    """What a receipt says of slots of the kind FILE is true, and the attacker above was a real one."""
    attacker = life.attacker()
    attacker.take_disk(life.disks[0], with_root_slots=True)
    attacker.attack()
    assert attacker.decrypts(life.ciphertexts[life.shredded]) == PLAIN
    assert life.old in attacker.domain_keys


def test_the_memory_of_one_member_opens_what_was_not_shredded(life: Life) -> None:
    """The attacker reads memory in earnest: without any disk it finds the keys that are in force."""
    attacker = Attacker()
    attacker.take_memory(life.domain.hosts[1].module)
    attacker.take_records(life.records)
    attacker.attack()
    assert set(attacker.materials) == {life.kept}


@pytest.mark.requirement("CONS-25", "P21-18")
def test_before_the_drop_the_disks_of_one_member_open_it() -> None:
    """Marking and leaving behind alone take nothing from who holds the domain key."""
    life = Life()
    life.shred()
    life.rotate()
    life.change(RetireDomainKey(life.old))
    attacker = life.attacker()
    attacker.attack()
    assert attacker.decrypts(life.ciphertexts[life.shredded]) == PLAIN


@pytest.mark.requirement("CONS-24", "P21-09", "P21-18", "CL-34", "CL-35")
def test_a_marked_key_is_left_behind_and_nothing_else(life: Life) -> None:
    """Its head says so under the new domain key; the kept key works, its tokens alone moved."""
    shredded, kept = (life.front_end.records[key] for key in (life.shredded, life.kept))
    assert named_domain_key(shredded.head) == named_domain_key(kept.head) == life.domain.state.newest
    assert {named_domain_key(token) for token in shredded.tokens.values()} == {life.old}
    assert {named_domain_key(token) for token in kept.tokens.values()} == {life.domain.state.newest}
    answer = life.ask("Decrypt", life.kept, CiphertextBlob=base64.b64encode(life.ciphertexts[life.kept]).decode())
    assert base64.b64decode(answer["Plaintext"]) == PLAIN


@pytest.mark.requirement("CONS-25", "P21-19")
def test_a_domain_key_that_it_rested_under_before_is_waited_for() -> None:
    """It was sealed anew before it was marked: copies from before that open with the first domain key, so it counts."""
    life = Life()
    life.rotate()
    second = life.domain.state.newest
    life.shred()
    life.rotate()
    life.drop(second)
    attacker = life.attacker()
    attacker.attack()
    assert (attacker.decrypts(life.ciphertexts[life.shredded]), life.status()) == (PLAIN, "SHRED_PENDING")
    life.drop(life.old)
    attacker = life.attacker()
    attacker.attack()
    assert (attacker.decrypts(life.ciphertexts[life.shredded]), life.status()) == (None, "SHRED_COMPLETE")
