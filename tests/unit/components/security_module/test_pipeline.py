"""Items through the stages of a real module: what a hostile front end, voucher or repository tries obtains nothing."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.domain.change_request import RemoveOperator
from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.protocols.proof import LIFETIME, Prover
from keystead.core.records import KeyRecord
from keystead.errors import FormatError, KeysteadError
from keystead.identifiers import KeyId, key_arn
from keystead.primitives.digest import sha256
from tests.simulators.modules import ACCOUNT, REGION, FrontEnd, ModuleDomain

INTERNAL = "KMSInternalException"
SECRET = b"attack at dawn, by the river"


@dataclass
class Service:
    """A front end with two keys."""

    domain: ModuleDomain
    front_end: FrontEnd
    key: KeyId
    other: KeyId

    @property
    def record(self) -> KeyRecord:
        """The first key's record."""
        return self.front_end.records[self.key]

    @property
    def arn(self) -> str:
        """The first key's ARN."""
        return key_arn(REGION, ACCOUNT, self.key)

    @property
    def body(self) -> bytes:
        """A request to encrypt under the first key."""
        return json.dumps({"KeyId": self.key, "Plaintext": base64.b64encode(SECRET).decode()}).encode()

    def refusals(self) -> list[str]:
        """Return the kinds of what was refused and journalled."""
        return [event["kind"] for event in self.domain.hosts[0].journal.events("items refused")]


@pytest.fixture
def service() -> Service:
    """A new domain of one module."""
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain)
    return Service(domain, front_end, front_end.create(), front_end.create())


@pytest.mark.requirement("SECM-08", "P25-06", "P25-07", "P25-08", "P25-09", "CONS-16", "DOM-11")
def test_what_is_encrypted_is_decrypted(service: Service) -> None:
    """The ciphertext comes back as the plaintext, with the digest of each request in its outcome."""
    outcome = service.front_end.one("Encrypt", service.body, service.record)
    assert outcome.request == sha256(service.body)
    blob = json.loads(bytes(outcome.body))["CiphertextBlob"]
    answer = service.front_end.answer("Decrypt", {"CiphertextBlob": blob}, service.record)
    assert base64.b64decode(answer["Plaintext"]) == SECRET


def _expired(service: Service) -> Item:
    item = service.front_end.item("Encrypt", service.body, service.record)
    service.domain.clock.time += LIFETIME
    return item


def _forged(service: Service) -> Item:
    front_end = service.front_end
    proof = Prover(bytes(32)).prove(front_end.claims("Encrypt", service.body))
    return Item(proof, 0, service.body, (service.record,))


def _other_audience(service: Service) -> Item:
    audience = service.domain.operators["other-front-end"].id
    return service.front_end.item("Encrypt", service.body, service.record, audience=audience)


def _other_body(service: Service) -> Item:
    item = service.front_end.item("Encrypt", service.body, service.record)
    return msgspec.structs.replace(item, body=service.body.replace(b'"Plaintext"', b'"Plaintext" '))


def _swapped_record(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body, service.front_end.records[service.other])


def _swapped_token(service: Service) -> Item:
    other = service.front_end.records[service.other]
    return service.front_end.item("Encrypt", service.body, msgspec.structs.replace(service.record, tokens=other.tokens))


def _changed_head(service: Service) -> Item:
    head = service.record.head
    return service.front_end.item(
        "Encrypt", service.body, msgspec.structs.replace(service.record, head=head[:-1] + bytes((head[-1] ^ 1,)))
    )


def _changed_policy(service: Service) -> Item:
    attachments = service.record.attachments | {"policy": b"{}"}
    return service.front_end.item(
        "Encrypt", service.body, msgspec.structs.replace(service.record, attachments=attachments)
    )


def _no_policy(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body, msgspec.structs.replace(service.record, attachments={}))


def _no_token(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body, msgspec.structs.replace(service.record, tokens={}))


def _no_record(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body)


def _record_too_many(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body, service.record, service.front_end.records[service.other])


def _strange_principal(service: Service) -> Item:
    return service.front_end.item("Encrypt", service.body, service.record, principal="nobody")


HOSTILE: dict[str, tuple[Callable[[Service], Item], str]] = {
    "expired proof": (_expired, "ProofExpired"),
    "forged proof": (_forged, "ProofForged"),
    "another front end's proof": (_other_audience, "WrongAudience"),
    "another body": (_other_body, "WrongBody"),
    "another key's record": (_swapped_record, "RecordError"),
    "another key's token": (_swapped_token, "RecordError"),
    "changed head": (_changed_head, "RecordError"),
    "changed policy": (_changed_policy, "RecordError"),
    "policy left out": (_no_policy, "RecordError"),
    "token left out": (_no_token, "RecordError"),
    "record left out": (_no_record, "RecordError"),
    "record too many": (_record_too_many, "RecordError"),
    "principal that cannot ask": (_strange_principal, "FormatError"),
}


@pytest.mark.requirement("SECM-20", "SECM-24", "SECM-25")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_item_obtains_nothing_and_harms_no_other(name: str, service: Service) -> None:
    """It fails closed, without detail, journalled as its own kind of refusal; the others of its frame are served."""
    make, kind = HOSTILE[name]
    hostile = make(service)
    good = service.front_end.item("Encrypt", service.body, service.record)
    outcomes = service.front_end.ask(good, hostile, good)
    assert [outcome.code for outcome in outcomes] == ["", INTERNAL, ""]
    assert outcomes[1] == Outcome(sha256(hostile.body), INTERNAL, None, b"")
    assert service.refusals() == [kind]


def test_the_proven_action_is_the_one_that_is_done(service: Service) -> None:
    """A body that was signed for one operation is not executed as another: the action is in the proof."""
    item = service.front_end.item("DisableKey", json.dumps({"KeyId": service.key}).encode(), service.record)
    (outcome,) = service.front_end.ask(item)
    assert outcome.code == ""
    assert outcome.change is not None
    other = service.front_end.one("NoSuchOperation", b"{}")
    assert other.code != ""
    assert other.change is None


def test_errors_of_the_service_are_told_to_the_caller(service: Service) -> None:
    """A request that the service refuses has the service's own code and message."""
    codes = {
        "SerializationException": service.front_end.one("Encrypt", b'{"KeyId": 1}', service.record),
        "ValidationException": service.front_end.one("Encrypt", b"{}", service.record),
        "AccessDeniedException": service.front_end.one(
            "Encrypt",
            service.body.replace(service.key.encode(), service.arn.encode()),
            service.record,
            account="444455556666",
            principal="arn:aws:iam::444455556666:root",
        ),
    }
    assert [outcome.code for outcome in codes.values()] == list(codes)
    assert all(outcome.message for outcome in codes.values())
    assert service.refusals() == []


def test_a_frame_of_refusals_is_told_in_one_line(service: Service) -> None:
    """A front end that sends many bad items does not fill the journal."""
    service.front_end.ask(*[_forged(service) for _ in range(64)])
    (event,) = service.domain.hosts[0].journal.events("items refused")
    assert (event["kind"], event["count"]) == ("ProofForged", 64)


def _without_permission(service: Service) -> tuple[bytes, ...]:
    return (service.front_end.session.operator_key_token,)


def _garbage(_: Service) -> tuple[bytes, ...]:
    return (b"garbage",)


def _removed(service: Service) -> tuple[bytes, ...]:
    service.domain.install(service.domain.propose(RemoveOperator(service.domain.operators["voucher"].id)))
    return (service.front_end.voucher.operator_key_token,)


@pytest.mark.parametrize("vouchers", [_without_permission, _garbage, _removed])
def test_only_an_installed_voucher_is_believed(
    vouchers: Callable[[Service], tuple[bytes, ...]], service: Service
) -> None:
    """A front end cannot vouch for itself, garbage vouches for nothing, and a removed voucher is not believed."""
    item = service.front_end.item("Encrypt", service.body, service.record)
    (outcome,) = service.front_end.ask(item, vouchers=vouchers(service))
    assert outcome.code == INTERNAL
    assert service.refusals() == ["UnknownVoucher"]


def test_a_voucher_whose_session_has_expired_is_not_believed(service: Service) -> None:
    """The voucher's session ends for its proofs too, though the token was opened before."""
    front_end, domain = service.front_end, service.domain
    item = front_end.item("Encrypt", service.body, service.record)
    assert front_end.ask(item)[0].code == ""
    domain.clock.time = front_end.voucher.expires
    front_end.session = domain.session("front-end")
    front_end.peer = front_end.connect(0)
    late = front_end.item("Encrypt", service.body, service.record)
    assert front_end.ask(late)[0].code == INTERNAL
    assert service.refusals() == ["UnknownVoucher"]


def test_a_proof_changes_a_key_once(service: Service) -> None:
    """The same proven request on the record that it made is refused as replayed."""
    body = json.dumps({"KeyId": service.key, "Description": "once"}).encode()
    claims = service.front_end.claims("UpdateKeyDescription", body)
    proof = service.front_end.prover.prove(claims)
    assert service.front_end.ask(Item(proof, 0, body, (service.record,)))[0].code == ""
    assert service.front_end.ask(Item(proof, 0, body, (service.record,)))[0].code == INTERNAL
    assert service.refusals() == ["ProofReplayed"]


def test_a_fault_of_ours_fails_one_item_and_shows_nothing(service: Service) -> None:
    """An unexpected exception becomes an internal failure without detail; its text is not journalled."""

    class Broken(KeysteadError):
        """Unexpected."""

    def fail(size: int) -> bytearray:
        raise Broken(SECRET.decode())

    service.domain.hosts[0].module.vault.generate = fail  # type: ignore[method-assign]
    body = json.dumps({"KeyId": service.key, "KeySpec": "AES_256"}).encode()
    good = service.front_end.item("Encrypt", service.body, service.record)
    outcomes = service.front_end.ask(service.front_end.item("GenerateDataKey", body, service.record), good)
    assert [outcome.code for outcome in outcomes] == [INTERNAL, ""]
    (event,) = service.domain.hosts[0].journal.events("item failed")
    assert event["kind"] == "Broken"
    assert SECRET not in b"".join(service.domain.hosts[0].journal.lines)


def test_the_journal_holds_no_plaintext_and_no_key(service: Service) -> None:
    """After work of every kind the journal shows neither plaintext nor data key nor ciphertext."""
    made = service.front_end.answer("GenerateDataKey", {"KeyId": service.key, "KeySpec": "AES_256"}, service.record)
    service.front_end.one("Encrypt", service.body, service.record)
    service.front_end.one("Encrypt", service.body, service.front_end.records[service.other])
    journal = b"".join(service.domain.hosts[0].journal.lines)
    for secret in (made["Plaintext"], made["CiphertextBlob"], base64.b64encode(SECRET).decode()):
        assert secret.encode() not in journal


def test_what_was_opened_before_is_not_served_for_other_rows(service: Service) -> None:
    """A head that was opened and remembered does not make another token or policy beside it acceptable."""
    assert service.front_end.one("Encrypt", service.body, service.record).code == ""
    for make in (_swapped_token, _changed_policy):
        assert service.front_end.ask(make(service))[0].code == INTERNAL
    assert service.front_end.one("Encrypt", service.body, service.record).code == ""


def test_records_of_another_domain_do_not_open(service: Service) -> None:
    """A record that was sealed in another domain is refused."""
    other = FrontEnd(ModuleDomain(1, seed=7).with_key())
    record = other.records[other.create()]
    assert service.front_end.one("Encrypt", service.body, record).code == INTERNAL
    assert service.refusals() == ["RecordError"]


def test_a_ciphertext_opens_only_as_it_was_made(service: Service) -> None:
    """Another encryption context, a flipped bit, and another key's record are refused; random bytes are given."""
    front_end = service.front_end
    members = {"KeyId": service.key, "Plaintext": base64.b64encode(SECRET).decode(), "EncryptionContext": {"a": "b"}}
    blob = front_end.answer("Encrypt", members, service.record)["CiphertextBlob"]
    raw = base64.b64decode(blob)
    flipped = base64.b64encode(raw[:-1] + bytes((raw[-1] ^ 1,))).decode()
    for request in (
        {"CiphertextBlob": blob},
        {"CiphertextBlob": blob, "EncryptionContext": {"a": "c"}},
        {"CiphertextBlob": flipped, "EncryptionContext": {"a": "b"}},
    ):
        outcome = front_end.one("Decrypt", json.dumps(request).encode(), service.record)
        assert (outcome.code, outcome.message) == ("InvalidCiphertextException", None)
    good = front_end.answer("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}, service.record)
    assert base64.b64decode(good["Plaintext"]) == SECRET
    assert len(base64.b64decode(front_end.answer("GenerateRandom", {"NumberOfBytes": 1024})["Plaintext"])) == 1024


@pytest.mark.requirement("DOM-09")
def test_a_key_token_of_a_domain_key_that_is_gone_does_not_open(service: Service) -> None:
    """A remembered record is of no use once its domain key is not held any more."""
    assert service.front_end.one("Encrypt", service.body, service.record).code == ""
    service.domain.hosts[0].module.vault.hold({}, None, frozenset())
    assert service.front_end.one("Encrypt", service.body, service.record).code == INTERNAL
    body = json.dumps({"KeyId": service.key, "Description": "new"}).encode()
    assert service.front_end.one("UpdateKeyDescription", body, service.record).code == INTERNAL
    assert service.refusals() == ["RecordError", "NoDomain"]


@given(st.binary(max_size=400), st.binary(max_size=100))
def test_arbitrary_content_is_refused_or_fails_alone(content: bytes, garbage: bytes) -> None:
    """Arbitrary frame content raises FormatError alone; arbitrary bytes inside an item fail that item."""
    executor = SHARED.domain.hosts[0].module.executor
    audience, now = SHARED.session.operator, SHARED.domain.clock.now()
    with pytest.raises(FormatError):
        executor.work(b"\x01" + content, audience, now)
    record = KeyRecord(garbage, {1: garbage}, {"policy": garbage})
    items = (
        Item(garbage, 0, garbage, (record,)),
        SHARED.item("Encrypt", garbage, record),
        SHARED.item("Encrypt", SHARED_BODY, record),
    )
    outcomes = SHARED.ask(*items)
    assert all(outcome.code != "" for outcome in outcomes)


SHARED = FrontEnd(ModuleDomain(1).with_key())
SHARED_BODY = json.dumps({"KeyId": SHARED.create(), "Plaintext": ""}).encode()
