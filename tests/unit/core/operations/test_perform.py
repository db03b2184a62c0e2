"""Only records that the signed request asks for are used, whoever fetched them; no proof changes a key twice."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from keystead.core.keys.attachments import KeyAlias, write_aliases
from keystead.core.keys.head import encode
from keystead.core.keys.opened import attachment_digest
from keystead.core.operations.changes import MOST_RECENT
from keystead.core.operations.context import Context
from keystead.core.operations.operation import perform
from keystead.core.operations.table import find
from keystead.core.protocols.aws_json.shapes import (
    DescribeKeyRequest,
    DisableKeyRequest,
    EncryptRequest,
    UpdateKeyDescriptionRequest,
)
from keystead.core.protocols.proof import LIFETIME
from keystead.core.records import ALIASES, KeyRecord
from keystead.errors import ProofReplayed, RecordError
from keystead.identifiers import AliasName, KeyId, Region
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, SimulatedService, refused

Fetched = Callable[[tuple[KeyRecord, ...]], tuple[KeyRecord, ...]]


class Stage:
    """Two keys of one account with an alias each, one of another account, and what a hostile front end may send."""

    def __init__(self) -> None:
        self.service = service = SimulatedService()
        self.one, self.two, self.theirs = service.create(), service.create(), service.create(OTHER_ACCOUNT)
        service.call("CreateAlias", alias_name="alias/one", target_key_id=self.one)
        service.call("CreateAlias", alias_name="alias/two", target_key_id=self.two)
        self.ciphertext = service.encrypt(self.one)

    def sends(self, *keys: KeyId) -> None:
        """Have the front end send these keys' records, whatever it was asked for."""
        self.service.tamper = lambda _: tuple(self.service.records[key] for key in keys)


@pytest.fixture
def stage() -> Stage:
    """Three keys."""
    return Stage()


REQUESTS: dict[str, tuple[str, Callable[[Stage], dict[str, Any]]]] = {
    "a key by id": ("Encrypt", lambda stage: {"key_id": stage.one, "plaintext": b"x"}),
    "a key by ARN": ("Encrypt", lambda stage: {"key_id": stage.service.head(stage.one).arn, "plaintext": b"x"}),
    "a key by alias": ("Encrypt", lambda stage: {"key_id": "alias/one", "plaintext": b"x"}),
    "a key by alias ARN": (
        "Encrypt",
        lambda stage: {"key_id": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/one", "plaintext": b"x"},
    ),
    "the key of a ciphertext": ("Decrypt", lambda stage: {"ciphertext_blob": stage.ciphertext}),
    "a key to change": ("DisableKey", lambda stage: {"key_id": stage.one}),
    "a key to describe": ("DescribeKey", lambda stage: {"key_id": stage.one}),
    "a key whose alias goes": ("DeleteAlias", lambda stage: {"alias_name": "alias/one"}),
    "a key for an alias": ("CreateAlias", lambda stage: {"alias_name": "alias/new", "target_key_id": stage.one}),
}


@pytest.mark.parametrize(("operation", "members"), REQUESTS.values(), ids=REQUESTS)
def test_another_key_than_the_one_that_was_asked_for_is_refused(
    stage: Stage, operation: str, members: Callable[[Stage], dict[str, Any]]
) -> None:
    """Of the same account, of another, none at all, or one too many: refused before any key is used."""
    asked = members(stage)
    for keys in ((stage.two,), (stage.theirs,), (), (stage.one, stage.one)):
        stage.sends(*keys)
        before = stage.service.vault.opened + len(keys)
        stage.service.judge.asked.clear()
        with pytest.raises(RecordError):
            stage.service.call(operation, **asked)
        assert stage.service.vault.opened == before
        assert stage.service.judge.asked == []
    stage.sends(stage.one)
    stage.service.call(operation, **asked)


def test_the_keys_of_an_operation_on_two_keep_their_places(stage: Stage) -> None:
    """Source and destination, current and new target cannot be exchanged or doubled."""
    requests: dict[str, dict[str, Any]] = {
        "ReEncrypt": {"ciphertext_blob": stage.ciphertext, "destination_key_id": stage.two},
        "UpdateAlias": {"alias_name": "alias/one", "target_key_id": stage.two},
    }
    for operation, members in requests.items():
        for keys in ((stage.two, stage.one), (stage.one, stage.one), (stage.two, stage.two), (stage.one,)):
            stage.sends(*keys)
            with pytest.raises(RecordError):
                stage.service.call(operation, **members)
        stage.sends(stage.one, stage.two)
        stage.service.call(operation, **members)


def test_a_key_of_another_region_is_refused(stage: Stage) -> None:
    """Even one with the same id."""
    record = stage.service.records[stage.one]
    head = msgspec.structs.replace(stage.service.head(stage.one), region=Region("us-west-2"))
    foreign = KeyRecord(stage.service.vault.seal_head(encode(head)).head, record.tokens, record.attachments)
    stage.service.tamper = lambda _: (foreign,)
    for operation, members in (
        ("DescribeKey", {"key_id": stage.one}),
        ("DescribeKey", {"key_id": "alias/one"}),
        ("Decrypt", {"ciphertext_blob": stage.ciphertext}),
        ("ListKeys", {}),
    ):
        with pytest.raises(RecordError):
            stage.service.call(operation, ACCOUNT, **members)


PAGES: dict[str, Fetched] = {
    "not in order": lambda records: records[::-1],
    "one twice": lambda records: (records[0], records[0], *records[1:]),
    "more than the page and one": lambda records: (*records, *records),
}


@pytest.mark.parametrize("fetched", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("operation", ["ListKeys", "ListAliases"])
def test_a_page_that_is_none_is_refused(stage: Stage, operation: str, fetched: Fetched) -> None:
    """Keys and aliases come in order, each once, and no more than asked for."""
    stage.service.tamper = fetched
    with pytest.raises(RecordError):
        stage.service.call(operation, limit=1)


@pytest.mark.parametrize("operation", ["ListKeys", "ListAliases"])
def test_keys_of_another_account_are_not_listed(stage: Stage, operation: str) -> None:
    """Whoever smuggles one in."""
    stage.service.tamper = lambda records: (*records[:-1], stage.service.records[stage.theirs])
    with pytest.raises(RecordError):
        stage.service.call(operation)


def test_a_page_goes_on_after_its_marker(stage: Stage) -> None:
    """Records from before it are refused."""
    first = stage.service.call("ListKeys", limit=1)
    stage.service.tamper = lambda _: tuple(stage.service.records[key] for key in sorted((stage.one, stage.two)))
    with pytest.raises(RecordError):
        stage.service.call("ListKeys", limit=1, marker=first.next_marker)


def test_the_index_of_aliases_decides_nothing(stage: Stage) -> None:
    """A repository that lets a name point elsewhere, or makes one up, makes requests fail and nothing else."""
    aliases = stage.service.aliases
    aliases[ACCOUNT, REGION, AliasName("alias/one")] = stage.two
    aliases[ACCOUNT, REGION, AliasName("alias/zzz")] = stage.one
    for name in ("alias/one", "alias/zzz"):
        with pytest.raises(RecordError):
            stage.service.encrypt(name)
    with pytest.raises(RecordError):
        stage.service.call("ListAliases")


def test_the_names_of_a_page_come_with_its_records(stage: Stage) -> None:
    """As many names as records."""
    service = stage.service
    key = service.open(service.records[stage.one])
    context = Context(service.clock, service.claims("ListAliases"), service.vault, service.judge, service.domain)
    request = find("ListAliases").request()
    with pytest.raises(RecordError):
        perform(find("ListAliases"), context, request, (key,))


@pytest.mark.requirement("ENV-20")
def test_who_may_not_use_a_key_does_not_learn_its_state(stage: Stage) -> None:
    """Permission is asked for before the state is judged."""
    stage.service.call("DisableKey", key_id=stage.one)
    stage.service.judge.denied = {"kms:Encrypt"}
    with refused("AccessDeniedException"):
        stage.service.encrypt(stage.one)


def test_the_state_is_judged_before_the_rest_of_the_request(stage: Stage) -> None:
    """A disabled key is told as such, even to a request that would fail for another reason."""
    stage.service.call("DisableKey", key_id=stage.one)
    with refused("DisabledException"):
        stage.service.encrypt(stage.one, encryption_algorithm="RSAES_OAEP_SHA_1")


def test_a_proof_changes_a_key_once(stage: Stage) -> None:
    """A front end that sends the same proof again, with the newest record, is refused while the proof lives."""
    service = stage.service
    request, claims = UpdateKeyDescriptionRequest(key_id=stage.one, description="first"), service.claims("x")
    claims = msgspec.structs.replace(claims, id=b"\xff" * 16)
    service.answer("UpdateKeyDescription", request, claims)
    service.call("UpdateKeyDescription", key_id=stage.one, description="second")
    for _ in range(2):
        with pytest.raises(ProofReplayed):
            service.answer("UpdateKeyDescription", request, claims)
    with pytest.raises(ProofReplayed):
        service.answer("DisableKey", DisableKeyRequest(key_id=stage.one), claims)
    assert service.head(stage.one).description == "second"
    for reading in ("DescribeKey", "Encrypt"):
        shape = {"DescribeKey": DescribeKeyRequest, "Encrypt": EncryptRequest}[reading]
        members: dict[str, Any] = {"plaintext": b"x"} if reading == "Encrypt" else {}
        service.answer(reading, shape(key_id=stage.one, **members), claims)


def test_proofs_are_remembered_until_they_expire(stage: Stage) -> None:
    """The head holds those that could still be used, and no others."""
    service = stage.service
    for number in range(3):
        service.call("UpdateKeyDescription", key_id=stage.two, description=str(number))
    assert len(service.head(stage.two).recent) == 5
    service.clock += LIFETIME
    service.call("UpdateKeyDescription", key_id=stage.two, description="later")
    (recent,) = service.head(stage.two).recent
    assert recent.expires == service.clock + LIFETIME


def test_a_key_that_changes_too_often_is_told_to_wait(stage: Stage) -> None:
    """What must be remembered has an end; it passes with the lifetime of proofs."""
    service = stage.service
    for number in range(MOST_RECENT - 2):
        service.call("UpdateKeyDescription", key_id=stage.one, description=str(number))
    with refused("ThrottlingException"):
        service.call("UpdateKeyDescription", key_id=stage.one, description="one more")
    service.clock += LIFETIME
    service.call("UpdateKeyDescription", key_id=stage.one, description="one more")


def test_a_change_names_the_head_that_it_was_made_from(stage: Stage) -> None:
    """It replaces the very bytes that were read, and carries nothing that did not change."""
    service = stage.service
    before = service.records[stage.one]
    service.call("DisableKey", key_id=stage.one)
    assert service.done is not None
    assert service.done.change is not None
    (change,) = service.done.change.keys
    assert change.replaces == attachment_digest(before.head)
    assert (change.key_id, change.account, change.region) == (stage.one, ACCOUNT, REGION)
    assert change.head_domain_key == service.vault.domain_key_id
    assert (change.tokens, change.attachments) == ((), {})


def test_a_key_with_an_alias_list_of_another_key_is_refused(stage: Stage) -> None:
    """Names are only believed from the attachment that the head names."""
    record = stage.service.records[stage.two]
    forged = write_aliases((KeyAlias(AliasName("alias/one"), 1, 1),))
    stage.service.records[stage.two] = KeyRecord(record.head, record.tokens, record.attachments | {ALIASES: forged})
    stage.sends(stage.two)
    with pytest.raises(RecordError):
        stage.service.encrypt("alias/one")
