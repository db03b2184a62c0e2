"""Grants over the public protocol."""

import pytest
from botocore.exceptions import ClientError

from tests.acceptance.service import Service

pytestmark = pytest.mark.slow
CONTEXT = {"department": "research"}


def test_a_client_makes_lists_uses_and_retires_grants(service: Service) -> None:
    """Pages, tokens, names and refusals as boto3 expects them."""
    kms = service.client()
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    account = arn.split(":")[4]
    asked = {"KeyId": arn, "GranteePrincipal": f"arn:aws:iam::{account}:user/alice", "Operations": ["Encrypt"]}
    made = kms.create_grant(Name="app", Constraints={"EncryptionContextSubset": CONTEXT}, **asked)
    assert (
        kms.create_grant(Name="app", Constraints={"EncryptionContextSubset": CONTEXT}, **asked)["GrantId"]
        == made["GrantId"]
    )
    mine = kms.create_grant(RetiringPrincipal=f"arn:aws:iam::{account}:root", **asked)
    pages = kms.get_paginator("list_retirable_grants").paginate(RetiringPrincipal=account)
    (retirable,) = (entry for page in pages for entry in page["Grants"])
    assert (retirable["KeyId"], retirable["GrantId"]) == (arn, mine["GrantId"])
    kms.retire_grant(KeyId=arn, GrantId=mine["GrantId"])
    assert kms.list_retirable_grants(RetiringPrincipal=account)["Grants"] == []
    kms.encrypt(KeyId=arn, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    other = kms.create_grant(**asked)
    pages = kms.get_paginator("list_grants").paginate(KeyId=arn, PaginationConfig={"PageSize": 1})
    listed = [entry for page in pages for entry in page["Grants"]]
    assert {entry["GrantId"] for entry in listed} == {made["GrantId"], other["GrantId"]}
    (named,) = (entry for entry in listed if entry["Name"])
    assert named["Constraints"] == {"EncryptionContextSubset": CONTEXT}
    kms.retire_grant(GrantToken=made["GrantToken"])
    kms.revoke_grant(KeyId=arn, GrantId=other["GrantId"])
    assert kms.list_grants(KeyId=arn)["Grants"] == []
    for code, name, members in (
        ("NotFoundException", "revoke_grant", {"KeyId": arn, "GrantId": other["GrantId"]}),
        ("InvalidGrantTokenException", "encrypt", {"KeyId": arn, "Plaintext": b"x", "GrantTokens": ["x"]}),
        ("DryRunOperationException", "create_grant", {"DryRun": True, **asked}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(kms, name)(**members)
        assert caught.value.response["Error"]["Code"] == code
