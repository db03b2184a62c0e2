"""CreateGrant, ListGrants, RevokeGrant, RetireGrant, and what grants allow: the real judge, the real table."""

import json
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.keys.attachments import read_grants, write_grants
from keystead.core.keys.head import encode
from keystead.core.operations import grants
from keystead.core.operations.grant_tokens import GrantToken, decode
from keystead.core.operations.granted import Granted
from keystead.core.operations.judge import PolicyJudge
from keystead.core.policy.principals import principal
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.shapes import GrantConstraints
from keystead.core.records import GRANTS, KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import AccountId, KeyId, PrincipalArn, Region
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, START, SimulatedService, refused

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NO_GRANT = "0" * 64
DRY = "The request would have succeeded, but the DryRun option is set."


@pytest.fixture
def service() -> SimulatedService:
    """A service that judges by policies and grants."""
    return SimulatedService(policies=PolicyJudge())


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A new key with the default policy, which names no user."""
    return service.create()


def _as(service: SimulatedService, who: str, name: str, **members: Any) -> Any:
    """Answer a request of a user."""
    service.proofs += 1
    claims = service.claims(name, AccountId(who.split(":")[4]))
    return service.answer(
        name, MODEL[name].input(**members), msgspec.structs.replace(claims, principal=PrincipalArn(who))
    )


def _grant(service: SimulatedService, key_id: str, *operations: str, grantee: str = ALICE, **members: Any) -> str:
    answer = service.call(
        "CreateGrant", key_id=key_id, grantee_principal=grantee, operations=list(operations), **members
    )
    return str(answer.grant_id)


def _encrypt(service: SimulatedService, key_id: str, who: str = ALICE, **members: Any) -> bytes:
    return bytes(_as(service, who, "Encrypt", key_id=key_id, plaintext=b"x", **members).ciphertext_blob)


def _ids(service: SimulatedService, key_id: str, **members: Any) -> list[str]:
    return [entry.grant_id for entry in service.call("ListGrants", key_id=key_id, **members).grants]


@pytest.mark.parametrize("end", ["RevokeGrant", "RetireGrant"])
def test_a_grant_allows_its_operations_to_its_grantee_until_it_ends(
    service: SimulatedService, key_id: KeyId, end: str
) -> None:
    """Nothing before it, nothing else, nobody else, nothing after it; and the head names no grants then."""
    with refused("AccessDeniedException"):
        _encrypt(service, key_id)
    grant = _grant(service, key_id, "Encrypt")
    ciphertext = _encrypt(service, key_id)
    with refused("AccessDeniedException"):
        _as(service, ALICE, "Decrypt", ciphertext_blob=ciphertext)
    with refused("AccessDeniedException"):
        _encrypt(service, key_id, BOB)
    assert service.call(end, key_id=key_id, grant_id=grant) is None
    with refused("AccessDeniedException"):
        _encrypt(service, key_id)
    assert service.head(key_id).grants == b""


def test_a_grant_reaches_over_accounts_if_the_grantees_account_agrees(service: SimulatedService, key_id: KeyId) -> None:
    """The root user of another account needs no identity policy; he names the key by its ARN."""
    _grant(service, key_id, "Encrypt", "DescribeKey", grantee=OTHER_ACCOUNT)
    arn = service.head(key_id).arn
    assert service.call("DescribeKey", OTHER_ACCOUNT, key_id=arn).key_metadata.arn == arn
    with refused("AccessDeniedException"):
        service.call("GenerateDataKey", OTHER_ACCOUNT, key_id=arn, key_spec="AES_256")


def test_the_policy_of_the_key_denies_what_a_grant_allows(service: SimulatedService, key_id: KeyId) -> None:
    """An explicit denial decides, for the use of a grant and for retiring it."""
    grant = _grant(service, key_id, "Encrypt", "RetireGrant")
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    denial = {"Effect": "Deny", "Principal": {"AWS": ALICE}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [account, denial]})
    service.call("PutKeyPolicy", key_id=key_id, policy=policy)
    with refused("AccessDeniedException"):
        _encrypt(service, key_id)
    with refused("AccessDeniedException"):
        _as(service, ALICE, "RetireGrant", key_id=key_id, grant_id=grant)


CONSTRAINED = [
    ("Equals", {"a": "1"}, True),
    ("Equals", {"a": "1", "b": "2"}, False),
    ("Equals", {"A": "1"}, False),
    ("Subset", {"b": "2", "a": "1"}, True),
    ("Subset", {"b": "2"}, False),
    ("Subset", None, False),
]


def _constraints(kind: str, **pairs: str) -> GrantConstraints:
    if kind == "Equals":
        return GrantConstraints(encryption_context_equals=pairs)
    return GrantConstraints(encryption_context_subset=pairs)


@pytest.mark.parametrize(("kind", "context", "allowed"), CONSTRAINED)
def test_a_constraint_holds_for_the_encryption_context(
    service: SimulatedService, key_id: KeyId, kind: str, context: dict[str, str] | None, *, allowed: bool
) -> None:
    """Case matters, order does not; a subset may have more; DescribeKey asks for none."""
    _grant(service, key_id, "Encrypt", "DescribeKey", constraints=_constraints(kind, a="1"))
    _as(service, ALICE, "DescribeKey", key_id=key_id)
    if allowed:
        _encrypt(service, key_id, encryption_context=context)
    else:
        with refused("AccessDeniedException"):
            _encrypt(service, key_id, encryption_context=context)


@pytest.mark.parametrize("permission", ["ReEncryptFrom", "ReEncryptTo"])
def test_reencrypting_needs_both_grants_each_with_its_own_context(
    service: SimulatedService, key_id: KeyId, permission: str
) -> None:
    """The source is held against the source's context, the destination against its own."""
    ciphertext = service.encrypt(key_id, encryption_context={"side": "source"})
    sides = {"ReEncryptFrom": "source", "ReEncryptTo": "destination"}
    for name, side in sides.items():
        wrong = "neither" if name == permission else side
        _grant(service, key_id, name, constraints=_constraints("Equals", side=wrong))
    members = {
        "ciphertext_blob": ciphertext,
        "destination_key_id": key_id,
        "source_encryption_context": {"side": "source"},
        "destination_encryption_context": {"side": "destination"},
    }
    with refused("AccessDeniedException"):
        _as(service, ALICE, "ReEncrypt", **members)
    _grant(service, key_id, permission, constraints=_constraints("Equals", side=sides[permission]))
    _as(service, ALICE, "ReEncrypt", **members)


def test_a_grantee_grants_no_more_than_he_has(service: SimulatedService, key_id: KeyId) -> None:
    """Its operations and its constraint bound the new grant; when the parent is revoked, the child stays."""
    constraints = _constraints("Subset", a="1")
    parent = _grant(service, key_id, "CreateGrant", "Encrypt", constraints=constraints)
    offered = {"key_id": key_id, "grantee_principal": BOB}
    for operations, narrowed in (
        (["Decrypt"], constraints),
        (["Encrypt"], None),
        (["Encrypt"], _constraints("Subset", b="2")),
    ):
        with refused("AccessDeniedException"):
            _as(service, ALICE, "CreateGrant", operations=operations, constraints=narrowed, **offered)
    narrower = _constraints("Equals", a="1", b="2")
    _as(service, ALICE, "CreateGrant", operations=["Encrypt"], constraints=narrower, **offered)
    service.call("RevokeGrant", key_id=key_id, grant_id=parent)
    _encrypt(service, key_id, BOB, encryption_context={"a": "1", "b": "2"})
    with refused("AccessDeniedException"):
        _as(service, BOB, "CreateGrant", operations=["Encrypt"], **offered)


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"StringEquals": {"kms:GranteePrincipal": ALICE}}, True),
        ({"StringEquals": {"kms:GranteePrincipal": BOB}}, False),
        ({"StringEquals": {"kms:RetiringPrincipal": BOB}}, True),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}, True),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}, False),
        ({"StringEquals": {"kms:EncryptionContext:a": "1"}}, True),
        ({"ForAnyValue:StringEquals": {"kms:GrantOperations": "Decrypt"}}, True),
        ({"ForAnyValue:StringEquals": {"kms:GrantOperations": "Sign"}}, False),
        ({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "a"}}, True),
        ({"Bool": {"kms:GrantIsForAWSResource": "false"}}, True),
        ({"Bool": {"kms:GrantIsForAWSResource": "true"}}, False),
    ],
)
def test_a_policy_decides_by_what_a_new_grant_says(
    service: SimulatedService, key_id: KeyId, condition: dict[str, Any], *, denied: bool
) -> None:
    """Each condition key of grants has the request's value."""
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    denial = {"Effect": "Deny", "Principal": "*", "Action": "kms:CreateGrant", "Resource": "*", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [account, denial]})
    service.call("PutKeyPolicy", key_id=key_id, policy=policy)
    members: dict[str, Any] = {"retiring_principal": BOB, "constraints": _constraints("Subset", a="1")}
    if denied:
        with refused("AccessDeniedException"):
            _grant(service, key_id, "Decrypt", "Encrypt", **members)
    else:
        _grant(service, key_id, "Decrypt", "Encrypt", **members)


def test_a_name_makes_repeated_requests_one_grant_with_tokens_of_their_own(
    service: SimulatedService, key_id: KeyId
) -> None:
    """Another name, no name, or other members: another grant."""
    members: dict[str, Any] = {"key_id": key_id, "grantee_principal": ALICE, "operations": ["Encrypt", "Decrypt"]}
    first = service.call("CreateGrant", name="app", **members)
    again = service.call("CreateGrant", name="app", **(members | {"operations": ["Decrypt", "Encrypt"]}))
    assert first.grant_id == again.grant_id
    assert first.grant_token != again.grant_token
    assert service.head(key_id).generation == 2
    others = [
        service.call("CreateGrant", **members),
        service.call("CreateGrant", **members),
        service.call("CreateGrant", name="other", **members),
        service.call("CreateGrant", name="app", **(members | {"operations": ["Encrypt"]})),
        service.call("CreateGrant", name="app", constraints=_constraints("Subset", a="1"), **members),
        service.call("CreateGrant", name="app", retiring_principal=BOB, **members),
    ]
    assert len({first.grant_id, *(one.grant_id for one in others)}) == 7
    for token in (first.grant_token, again.grant_token):
        assert decode(token).grant_id == first.grant_id


def test_a_listed_grant_tells_what_was_asked_for(service: SimulatedService, key_id: KeyId) -> None:
    """All members; those that were not given are absent, but for the name, which is empty."""
    _grant(
        service,
        key_id,
        "Encrypt",
        "Decrypt",
        "Encrypt",
        name="app",
        retiring_principal=BOB,
        constraints=_constraints("Equals", b="2", a="1"),
    )
    (entry,) = service.call("ListGrants", key_id=key_id).grants
    assert entry.key_id == service.head(key_id).arn
    assert (entry.name, entry.creation_date, entry.issuing_account) == ("app", START / 1000, ROOT)
    assert (entry.grantee_principal, entry.retiring_principal) == (ALICE, BOB)
    assert entry.operations == ["Decrypt", "Encrypt"]
    assert entry.constraints == _constraints("Equals", a="1", b="2")
    _grant(service, key_id, "Encrypt", grantee=BOB, constraints=GrantConstraints())
    (plain,) = service.call("ListGrants", key_id=key_id, grantee_principal=BOB).grants
    assert (plain.name, plain.retiring_principal, plain.constraints) == ("", None, None)


def test_grants_are_listed_in_pages_and_found_by_id_and_grantee(service: SimulatedService, key_id: KeyId) -> None:
    """Each once, also when others end between two pages; a marker of another list is refused."""
    made = sorted(_grant(service, key_id, "Encrypt", grantee=who) for who in (ALICE, BOB, ALICE))
    first = service.call("ListGrants", key_id=key_id, limit=2)
    assert first.truncated
    service.call("RevokeGrant", key_id=key_id, grant_id=made[0])
    rest = service.call("ListGrants", key_id=key_id, marker=first.next_marker)
    assert [entry.grant_id for entry in (*first.grants, *rest.grants)] == made
    assert (rest.truncated, rest.next_marker) == (False, None)
    assert _ids(service, key_id, grant_id=made[1]) == [made[1]]
    assert _ids(service, key_id, grant_id=NO_GRANT) == []
    assert _ids(service, key_id, grantee_service_principal="s3.amazonaws.com") == []
    with refused("InvalidGrantIdException"):
        service.call("ListGrants", key_id=key_id, grant_id="short")
    with refused("InvalidMarkerException"):
        service.call("ListGrants", key_id=key_id, marker="x")
    with refused("ValidationException"):
        service.call("ListGrants", key_id=key_id, limit=101)


RETIRING = [
    (ROOT, True),
    (BOB, True),
    (ALICE, False),
    (f"arn:aws:iam::{ACCOUNT}:user/carol", False),
    (f"arn:aws:iam::{OTHER_ACCOUNT}:root", False),
]


@pytest.mark.parametrize(("who", "may"), RETIRING)
@pytest.mark.parametrize("by_token", [True, False])
def test_a_grant_says_who_may_retire_it(
    service: SimulatedService, key_id: KeyId, who: str, *, may: bool, by_token: bool
) -> None:
    """Its retiring principal and the root user of the account that made it; the grantee only if it says so."""
    made = service.call(
        "CreateGrant", key_id=key_id, grantee_principal=ALICE, operations=["Encrypt"], retiring_principal=BOB
    )
    by_id = {"key_id": service.head(key_id).arn, "grant_id": made.grant_id}
    named = {"grant_token": made.grant_token} if by_token else by_id
    if may:
        with refused("DryRunOperationException", DRY):
            _as(service, who, "RetireGrant", dry_run=True, **named)
        _as(service, who, "RetireGrant", **named)
        with refused("NotFoundException"):
            _as(service, who, "RetireGrant", **named)
    else:
        with refused("AccessDeniedException"):
            _as(service, who, "RetireGrant", **named)


def test_the_grantee_retires_a_grant_that_lets_him(service: SimulatedService, key_id: KeyId) -> None:
    """RetireGrant is among the operations."""
    grant = _grant(service, key_id, "RetireGrant")
    _as(service, ALICE, "RetireGrant", key_id=key_id, grant_id=grant)
    assert _ids(service, key_id) == []


def test_retiring_names_the_grant_in_exactly_one_way(service: SimulatedService, key_id: KeyId) -> None:
    """By token, or by key and id; a token of another region is none here."""
    token = service.call("CreateGrant", key_id=key_id, grantee_principal=ALICE, operations=["Encrypt"]).grant_token
    for members in (
        {},
        {"key_id": key_id},
        {"grant_id": NO_GRANT},
        {"grant_token": token, "key_id": key_id, "grant_id": NO_GRANT},
        {"grant_token": token, "key_id": key_id},
    ):
        with refused("ValidationException", "Specify either GrantToken, or KeyId and GrantId."):
            service.call("RetireGrant", **members)
    elsewhere = msgspec.structs.replace(decode(token), region=Region("eu-west-1")).encode()
    for text in (elsewhere, "x"):
        with refused("InvalidGrantTokenException"):
            service.call("RetireGrant", grant_token=text)


def test_a_dry_run_changes_nothing(service: SimulatedService, key_id: KeyId) -> None:
    """CreateGrant and RevokeGrant say that they would have succeeded, and only if they would."""
    grant = _grant(service, key_id, "Encrypt")
    with refused("DryRunOperationException", DRY):
        _grant(service, key_id, "Decrypt", dry_run=True)
    with refused("DryRunOperationException", DRY):
        service.call("RevokeGrant", key_id=key_id, grant_id=grant, dry_run=True)
    with refused("NotFoundException", f"Grant ID {NO_GRANT} not found"):
        service.call("RevokeGrant", key_id=key_id, grant_id=NO_GRANT, dry_run=True)
    assert _ids(service, key_id) == [grant]


PAIRS = {f"k{number}": "" for number in range(9)}
UNACCEPTABLE: list[tuple[str, dict[str, Any]]] = [
    ("InvalidArnException", {"grantee_principal": "alice"}),
    ("InvalidArnException", {"grantee_principal": ALICE, "retiring_principal": "arn:aws:iam::1:user/x"}),
    ("ValidationException", {}),
    ("ValidationException", {"grantee_service_principal": "s3.amazonaws.com"}),
    ("ValidationException", {"grantee_principal": ALICE, "retiring_service_principal": "s3.amazonaws.com"}),
    ("ValidationException", {"grantee_principal": ALICE, "operations": ["Sign"]}),
    ("ValidationException", {"grantee_principal": ALICE, "operations": ["GetPublicKey"]}),
    ("ValidationException", {"grantee_principal": ALICE, "constraints": _constraints("Subset", **PAIRS)}),
    ("ValidationException", {"grantee_principal": ALICE, "constraints": _constraints("Subset")}),
    ("ValidationException", {"grantee_principal": ALICE, "constraints": _constraints("Equals", k="v" * 385)}),
    (
        "ValidationException",
        {
            "grantee_principal": ALICE,
            "constraints": GrantConstraints(encryption_context_equals={"a": ""}, encryption_context_subset={"a": ""}),
        },
    ),
    (
        "ValidationException",
        {"grantee_principal": ALICE, "constraints": GrantConstraints(source_arn="arn:aws:s3:::bucket/one")},
    ),
]


@pytest.mark.parametrize(("code", "members"), UNACCEPTABLE)
def test_a_grant_that_cannot_be_is_refused(
    service: SimulatedService, key_id: KeyId, code: str, members: dict[str, Any]
) -> None:
    """A principal that is none, operations that are not the key's, constraints beyond the limits."""
    with refused(code):
        service.call("CreateGrant", **({"key_id": key_id, "operations": ["Encrypt"]} | members))
    assert service.head(key_id).generation == 1


def test_a_key_of_another_kind_has_grants_for_what_it_does(service: SimulatedService, key_id: KeyId) -> None:
    """Its usage decides; only symmetric encryption keys have constraints."""
    record = service.records[key_id]
    head = msgspec.structs.replace(service.head(key_id), spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    service.records[key_id] = KeyRecord(service.vault.seal_head(encode(head)).head, record.tokens, record.attachments)
    with refused("ValidationException"):
        _grant(service, key_id, "Encrypt")
    with refused("ValidationException"):
        _grant(service, key_id, "Sign", constraints=_constraints("Subset", a="1"))
    _grant(service, key_id, "Sign", "GetPublicKey", "DescribeKey")
    _as(service, ALICE, "DescribeKey", key_id=key_id)


def test_the_grants_of_a_key_have_a_limit(
    service: SimulatedService, key_id: KeyId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than fit is refused."""
    _grant(service, key_id, "Encrypt")
    monkeypatch.setattr(grants, "LONGEST", 2 * len(service.records[key_id].attachments[GRANTS]) - 3)
    with refused("LimitExceededException"):
        _grant(service, key_id, "Encrypt")


def test_grant_tokens_that_are_none_are_refused_and_others_change_nothing(
    service: SimulatedService, key_id: KeyId
) -> None:
    """Wherever they are sent; a token allows nothing by itself."""
    with refused("InvalidGrantTokenException"):
        service.encrypt(key_id, grant_tokens=["no token"])
    token = GrantToken(ACCOUNT, REGION, key_id, NO_GRANT, NO_GRANT).encode()
    service.encrypt(key_id, grant_tokens=[token])
    with refused("AccessDeniedException"):
        _encrypt(service, key_id, grant_tokens=[token])


@given(st.binary(max_size=200), st.text(max_size=200))
def test_only_what_was_written_is_a_grant_token(octets: bytes, text: str) -> None:
    """Any other text is refused with one error."""
    for candidate in (text, b64encode(octets).decode(), b64encode(b"1/" + octets).decode()):
        with refused("InvalidGrantTokenException"):
            decode(candidate)
    written = GrantToken(ACCOUNT, REGION, KeyId("1234abcd-12ab-34cd-56ef-1234567890ab"), NO_GRANT, NO_GRANT).encode()
    assert decode(written).encode() == written
    for place in range(len(b64decode(written))):
        changed = bytearray(b64decode(written))
        changed[place] ^= 0x80
        with refused("InvalidGrantTokenException"):
            decode(b64encode(changed).decode())


def test_a_repository_neither_adds_nor_removes_a_grant(service: SimulatedService, key_id: KeyId) -> None:
    """The head names the grants; records that do not fit are refused, whoever asks."""
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    _grant(service, key_id, "Encrypt")
    (stored,) = read_grants(service.records[key_id].attachments[GRANTS])
    forged = write_grants((msgspec.structs.replace(stored, grantee=BOB),))

    def changed(content: bytes | None) -> Any:
        def tamper(records: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
            (record,) = records
            kept = {kind: text for kind, text in record.attachments.items() if kind != GRANTS}
            more = {} if content is None else {GRANTS: content}
            return (KeyRecord(record.head, record.tokens, kept | more),)

        return tamper

    for content in (forged, b"", None):
        service.tamper = changed(content)
        with pytest.raises(RecordError):
            _encrypt(service, key_id, BOB)


def test_grants_out_of_order_or_twice_are_no_attachment(service: SimulatedService, key_id: KeyId) -> None:
    """One form only."""
    for _ in range(2):
        _grant(service, key_id, "Encrypt")
    first, second = read_grants(service.records[key_id].attachments[GRANTS])
    for wrong in ((second, first), (first, first)):
        with pytest.raises(RecordError):
            read_grants(msgspec.msgpack.encode(wrong))


def test_of_many_grants_a_decision_looks_at_those_that_name_who_asks(service: SimulatedService, key_id: KeyId) -> None:
    """Two hundred grants for others are not even read again: they are made ready once for each digest."""
    for number in range(200):
        service.clock += 200
        _grant(service, key_id, "Encrypt", grantee=f"arn:aws:iam::{ACCOUNT}:user/u{number}")
    written = service.records[key_id].attachments[GRANTS]
    ready = Granted(written)
    (grant,) = ready.concerning("kms:Encrypt", principal(f"arn:aws:iam::{ACCOUNT}:user/u7"))
    assert grant.grantee.endswith("u7")
    assert ready.concerning("kms:Decrypt", principal(f"arn:aws:iam::{ACCOUNT}:user/u7")) == ()
    assert ready.concerning("kms:PutKeyPolicy", principal(ROOT)) == ()
    judge = PolicyJudge()
    service.policies = judge
    _encrypt(service, key_id, f"arn:aws:iam::{ACCOUNT}:user/u7")
    remembered = judge.remembered
    _encrypt(service, key_id, f"arn:aws:iam::{ACCOUNT}:user/u8")
    assert judge.remembered == remembered >= len(written)
