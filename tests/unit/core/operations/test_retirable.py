"""ListRetirableGrants: what a principal may retire, told from grants that heads name."""

from typing import Any

import msgspec
import pytest

from keystead.core.keys.head import encode
from keystead.core.operations.paging import write_marker
from keystead.core.operations.retirable import KEYS
from keystead.core.records import GRANTS, KeyRecord
from keystead.errors import RecordError
from keystead.identifiers import AccountId, Region
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, SimulatedService, refused

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CAROL = f"arn:aws:iam::{OTHER_ACCOUNT}:user/carol"


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


def grant(
    service: SimulatedService, key_id: str, retiring: str | None = BOB, account: AccountId = ACCOUNT, **members: Any
) -> str:
    """Make a grant and return its id."""
    answer = service.call(
        "CreateGrant",
        account,
        key_id=key_id,
        grantee_principal=CAROL,
        operations=["Encrypt", "Decrypt"],
        retiring_principal=retiring,
        **members,
    )
    return str(answer.grant_id)


def listed(service: SimulatedService, **members: Any) -> list[tuple[str, str]]:
    """Return key and id of every grant of all pages, in order."""
    asked = {"retiring_principal": BOB} | members
    answers = [service.call("ListRetirableGrants", **asked)]
    while answers[-1].truncated:
        answers.append(service.call("ListRetirableGrants", marker=answers[-1].next_marker, **asked))
    assert answers[-1].next_marker is None
    assert all(len(answer.grants) <= members.get("limit", 50) for answer in answers)
    return [(one.key_id, one.grant_id) for answer in answers for one in answer.grants]


def test_grants_of_the_principal_are_told_and_no_others(service: SimulatedService) -> None:
    """On keys of any account; as ListGrants tells them."""
    mine, theirs = service.create(), service.create(OTHER_ACCOUNT)
    wanted = [(mine, grant(service, mine, name="one")), (mine, grant(service, mine))]
    wanted.append((theirs, grant(service, theirs, account=OTHER_ACCOUNT)))
    grant(service, mine, None)
    grant(service, mine, ROOT)
    grant(service, mine, CAROL)
    assert listed(service) == [(service.head(key).arn, one) for key, one in sorted(wanted)]
    entries = {one.grant_id: one for one in service.call("ListGrants", key_id=mine).grants}
    for one in service.call("ListRetirableGrants", retiring_principal=BOB).grants:
        assert one.retiring_principal == BOB
        assert entries.get(one.grant_id, one) == one


def test_grants_that_ended_are_told_no_more(service: SimulatedService) -> None:
    """Revoked, retired, or of a key whose deletion is due; one of a key pending deletion still is."""
    key_id = service.create()
    kept, revoked, retired = (grant(service, key_id) for _ in range(3))
    service.call("RevokeGrant", key_id=key_id, grant_id=revoked)
    service.call("RetireGrant", key_id=service.head(key_id).arn, grant_id=retired)
    service.call("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=7)
    assert [one for _, one in listed(service)] == [kept]
    service.clock += 7 * 86_400_000
    assert listed(service) == []


@pytest.mark.parametrize("named", [ROOT, ACCOUNT])
def test_an_account_is_named_in_two_ways(service: SimulatedService, named: str) -> None:
    """By its number and by the ARN of its root: both are the same retiring principal."""
    key_id = service.create()
    wanted = sorted(grant(service, key_id, each) for each in (ROOT, ACCOUNT))
    assert [one for _, one in listed(service, retiring_principal=named)] == wanted


@pytest.mark.parametrize("limit", [1, 2, 3, 50, 100])
def test_pages_hold_every_grant_once(service: SimulatedService, limit: int) -> None:
    """Whatever their size, also where a page ends within a key, and where one looks at keys enough."""
    keys = sorted(service.create() for _ in range(2 * KEYS + 3))
    wanted = [(service.head(key).arn, one) for key in keys for one in sorted(grant(service, key) for _ in range(2))]
    assert listed(service, limit=limit) == wanted


def test_a_page_may_be_empty_and_not_the_last(service: SimulatedService) -> None:
    """The keys that it looks at may all be gone."""
    keys = sorted(service.create() for _ in range(KEYS + 1))
    *_, last = [grant(service, key) for key in keys]
    for key in keys[:-1]:
        service.call("ScheduleKeyDeletion", key_id=key, pending_window_in_days=7)
    service.clock += 7 * 86_400_000
    first = service.call("ListRetirableGrants", retiring_principal=BOB)
    assert (first.grants, first.truncated) == ([], True)
    assert [one for _, one in listed(service)] == [last]


def test_the_permission_is_on_the_principal_by_identity_policies_alone(service: SimulatedService) -> None:
    """No key is asked about."""
    grant(service, service.create())
    service.judge.asked.clear()
    listed(service)
    assert service.judge.permissions == [("kms:ListRetirableGrants", BOB)]
    assert service.judge.asked[0].key is None
    service.judge.denied.add("kms:ListRetirableGrants")
    with refused("AccessDeniedException"):
        listed(service)


@pytest.mark.parametrize("principal", [CAROL, f"arn:aws:iam::{OTHER_ACCOUNT}:root", OTHER_ACCOUNT])
def test_a_principal_of_another_account_is_refused(service: SimulatedService, principal: str) -> None:
    """Even if it may retire grants on the caller's keys."""
    grant(service, service.create(), principal)
    message = f"User: {ROOT} is not authorized to perform: kms:ListRetirableGrants on resource: {principal}"
    with refused("AccessDeniedException", message):
        listed(service, retiring_principal=principal)


SERVICE = "logs.amazonaws.com"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"retiring_principal": None}, "ValidationException"),
    "both": ({"retiring_service_principal": SERVICE}, "ValidationException"),
    "a service": ({"retiring_principal": None, "retiring_service_principal": SERVICE}, "ValidationException"),
    "no principal": ({"retiring_principal": "bob"}, "InvalidArnException"),
    "an ARN of something else": ({"retiring_principal": f"arn:aws:iam::{ACCOUNT}:policy/x"}, "InvalidArnException"),
    "a limit that is too high": ({"limit": 101}, "ValidationException"),
    "garbage for a marker": ({"marker": "garbage"}, "InvalidMarkerException"),
    "a place that is none": ({"marker": write_marker("ListRetirableGrants", "1/")}, "InvalidMarkerException"),
    "a marker of another list": ({"marker": write_marker("ListGrants", "1")}, "InvalidMarkerException"),
}


@pytest.mark.parametrize(("members", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused(service: SimulatedService, members: dict[str, Any], code: str) -> None:
    """Before anything is looked up."""
    with refused(code):
        service.call("ListRetirableGrants", **{"retiring_principal": BOB} | members)


def test_a_marker_names_a_key_and_may_name_a_grant(service: SimulatedService) -> None:
    """Anything else behind the key is no place."""
    key_id = service.create()
    for end in ("", "0", "/0", f"/{'G' * 64}", f"/{'0' * 64}/"):
        with refused("InvalidMarkerException"):
            service.call(
                "ListRetirableGrants",
                retiring_principal=BOB,
                marker=write_marker("ListRetirableGrants", f"{key_id}{end}"),
            )


def test_who_holds_the_repository_invents_no_grant(service: SimulatedService) -> None:
    """Keys that have none are passed over; grants that no head names, order and regions that are not, are refused."""
    one, two = sorted(service.create() for _ in range(2))
    wanted = [(service.head(key).arn, grant(service, key)) for key in (one, two)]
    other, crowd = service.create(), [service.records[key] for key in sorted(service.create() for _ in range(KEYS + 2))]
    grant(service, other, CAROL)
    honest = [service.records[key] for key in (one, two)]
    heads = [KeyRecord(record.head, {}, {GRANTS: record.attachments[GRANTS]}) for record in honest]
    service.tamper = lambda _: tuple(heads[:1])
    assert listed(service) == wanted[:1]
    bare = service.records[other]
    service.tamper = lambda _: (KeyRecord(bare.head, {}, {GRANTS: bare.attachments[GRANTS]}),)
    assert listed(service) == []
    lies: list[tuple[KeyRecord, ...]] = [
        (KeyRecord(heads[0].head, {}, heads[1].attachments),),
        (KeyRecord(heads[0].head, {}, {}),),
        (heads[1], heads[0]),
        (heads[0], heads[0]),
        tuple(crowd),
    ]
    for lie in lies:
        service.tamper = lambda _, lie=lie: lie  # type: ignore[misc]
        with pytest.raises(RecordError):
            service.call("ListRetirableGrants", retiring_principal=BOB)


def test_a_page_is_of_one_region_and_begins_at_its_marker(service: SimulatedService) -> None:
    """What is from elsewhere is refused."""
    one, two = sorted(service.create() for _ in range(2))
    for key in (one, two):
        grant(service, key)
    first = service.call("ListRetirableGrants", retiring_principal=BOB, limit=1)
    record = service.records[two]
    foreign = service.vault.seal_head(
        encode(msgspec.structs.replace(service.head(two), region=Region("us-west-2")))
    ).head
    service.tamper = lambda _: (KeyRecord(foreign, {}, {GRANTS: record.attachments[GRANTS]}),)
    with pytest.raises(RecordError):
        listed(service)
    early = service.records[one]
    marker = write_marker("ListRetirableGrants", f"{two}/")
    service.tamper = lambda _: (KeyRecord(early.head, {}, {GRANTS: early.attachments[GRANTS]}),)
    with pytest.raises(RecordError):
        service.call("ListRetirableGrants", retiring_principal=BOB, marker=marker)
    service.tamper = lambda records: records
    assert service.call("ListRetirableGrants", retiring_principal=BOB, marker=first.next_marker).grants
