"""GetKeyPolicy, PutKeyPolicy and ListKeyPolicies."""

from typing import Final

from msgspec import json

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed
from keystead.core.operations.context import Context, Done
from keystead.core.operations.paging import page
from keystead.core.protocols.aws_json.shapes import (
    GetKeyPolicyRequest,
    GetKeyPolicyResponse,
    ListKeyPoliciesRequest,
    ListKeyPoliciesResponse,
    PutKeyPolicyRequest,
)
from keystead.core.records import POLICY, Change
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, root_arn

NAME: Final = "default"
"""The one policy that a key has."""
MAX_POLICY: Final = 32_768


def default_policy(account: AccountId) -> str:
    """Return the policy of a key that is created without one: the account's identity policies decide."""
    return json.format(
        json.encode(
            {
                "Version": "2012-10-17",
                "Id": "key-default-1",
                "Statement": [
                    {
                        "Sid": "Enable IAM User Permissions",
                        "Effect": "Allow",
                        "Principal": {"AWS": root_arn(account)},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            }
        ).decode(),
        indent=2,
    )


def acceptable_policy(context: Context, policy: str, *, bypass_lockout_check: bool) -> None:
    """Raise LimitExceededException or MalformedPolicyDocumentException unless this may become a key's policy."""
    if len(policy.encode()) > MAX_POLICY:
        raise ServiceError("LimitExceededException", f"The key policy is longer than {MAX_POLICY} bytes.")
    context.judge.admit_policy(context.claims, policy, bypass_lockout_check=bypass_lockout_check)


def get_key_policy(_context: Context, request: GetKeyPolicyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Give the policy as it was put."""
    (key,) = keys
    _default(request.policy_name)
    return Done(GetKeyPolicyResponse(policy=key.attachment(POLICY).decode(), policy_name=NAME))


def put_key_policy(context: Context, request: PutKeyPolicyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Replace the policy."""
    (key,) = keys
    _default(request.policy_name)
    bypass = bool(request.bypass_policy_lockout_safety_check)
    acceptable_policy(context, request.policy, bypass_lockout_check=bypass)
    return Done(None, Change((changed(context, key, attachments={POLICY: request.policy.encode()}),)))


def list_key_policies(_context: Context, request: ListKeyPoliciesRequest, _keys: tuple[OpenedKey, ...]) -> Done:
    """List the names of the key's policies: one."""
    names, marker = page("ListKeyPolicies", [NAME], request.limit, request.marker)
    return Done(ListKeyPoliciesResponse(policy_names=names, next_marker=marker, truncated=marker is not None))


def _default(name: str | None) -> None:
    if name not in (None, NAME):
        raise ServiceError("NotFoundException", "No such policy exists")
