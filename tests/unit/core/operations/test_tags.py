"""TagResource, UntagResource, ListResourceTags, and the key's policies."""

import pytest

from keystead.core.protocols.aws_json.shapes import Tag
from keystead.identifiers import KeyId
from tests.simulators.operations import SimulatedService, refused


@pytest.fixture
def service() -> SimulatedService:
    """A service without keys."""
    return SimulatedService()


@pytest.fixture
def key_id(service: SimulatedService) -> KeyId:
    """A new key."""
    return service.create()


def _tags(**tags: str) -> list[Tag]:
    return [Tag(tag_key=key, tag_value=value) for key, value in tags.items()]


def _listed(service: SimulatedService, key_id: KeyId) -> dict[str, str]:
    return {tag.tag_key: tag.tag_value for tag in service.call("ListResourceTags", key_id=key_id).tags}


def test_tags_are_added_overwritten_and_removed(service: SimulatedService, key_id: KeyId) -> None:
    """A tag keeps its place when its value changes; removing what is not there is no error."""
    assert service.call("TagResource", key_id=key_id, tags=_tags(a="1", b="2")) is None
    service.call("TagResource", key_id=key_id, tags=_tags(c="3", a="4"))
    assert list(_listed(service, key_id).items()) == [("a", "4"), ("b", "2"), ("c", "3")]
    assert service.call("UntagResource", key_id=key_id, tag_keys=["a", "none", "c"]) is None
    assert _listed(service, key_id) == {"b": "2"}
    service.call("UntagResource", key_id=key_id, tag_keys=["b"])
    assert _listed(service, key_id) == {}
    assert service.head(key_id).tags == b""


def test_a_key_has_at_most_50_tags(service: SimulatedService, key_id: KeyId) -> None:
    """Overwriting makes no more."""
    service.call("TagResource", key_id=key_id, tags=_tags(**{f"t{number}": "" for number in range(50)}))
    service.call("TagResource", key_id=key_id, tags=_tags(t7="new"))
    with refused("TagException", "Too many tags"):
        service.call("TagResource", key_id=key_id, tags=_tags(more=""))


def test_tags_that_cannot_be_are_refused(service: SimulatedService, key_id: KeyId) -> None:
    """A key twice in one request; the service's prefix in any case, also when removing."""
    with refused("TagException", "Duplicate tag keys"):
        service.call("TagResource", key_id=key_id, tags=_tags(a="1") + _tags(a="1"))
    for key in ("aws:x", "Aws:x"):
        with refused("TagException", "Tags beginning with aws: are reserved"):
            service.call("TagResource", key_id=key_id, tags=_tags(**{key: ""}))
        with refused("TagException", "Tags beginning with aws: are reserved"):
            service.call("UntagResource", key_id=key_id, tag_keys=[key])
    assert service.head(key_id).generation == 1


def test_a_policy_is_given_back_as_it_was_put(service: SimulatedService, key_id: KeyId) -> None:
    """Byte for byte, white space included, under its one name."""
    policy = '{ "Id":\t"mine" }\n'
    assert service.call("PutKeyPolicy", key_id=key_id, policy=policy) is None
    for name in (None, "default"):
        answer = service.call("GetKeyPolicy", key_id=key_id, policy_name=name)
        assert (answer.policy, answer.policy_name) == (policy, "default")
    assert service.call("ListKeyPolicies", key_id=key_id).policy_names == ["default"]


def test_a_key_has_no_other_policy(service: SimulatedService, key_id: KeyId) -> None:
    """Neither to read nor to write."""
    with refused("NotFoundException", "No such policy exists"):
        service.call("GetKeyPolicy", key_id=key_id, policy_name="other")
    with refused("NotFoundException", "No such policy exists"):
        service.call("PutKeyPolicy", key_id=key_id, policy_name="other", policy="{}")


def test_a_policy_must_be_acceptable(service: SimulatedService, key_id: KeyId) -> None:
    """The judge of policies decides, and is told whether the caller insists."""
    service.judge.refused_policies = {"{}"}
    with refused("MalformedPolicyDocumentException"):
        service.call("PutKeyPolicy", key_id=key_id, policy="{}")
    service.call("PutKeyPolicy", key_id=key_id, policy="{}", bypass_policy_lockout_safety_check=True)
    assert service.call("GetKeyPolicy", key_id=key_id).policy == "{}"
