"""ListKeys, ListAliases and how lists are paged."""

from typing import Any

import pytest

from keystead.core.operations.paging import SIZES, read_marker, write_marker
from keystead.core.protocols.aws_json.shapes import Tag
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, SimulatedService, refused

LISTS = {
    "ListAliases": ("aliases", "alias_name"),
    "ListKeys": ("keys", "key_id"),
}


@pytest.fixture(scope="module")
def service() -> SimulatedService:
    """A service with seven keys, an alias each, and a key of another account."""
    service = SimulatedService()
    for number in range(7):
        key_id = service.create(tags=[Tag(tag_key=str(tag), tag_value="") for tag in range(7)])
        service.call("CreateAlias", alias_name=f"alias/{6 - number}", target_key_id=key_id)
    theirs = service.create(OTHER_ACCOUNT)
    service.call("CreateAlias", OTHER_ACCOUNT, alias_name="alias/theirs", target_key_id=theirs)
    return service


def _pages(service: SimulatedService, operation: str, **members: Any) -> list[Any]:
    answers = [service.call(operation, **members)]
    while answers[-1].truncated:
        answers.append(service.call(operation, marker=answers[-1].next_marker, **members))
    return answers


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize("limit", [1, 3, 6, 7, 8, None])
def test_pages_hold_every_entry_once(service: SimulatedService, operation: str, limit: int | None) -> None:
    """In order, whatever the size of the pages; a page that is full and last says that it is last."""
    entries, name = LISTS[operation]
    pages = _pages(service, operation, limit=limit)
    assert [len(getattr(page, entries)) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].next_marker is None
    shown = [getattr(entry, name) for page in pages for entry in getattr(page, entries)]
    assert shown == sorted(set(shown))
    assert len(shown) == 7
    assert len(pages) == -(-7 // (limit or 7))


def test_keys_are_listed_whatever_their_state(service: SimulatedService) -> None:
    """With id and ARN."""
    entries = service.call("ListKeys").keys
    service.call("ScheduleKeyDeletion", key_id=entries[0].key_id)
    assert service.call("ListKeys").keys == entries
    assert [entry.key_arn for entry in entries] == [service.head(entry.key_id).arn for entry in entries]


def test_no_key_is_shared_by_others(service: SimulatedService) -> None:
    """Who asks for keys of other owners only finds none."""
    answer = service.call("ListKeys", resource_owners=["OTHER_ACCOUNTS_VIA_RAM"])
    assert (answer.keys, answer.truncated) == ([], False)
    assert len(service.call("ListKeys", resource_owners=["SELF", "OTHER_ACCOUNTS_VIA_RAM"]).keys) == 7


def test_what_belongs_to_one_key_is_paged_too(service: SimulatedService) -> None:
    """Tags and policy names."""
    key_id = service.call("ListKeys").keys[1].key_id
    pages = _pages(service, "ListResourceTags", key_id=key_id, limit=3)
    assert [[tag.tag_key for tag in page.tags] for page in pages] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    (only,) = _pages(service, "ListKeyPolicies", key_id=key_id, limit=1)
    assert only.policy_names == ["default"]
    (only,) = _pages(service, "ListAliases", key_id=key_id, limit=1)
    assert len(only.aliases) == 1


def _members(service: SimulatedService, operation: str) -> dict[str, Any]:
    if operation in LISTS:
        return {}
    if operation == "ListRetirableGrants":
        return {"retiring_principal": f"arn:aws:iam::{ACCOUNT}:user/bob"}
    return {"key_id": service.call("ListKeys").keys[1].key_id}


@pytest.mark.parametrize("operation", SIZES)
def test_a_page_has_at_most_what_the_operation_allows(service: SimulatedService, operation: str) -> None:
    """The most passes; one more is refused in the words of model constraints."""
    members, most = _members(service, operation), SIZES[operation].most
    service.call(operation, limit=most, **members)
    message = (
        f"1 validation error detected: Value '{most + 1}' at 'limit' "
        f"failed to satisfy constraint: Member must have value less than or equal to {most}"
    )
    with refused("ValidationException", message):
        service.call(operation, limit=most + 1, **members)


@pytest.mark.parametrize("operation", SIZES)
def test_a_marker_that_was_not_given_for_this_list_is_refused(service: SimulatedService, operation: str) -> None:
    """Garbage, another operation's marker, another way of writing, another place."""
    other = "ListKeys" if operation == "ListAliases" else "ListAliases"
    wrong = (
        "garbage",
        "é",
        "====",
        write_marker(other, "1"),
        write_marker(operation, "1") + "=",
        write_marker(operation, "nowhere"),
        write_marker(operation, "²"),
        write_marker(operation, "-1"),
    )
    for marker in wrong:
        with refused("InvalidMarkerException", None):
            service.call(operation, marker=marker, **_members(service, operation))


def test_a_marker_of_one_keys_aliases_is_none_for_all_aliases(service: SimulatedService) -> None:
    """And the other way round."""
    of_all = service.call("ListAliases", limit=1).next_marker
    key_id = service.call("ListKeys").keys[1].key_id
    with refused("InvalidMarkerException", None):
        service.call("ListAliases", key_id=key_id, marker=of_all)
    with refused("InvalidMarkerException", None):
        service.call("ListAliases", marker=write_marker("ListAliases", "1"))


def test_a_marker_tells_its_place_and_fits_its_field() -> None:
    """The longest place, an alias name of 256 characters, stays below the 1,024 characters of a marker."""
    place = "alias/" + "x" * 250
    marker = write_marker("ListAliases", place)
    assert read_marker("ListAliases", marker) == place
    assert len(marker) <= 1024
    assert read_marker("ListAliases", None) == ""
