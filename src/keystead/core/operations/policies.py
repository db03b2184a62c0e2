"""GetKeyPolicy, PutKeyPolicy and ListKeyPolicies."""

from typing import Final

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed
from keystead.core.operations.conditions import of_key, of_new_policy
from keystead.core.operations.context import Access, Context, Done
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

NAME: Final = "default"
"""The one policy that a key has."""


def get_key_policy(_context: Context, request: GetKeyPolicyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Give the policy as it was put."""
    (key,) = keys
    _default(request.policy_name)
    return Done(GetKeyPolicyResponse(policy=key.attachment(POLICY).decode(), policy_name=NAME))


def put_key_policy(context: Context, request: PutKeyPolicyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Replace the policy."""
    (key,) = keys
    _default(request.policy_name)
    access = Access(
        "kms:PutKeyPolicy",
        key.head.arn,
        key,
        lambda: of_key(key) | of_new_policy(context.claims, request, keys, 0),
    )
    bypass = bool(request.bypass_policy_lockout_safety_check)
    context.judge.admit_policy(context, access, request.policy, bypass_lockout_check=bypass)
    return Done(None, Change((changed(context, key, attachments={POLICY: request.policy.encode()}),)))


def list_key_policies(_context: Context, request: ListKeyPoliciesRequest, _keys: tuple[OpenedKey, ...]) -> Done:
    """List the names of the key's policies: one."""
    names, marker = page("ListKeyPolicies", [NAME], request.limit, request.marker)
    return Done(ListKeyPoliciesResponse(policy_names=names, next_marker=marker, truncated=marker is not None))


def _default(name: str | None) -> None:
    if name not in (None, NAME):
        raise ServiceError("NotFoundException", "No such policy exists")
