"""The decision on one request by all policies and grants that concern it (``spec/policy.md``, Evaluation).

1. A statement that denies, in any of them, decides.
2. On the side of the key someone must allow: a statement of the key policy that names who asks, or his account, or
   anyone; or a grant.
3. On the side of who asks the identity policies must allow as well, if the key policy only names the account, or if the
   key is in another account.
4. Boundary and session policy, where there are any, must allow whatever does not rest on the principal's very own name.

Where no key is concerned the identity policies decide alone.
"""

from enum import Enum
from typing import Final, TypeAlias

from keystead.core.policy.budget import Budget
from keystead.core.policy.compiled import Compiled
from keystead.core.policy.document import PolicyKind
from keystead.core.policy.grants import Grant, naming, operation_of, permits
from keystead.core.policy.principals import Naming
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.verdict import (
    Allowed,
    DeniedExplicitly,
    DeniedImplicitly,
    GrantGround,
    Ground,
    PolicyGround,
    RootGround,
    Verdict,
)


class Root(Enum):
    """In place of identity policies: who asks is the root user of his account, who may whatever the account may."""

    USER = "root user"


Identity: TypeAlias = tuple[Compiled, ...] | Root
"""What is attached to who asks: identity policies, boundary, session policies, in any order."""

IDENTITY_ONLY: Final = frozenset(
    f"kms:{name}"
    for name in (
        "CreateKey",
        "ListKeys",
        "ListAliases",
        "GenerateRandom",
        "ListRetirableGrants",
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "DeleteCustomKeyStore",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    )
)
"""The actions on which no key policy has a say."""

_LIMITS: Final = (PolicyKind.BOUNDARY, PolicyKind.SESSION)
_ROOT_USER: Final = Root.USER  # reading a name is faster than reading a member
_NOT, _ACCOUNT, _, _DIRECTLY = Naming
_AS_ROOT: Final = RootGround()


def evaluate(
    request: AccessRequest, key_policy: Compiled | None, identity: Identity, grants: tuple[Grant, ...] = ()
) -> Verdict:
    """Return the verdict on the request.

    ``key_policy`` and ``grants`` are those of the key that the resource is; None and nothing for a resource that is no
    key. ``request.resource`` is a key exactly if its ARN says so: a key without its policy is never allowed.

    Raises:
        ServiceError: LimitExceededException if the decision takes more steps than ``core.policy.budget.STEPS``.
    """
    budget = Budget()
    if request.action in IDENTITY_ONLY:
        key_policy = None
    denied = None if key_policy is None else _denied(request, key_policy, budget)
    if identity is not _ROOT_USER:
        for policy in identity:
            denied = denied or _denied(request, policy, budget)
    if denied is not None:
        return DeniedExplicitly(denied)
    if key_policy is not None:
        return _on_key(request, key_policy, identity, grants, budget)
    if _is_key(request.resource):
        return DeniedImplicitly(PolicyKind.KEY)
    return _with_identity(request, identity, (), budget)


def _is_key(resource: str) -> bool:
    return ":key/" in resource


def _denied(request: AccessRequest, policy: Compiled, budget: Budget) -> PolicyGround | None:
    for statement in policy.select(request.action).denies:
        if statement.applies(request, budget):
            return statement.ground
    return None


def _on_key(
    request: AccessRequest, key_policy: Compiled, identity: Identity, grants: tuple[Grant, ...], budget: Budget
) -> Verdict:
    named, ground = _by_key_policy(request, key_policy, budget)
    if named < _DIRECTLY and grants:
        granted, grant = _by_grant(request, grants)
        if granted > named:
            named, ground = granted, grant
    if ground is None:
        return DeniedImplicitly(PolicyKind.KEY)
    if named is _ACCOUNT or request.principal.account != request.resource_account:
        return _with_identity(request, identity, (ground,), budget)
    lacking = None if named is _DIRECTLY else _lacking(request, identity, budget)
    return Allowed((ground,)) if lacking is None else DeniedImplicitly(lacking)


def _by_key_policy(request: AccessRequest, key_policy: Compiled, budget: Budget) -> tuple[Naming, Ground | None]:
    best, ground = _NOT, None
    for statement in key_policy.select(request.action).allows:
        named = statement.applies(request, budget)
        if named > best:
            best, ground = named, statement.ground
            if named is _DIRECTLY:
                break
    return best, ground


def _by_grant(request: AccessRequest, grants: tuple[Grant, ...]) -> tuple[Naming, Ground | None]:
    best, ground = _NOT, None
    operation = operation_of(request.action)
    if operation is None:
        return best, ground
    for grant in grants:
        if permits(grant, operation, request.encryption_context, request.new_grant):
            named = naming(grant, request.principal)
            if named > best:
                best, ground = named, GrantGround(grant.id)
    return best, ground


def _with_identity(request: AccessRequest, identity: Identity, grounds: tuple[Ground, ...], budget: Budget) -> Verdict:
    if identity is _ROOT_USER:
        return Allowed((*grounds, _AS_ROOT))
    own = _allowed(request, identity, PolicyKind.IDENTITY, budget)
    if own is None:
        return DeniedImplicitly(PolicyKind.IDENTITY)
    lacking = _lacking(request, identity, budget)
    return Allowed((*grounds, own)) if lacking is None else DeniedImplicitly(lacking)


def _allowed(
    request: AccessRequest, policies: tuple[Compiled, ...], kind: PolicyKind, budget: Budget
) -> PolicyGround | None:
    for policy in policies:
        if policy.kind is kind:
            for statement in policy.select(request.action).allows:
                if statement.applies(request, budget):
                    return statement.ground
    return None


def _lacking(request: AccessRequest, identity: Identity, budget: Budget) -> PolicyKind | None:
    """Return the limit that exists and does not allow the request."""
    if not identity or identity is _ROOT_USER:
        return None
    for kind in _LIMITS:
        if any(policy.kind is kind for policy in identity) and _allowed(request, identity, kind, budget) is None:
            return kind
    return None
