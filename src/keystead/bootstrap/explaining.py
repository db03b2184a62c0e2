"""``keystead policy explain``: a verdict on a request that is only imagined."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from keystead.bootstrap.reporting import show
from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.document import PolicyKind, parse
from keystead.core.policy.evaluation import Identity, Root
from keystead.core.policy.explanation import explain
from keystead.core.policy.grants import Constraint, Grant
from keystead.core.policy.principals import Principal, grantee, principal
from keystead.core.policy.request import AccessRequest, of_principal
from keystead.core.policy.variables import Values
from keystead.errors import FormatError, OperatorError, ServiceError
from keystead.identifiers import parse_arn
from keystead.interfaces.cli.policy import ExplainOptions

ALLOWED: Final = "allowed"
CONTEXT: Final = "kms:encryptioncontext:"


class ListedConstraints(msgspec.Struct, frozen=True, rename="pascal"):
    """Constraints as ListGrants tells them."""

    encryption_context_equals: dict[str, str] | None = None
    encryption_context_subset: dict[str, str] | None = None


class ListedGrant(msgspec.Struct, frozen=True, rename="pascal"):
    """A grant as ListGrants tells it."""

    grant_id: str
    grantee_principal: str
    operations: frozenset[str]
    constraints: ListedConstraints | None = None


class ListedGrants(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer of ListGrants."""

    grants: list[ListedGrant]


def explain_request(options: ExplainOptions) -> int:
    """Print a line for each statement and grant, then the verdict; 0 if the request is allowed, 1 if it is denied.

    Raises:
        OperatorError: a file cannot be read or is no policy; the principal or the key is none.
    """
    try:
        asks = principal(options.principal, role=options.role)
    except FormatError:
        raise OperatorError(f"{options.principal} cannot ask", "give a user, a session with --role, or root") from None
    policy = _policy(options.policy, PolicyKind.KEY)
    identity = tuple(_policy(path, PolicyKind.IDENTITY) for path in options.identity_policies)
    lines = explain(_request(options, asks), policy, _identity(asks, identity), _grants(options.grants))
    show("\n".join(lines))
    return 0 if lines[-1] == ALLOWED else 1


def _identity(asks: Principal, policies: tuple[Compiled, ...]) -> Identity:
    return policies if asks.direct or asks.general else Root.USER


def _request(options: ExplainOptions, asks: Principal) -> AccessRequest:
    arn = parse_arn(options.key)
    if arn is None:
        raise OperatorError(f"{options.key} is not the ARN of a key", "give it as aws kms describe-key prints it")
    context = _pairs(options.encryption_context)
    values: dict[str, Values] = {name.lower(): value for name, value in _pairs(options.conditions).items()}
    if context:
        values["kms:encryptioncontextkeys"] = tuple(context)
        values |= {f"{CONTEXT}{name.lower()}": value for name, value in context.items()}
    return AccessRequest(
        principal=asks,
        action=options.action,
        resource=options.key,
        resource_account=arn.account,
        context=values | of_principal(asks),
        encryption_context=context,
    )


def _pairs(written: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in written]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise OperatorError(f"{name!r} has no value", "write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _policy(path: Path, kind: PolicyKind) -> Compiled:
    try:
        return compiled(parse(_read(path), kind))
    except ServiceError as error:
        raise OperatorError(f"{path}: {error.message or error.code}", "correct the policy") from None


def _grants(path: Path | None) -> tuple[Grant, ...]:
    if path is None:
        return ()
    try:
        listed = msgspec.json.decode(_read(path), type=ListedGrants)
        return tuple(_grant(one) for one in listed.grants)
    except (msgspec.DecodeError, ServiceError):
        raise OperatorError(f"{path} holds no grants", "write it with aws kms list-grants --output json") from None


def _grant(listed: ListedGrant) -> Grant:
    grantee(listed.grantee_principal)
    constraint = None
    if listed.constraints is not None and listed.constraints.encryption_context_equals is not None:
        constraint = Constraint("Equals", listed.constraints.encryption_context_equals)
    elif listed.constraints is not None and listed.constraints.encryption_context_subset is not None:
        constraint = Constraint("Subset", listed.constraints.encryption_context_subset)
    return Grant(
        id=listed.grant_id, grantee=listed.grantee_principal, operations=listed.operations, constraint=constraint
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", "name a file that can be read") from None
