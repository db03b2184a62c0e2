"""Records sealed anew by a real module: the same content under the newest domain key, for the coordinator alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from keystead.core.domain.change_request import AddDomainKey, RetireDomainKey
from keystead.core.keys.head import KeyHead, decode, encode
from keystead.core.protocols.module_session.messages import Attached, Refused
from keystead.core.protocols.module_session.resealing import (
    MAX_RECORDS,
    ResealedKey,
    RestingKey,
    decode_resealed,
    decode_usages,
    encode_reseal,
    encode_usage_request,
)
from keystead.core.records import KeyChange, KeyRecord, merged
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import FormatError, MayNotReseal, RecordError, Refusal
from keystead.identifiers import DomainKeyId, KeyId
from keystead.primitives.digest import sha256
from tests.simulators.modules import FrontEnd, ModuleDomain, Peer

PLAIN = "YXR0YWNrIGF0IGRhd24="


@dataclass
class Rotation:
    """A domain between its two changes: one key was made, encrypted with, rotated, before the new domain key came."""

    domain: ModuleDomain
    front_end: FrontEnd
    carrier: Peer
    key: KeyId
    blob: str
    old: DomainKeyId
    new: DomainKeyId

    @property
    def record(self) -> KeyRecord:
        """The key's record as it rests."""
        return self.front_end.records[self.key]

    @property
    def resting(self) -> RestingKey:
        """What the coordinator sends of it."""
        return RestingKey(self.record.head, self.record.tokens)

    def head(self) -> KeyHead:
        """What the sealed head says."""
        return decode(self.domain.hosts[0].module.vault.open_head(self.record.head))

    def ask(self, content: bytes) -> bytes | Refused:
        """Return the module's answer to the coordinator."""
        return self.carrier.exchange(self.carrier.connection.seal(content))

    def reseal(self, *records: RestingKey) -> tuple[ResealedKey, ...]:
        """Return the outcomes."""
        answer = self.ask(encode_reseal(records))
        assert isinstance(answer, bytes), answer
        return decode_resealed(answer).outcomes

    def apply(self, change: KeyChange) -> None:
        """Store what was sealed anew."""
        self.front_end.records[self.key] = merged(self.record, change)

    def mark(self, **fields: object) -> None:
        """Have the head say something else, as a module would write it, under the old domain key again."""
        vault = self.domain.hosts[0].module.vault
        head = msgspec.structs.replace(self.head(), **fields)
        current = self.domain.hosts[0].module.installed.current
        vault.hold(current.keys, self.old, frozenset())
        sealed = vault.seal_head(encode(head))
        vault.hold(current.keys, self.new, frozenset())
        self.front_end.records[self.key] = msgspec.structs.replace(self.record, head=sealed.head)

    def describe(self) -> None:
        """Change the key by a customer's request."""
        body = json.dumps({"KeyId": self.key, "Description": "x"}).encode()
        assert self.front_end.one("UpdateKeyDescription", body, self.record).code == ""

    def decrypts(self) -> bool:
        """Whether the module decrypts what was encrypted before the rotation."""
        answer = self.front_end.answer("Decrypt", {"CiphertextBlob": self.blob}, self.record)
        return bool(answer["Plaintext"] == PLAIN)


def attached(domain: ModuleDomain, name: str) -> Peer:
    """Return an operator's connection with a session."""
    session = domain.session(name)
    peer = domain.hosts[0].peer()
    assert isinstance(peer.attach(session, domain.randomness.token(16)), Attached)
    return peer


@pytest.fixture
def rotation() -> Rotation:
    """A new domain of one module, between the two changes."""
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain)
    key = front_end.create()
    blob = front_end.answer("Encrypt", {"KeyId": key, "Plaintext": PLAIN}, front_end.records[key])["CiphertextBlob"]
    front_end.answer("RotateKeyOnDemand", {"KeyId": key}, front_end.records[key])
    old = domain.state.newest
    domain.install(domain.propose(AddDomainKey()))
    return Rotation(domain, front_end, attached(domain, "carrier"), key, blob, old, domain.state.newest)


def domain_keys(record: KeyRecord) -> set[DomainKeyId]:
    """Return the domain keys that a record rests under."""
    tokens = {named_domain_key(token) for token in record.tokens.values()}
    return tokens | {named_domain_key(record.head)}


@pytest.mark.requirement("P21-12", "CL-06", "CL-14", "CL-20", "CL-37", "CL-38", "CL-43")
def test_all_of_a_key_moves_under_the_newest_domain_key(rotation: Rotation) -> None:
    """Head and every version's token are under the new one; the head says the same but for the tokens' digests."""
    before, head = rotation.record, rotation.head()
    assert domain_keys(before) == {rotation.old}
    (outcome,) = rotation.reseal(rotation.resting)
    assert outcome.change is not None
    assert outcome.change.replaces == sha256(before.head)
    assert outcome.change.attachments == {}
    rotation.apply(outcome.change)
    assert domain_keys(rotation.record) == {rotation.new}
    after = rotation.head()
    digests = [sha256(rotation.record.tokens[number]) for number in (1, 2)]
    assert [version.token for version in after.versions] == digests
    versions = tuple(
        msgspec.structs.replace(now, token=then.token) for now, then in zip(after.versions, head.versions, strict=True)
    )
    assert msgspec.structs.replace(after, versions=versions) == head
    assert after.generation == head.generation
    assert rotation.decrypts()


@pytest.mark.requirement("P21-03", "CONS-18")
def test_a_frame_tells_whether_the_module_had_customers_meanwhile(rotation: Rotation) -> None:
    """How many of their items it did since the frame before, and nothing about them."""

    def meanwhile() -> int:
        answer = rotation.ask(encode_reseal((rotation.resting,)))
        assert isinstance(answer, bytes)
        return decode_resealed(answer).meanwhile

    assert meanwhile() > 0
    assert meanwhile() == 0
    assert rotation.decrypts()
    rotation.describe()
    assert (meanwhile(), meanwhile()) == (2, 0)


def test_before_and_after_a_key_is_used_under_either_domain_key(rotation: Rotation) -> None:
    """The old one opens and never seals: what is written between the changes is under the new one."""
    assert rotation.decrypts()
    rotation.describe()
    assert named_domain_key(rotation.record.head) == rotation.new
    assert domain_keys(rotation.record) == {rotation.old, rotation.new}
    assert rotation.decrypts()
    fresh = rotation.front_end.create()
    assert domain_keys(rotation.front_end.records[fresh]) == {rotation.new}


def test_a_key_with_a_new_head_and_old_tokens_is_finished(rotation: Rotation) -> None:
    """A change between the two changes of the domain moved its head alone."""
    rotation.describe()
    (outcome,) = rotation.reseal(rotation.resting)
    assert outcome.change is not None
    rotation.apply(outcome.change)
    assert domain_keys(rotation.record) == {rotation.new}
    assert rotation.decrypts()


def test_what_is_under_the_newest_is_left_as_it_is(rotation: Rotation) -> None:
    """Nothing is written a second time."""
    (outcome,) = rotation.reseal(rotation.resting)
    assert outcome.change is not None
    rotation.apply(outcome.change)
    assert rotation.reseal(rotation.resting) == (ResealedKey(),)


@pytest.mark.requirement("P21-09", "CL-34", "CL-35", "CONS-24")
def test_the_tokens_of_a_key_marked_for_shredding_are_left_behind(rotation: Rotation) -> None:
    """Its head moves, so that its state can be told; the material does not."""
    rotation.mark(shredded=1)
    tokens, head = rotation.record.tokens, rotation.head()
    (outcome,) = rotation.reseal(rotation.resting)
    assert outcome.left_behind
    assert outcome.change is not None
    assert outcome.change.tokens == ()
    rotation.apply(outcome.change)
    assert rotation.record.tokens == tokens
    assert rotation.head() == head
    assert named_domain_key(rotation.record.head) == rotation.new
    assert rotation.reseal(rotation.resting) == (ResealedKey(left_behind=True),)


def _changed_head(resting: RestingKey) -> RestingKey:
    return RestingKey(resting.head[:-1] + bytes((resting.head[-1] ^ 1,)), resting.tokens)


def _lacking_a_token(resting: RestingKey) -> RestingKey:
    return RestingKey(resting.head, {1: resting.tokens[1]})


def _swapped_tokens(resting: RestingKey) -> RestingKey:
    return RestingKey(resting.head, {1: resting.tokens[2], 2: resting.tokens[1]})


def _without_tokens(resting: RestingKey) -> RestingKey:
    return RestingKey(resting.head, {})


@pytest.mark.parametrize("spoil", [_changed_head, _lacking_a_token, _swapped_tokens, _without_tokens])
def test_a_bad_record_fails_alone(rotation: Rotation, spoil: Callable[[RestingKey], RestingKey]) -> None:
    """Whatever a lying coordinator or repository makes of a record, it is refused and the others are sealed."""
    bad, good = rotation.reseal(spoil(rotation.resting), rotation.resting)
    assert bad == ResealedKey(refused=RecordError.number)
    assert isinstance(bad.error(), RecordError)
    assert good.change is not None


def test_a_record_under_an_unknown_domain_key_is_refused(rotation: Rotation) -> None:
    """As one of another domain would be."""
    head = rotation.record.head
    (outcome,) = rotation.reseal(RestingKey(head[:2] + bytes(16) + head[18:], rotation.record.tokens))
    assert outcome.refused == RecordError.number


@pytest.mark.parametrize("name", ["front-end", "voucher", "officer"])
@pytest.mark.parametrize("what", [encode_usage_request, lambda: encode_reseal(())])
def test_nobody_but_the_carrier_has_records_sealed_anew(
    rotation: Rotation, name: str, what: Callable[[], bytes]
) -> None:
    """The refusal is one of its own, and the connection ends."""
    peer = attached(rotation.domain, name)
    answer = peer.exchange(peer.connection.seal(what()))
    assert isinstance(answer, Refused)
    assert answer.number == MayNotReseal.number


def test_too_many_records_are_refused(rotation: Rotation) -> None:
    """A frame that would keep the module busy for long is no frame."""
    answer = rotation.ask(encode_reseal((rotation.resting,) * (MAX_RECORDS + 1)))
    assert isinstance(answer, Refused)
    assert answer.number == FormatError.number


@pytest.mark.parametrize("content", [b"\x02", b"\x02\x91", b"\x02\x91\x90\x00", b"\x03\x90", b"\x04\x90"])
def test_what_is_no_request_in_its_one_form_is_refused(rotation: Rotation, content: bytes) -> None:
    """Truncated, with something behind it, or of an unknown kind."""
    answer = rotation.ask(content)
    assert isinstance(answer, Refused)
    assert answer.number == FormatError.number


@pytest.mark.requirement("CKEY-04")
def test_a_module_counts_what_it_does_under_each_domain_key(rotation: Rotation) -> None:
    """One opening of a token more, one operation more; under the domain key that it rests under."""

    def counted() -> dict[bytes, int]:
        answer = rotation.ask(encode_usage_request())
        assert isinstance(answer, bytes)
        return {one.domain_key: one.operations for one in decode_usages(answer).usages}

    rotation.decrypts()
    before = counted()
    rotation.decrypts()
    after = counted()
    assert after[rotation.old] == before[rotation.old] + 1
    assert after.get(rotation.new, 0) == before.get(rotation.new, 0)


def test_what_rests_under_a_retired_domain_key_is_refused_and_counted(rotation: Rotation) -> None:
    """For the coordinator as for customers; the count goes to the coordinator."""
    rotation.domain.install(rotation.domain.propose(RetireDomainKey(rotation.old)))
    rotation.carrier = attached(rotation.domain, "carrier")
    (outcome,) = rotation.reseal(rotation.resting)
    assert outcome.refused == RecordError.number
    answer = rotation.ask(encode_usage_request())
    assert isinstance(answer, bytes)
    assert {one.domain_key: one.refusals for one in decode_usages(answer).usages}[rotation.old] == 1


def test_a_refusal_keeps_its_kind() -> None:
    """Whoever asks can tell why."""
    assert type(ResealedKey(refused=1_000_000).error()) is Refusal
