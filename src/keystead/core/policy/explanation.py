"""A verdict explained to a person: each statement and grant, whether it matched, and if not, what did not."""

import json
from collections.abc import Iterator
from typing import Final

from keystead.core.policy.budget import Budget
from keystead.core.policy.compiled import Compiled, CompiledStatement, speaks_of
from keystead.core.policy.document import Effect
from keystead.core.policy.evaluation import IDENTITY_ONLY, Identity, Root, evaluate
from keystead.core.policy.grants import Grant, naming, operation_of, permits
from keystead.core.policy.principals import Naming
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.verdict import Allowed, Verdict, why

_NAMED: Final = {
    Naming.ACCOUNT: "names the account: identity policies decide",
    Naming.GENERALLY: "names anyone, the role or the provider",
    Naming.DIRECTLY: "names who asks",
}


def explain(
    request: AccessRequest, key_policy: Compiled | None, identity: Identity, grants: tuple[Grant, ...] = ()
) -> tuple[str, ...]:
    """Return lines for a terminal: one for each statement and grant, the last the verdict.

    What policies hold is quoted as JSON in ASCII, so that no text of a policy controls the terminal.
    """
    verdict = evaluate(request, key_policy, identity, grants)
    return (*_reasons(request, key_policy, identity, grants), _decided(verdict, request))


def _reasons(
    request: AccessRequest, key_policy: Compiled | None, identity: Identity, grants: tuple[Grant, ...]
) -> Iterator[str]:
    if request.action in IDENTITY_ONLY:
        yield f"{request.action} is decided by identity policies alone"
    elif key_policy is not None:
        yield from _policy(request, key_policy)
        for grant in grants:
            yield f"grant {json.dumps(grant.id)}: {_grant(request, grant)}"
    if identity is Root.USER:
        yield "root user: may whatever the account may"
        return
    for policy in identity:
        yield from _policy(request, policy)


def _policy(request: AccessRequest, policy: Compiled) -> Iterator[str]:
    for statement in policy.statements:
        sid = "" if statement.ground.sid is None else f" {json.dumps(statement.ground.sid)}"
        yield f"{policy.kind.value}, statement {statement.ground.statement}{sid}: {_statement(request, statement)}"


def _statement(request: AccessRequest, statement: CompiledStatement) -> str:
    named = statement.names(request.principal)
    if not named:
        return "does not match: it does not name who asks"
    if not speaks_of(statement.source, request.action):
        return "does not match: it is not about the action"
    if not statement.covers(request, Budget()):
        return "does not match: it is not about the resource"
    for condition, holds in zip(statement.source.conditions, statement.conditions, strict=True):
        if not holds(request.context, Budget()):
            return f"does not match: the condition {json.dumps(str(condition))} does not hold"
    if statement.source.effect is Effect.DENY:
        return "matches and denies"
    return "matches and allows" if statement.source.principals is None else f"matches and allows: it {_NAMED[named]}"


def _grant(request: AccessRequest, grant: Grant) -> str:
    named = naming(grant, request.principal)
    if not named:
        return "does not match: it is for someone else"
    operation = operation_of(request.action)
    if operation is None or not permits(grant, operation, request.encryption_context, request.new_grant):
        return "does not match: its operations or its constraint do not fit"
    return f"matches and allows: it {_NAMED[named]}"


def _decided(verdict: Verdict, request: AccessRequest) -> str:
    return "allowed" if isinstance(verdict, Allowed) else f"denied {why(verdict, request)}"
