"""How callers name keys, and what they hear of names that lead nowhere."""

import pytest

from keystead.core.operations.references import (
    AliasNamed,
    CiphertextNamed,
    KeyNamed,
    alias_of,
    any_reference,
    existing_alias,
    key_reference,
)
from keystead.errors import RecordError
from keystead.identifiers import AliasName, KeyId
from tests.simulators.operations import ACCOUNT, OTHER_ACCOUNT, REGION, SimulatedService, refused

UUID = KeyId("1234abcd-12ab-34cd-56ef-1234567890ab")
MRK = KeyId("mrk-1234abcd12ab34cd56ef1234567890ab")
ARN = f"arn:aws:kms:{REGION}"
INVALID = {
    "a UUID in capitals": (UUID.upper(), UUID.upper()),
    "a UUID without dashes": (UUID.replace("-", ""), UUID.replace("-", "")),
    "a multi-Region id that is too short": (MRK[:-1], MRK[:-1]),
    "a name without a prefix": ("app", "app"),
    "the ARN of another service": (f"arn:aws:s3:{REGION}:{ACCOUNT}:key/{UUID}",) * 2,
    "the ARN of another partition": (f"arn:aws-cn:kms:{REGION}:{ACCOUNT}:key/{UUID}",) * 2,
    "an ARN without an account": (f"{ARN}::key/{UUID}",) * 2,
    "an ARN of neither key nor alias": (f"{ARN}:{ACCOUNT}:grant/{UUID}",) * 2,
    "the ARN of no key id": (f"{ARN}:{ACCOUNT}:key/app", "app"),
    "a trailing line end": (f"{UUID}\n",) * 2,
}


@pytest.mark.parametrize("key_id", [UUID, MRK])
def test_keys_are_named_by_id_and_arn(key_id: KeyId) -> None:
    """A bare id means the caller's account, an ARN the one that it names."""
    for text, account in ((key_id, ACCOUNT), (f"{ARN}:{OTHER_ACCOUNT}:key/{key_id}", OTHER_ACCOUNT)):
        for reference in (key_reference, any_reference):
            assert reference(text, ACCOUNT, REGION) == KeyNamed(account, REGION, key_id)


def test_aliases_are_named_by_name_and_arn() -> None:
    """A bare name means the caller's account; where only keys can be named it is no key id."""
    name = AliasName("alias/a/b:c")
    for text, account in ((name, ACCOUNT), (f"{ARN}:{OTHER_ACCOUNT}:{name}", OTHER_ACCOUNT)):
        assert any_reference(text, ACCOUNT, REGION) == AliasNamed(account, REGION, name)
        with refused("NotFoundException", f"Invalid keyId '{text}'"):
            key_reference(text, ACCOUNT, REGION)


@pytest.mark.parametrize(("text", "shown"), INVALID.values(), ids=INVALID)
def test_a_name_of_another_form_names_nothing(text: str, shown: str) -> None:
    """The caller hears which part of it is no key id."""
    for reference in (key_reference, any_reference):
        with refused("NotFoundException", f"Invalid keyId '{shown}'"):
            reference(text, ACCOUNT, REGION)


def test_an_arn_of_another_region_is_not_here() -> None:
    """Whether there is such a key is not looked up."""
    with refused("NotFoundException", "Invalid arn us-west-2"):
        any_reference(f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{UUID}", ACCOUNT, REGION)


def test_what_is_missing_is_told_by_its_arn() -> None:
    """A key by the service's words for keys, an alias by those for aliases; a ciphertext's key as one not allowed."""
    missing = KeyNamed(ACCOUNT, REGION, UUID).missing()
    assert (missing.code, missing.message) == (
        "NotFoundException",
        f"Key '{ARN}:{ACCOUNT}:key/{UUID}' does not exist",
    )
    missing = AliasNamed(ACCOUNT, REGION, AliasName("alias/app")).missing()
    assert (missing.code, missing.message) == ("NotFoundException", f"Alias {ARN}:{ACCOUNT}:alias/app is not found.")
    assert CiphertextNamed(REGION, UUID).missing().code == "AccessDeniedException"


def test_a_bare_id_or_name_means_a_key_of_the_callers_account() -> None:
    """Who is of another account names a key by ARN; only operations that allow it go on then."""
    service = SimulatedService()
    key_id = service.create()
    arn = service.head(key_id).arn
    service.call("CreateAlias", alias_name="alias/app", target_key_id=key_id)
    with refused("NotFoundException", f"Alias {ARN}:{OTHER_ACCOUNT}:alias/app is not found."):
        service.call("Encrypt", OTHER_ACCOUNT, key_id="alias/app", plaintext=b"x")
    for form in (arn, f"{ARN}:{ACCOUNT}:alias/app"):
        assert service.call("Encrypt", OTHER_ACCOUNT, key_id=form, plaintext=b"x").key_id == arn
        assert service.call("DescribeKey", OTHER_ACCOUNT, key_id=form).key_metadata.arn == arn
    message = f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: kms:DisableKey on resource: {arn}"
    with refused("AccessDeniedException", message):
        service.call("DisableKey", OTHER_ACCOUNT, key_id=arn)


def test_an_alias_that_a_key_does_not_have_is_not_taken_from_it() -> None:
    """Whoever relies on an alias that was held against the key before is told if it is not there."""
    service = SimulatedService()
    key = service.open(service.records[service.create()])
    assert alias_of(key, "alias/app") is None
    with pytest.raises(RecordError):
        existing_alias(key, AliasName("alias/app"))


def test_an_alias_has_an_end() -> None:
    """What is longer than any alias names none, whoever is asked."""
    name = AliasName("alias/" + "x" * 250)
    assert any_reference(name, ACCOUNT, REGION) == AliasNamed(ACCOUNT, REGION, name)
    for text in (f"{name}x", f"{ARN}:{ACCOUNT}:{name}x"):
        with refused("NotFoundException", f"Alias {ARN}:{ACCOUNT}:{name}x is not found."):
            any_reference(text, ACCOUNT, REGION)
