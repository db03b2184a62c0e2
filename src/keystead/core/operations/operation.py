"""What one row of the table of operations says, and what is done with it inside a module."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.states import admit
from keystead.core.operations.authorization import Authorization, AuthorizationsOf
from keystead.core.operations.conditions import ConditionsOf, Known, none, of_key
from keystead.core.operations.context import Access, Context, Done
from keystead.core.operations.lookup import Lookup, hold
from keystead.core.protocols.aws_json.limits import body_limit
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.shapes import OPERATIONS as MODEL
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region, alias_arn

LookupOf: TypeAlias = Callable[[Any, AccountId, Region], Lookup]
"""From the request and its caller's account and region to the records that it needs."""
Handler: TypeAlias = Callable[[Context, Any, tuple[OpenedKey, ...]], Done]
Unit: TypeAlias = Literal["use", "reading", "change"]
"""What is metered: a use of key material, something read about keys, a change of them."""

DEADLINE_MS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the service."""

    name: str
    lookup: LookupOf
    authorizations: AuthorizationsOf
    handler: Handler
    unit: Unit
    conditions: ConditionsOf = none
    judged: tuple[int, ...] = (0,)
    """Places of the keys whose state is judged (``core.keys.states``)."""
    cross_account: bool = False
    """Whether it can be done on a key of another account, if that key's policy allows."""
    deadline_ms: int = DEADLINE_MS

    @property
    def request(self) -> type[Shape]:
        """The shape of its requests."""
        return MODEL[self.name].input

    @property
    def body_limit(self) -> int:
        """The most octets that the body of a request may have."""
        return body_limit(self.name)

    @property
    def mutates(self) -> bool:
        """Whether it changes what is stored."""
        return self.unit == "change"


def perform(operation: Operation, context: Context, request: Shape, keys: tuple[OpenedKey, ...]) -> Done:
    """Do what a verified request asks, with keys that were opened: the one way from request to answer and change.

    First the keys are held against the request, then every permission is asked for, then the keys' states are judged:
    who may not use a key does not learn its state.

    Raises:
        ServiceError: the answer is this error of the service.
        RecordError: the records are not those of the keys that were asked for, or do not belong together.
        ProofReplayed: the proof was used for a change before.
    """
    hold(operation.lookup(request, context.account, context.region), keys, context.names)
    if not operation.cross_account:
        _own_keys(operation, context, keys)
    for authorization in operation.authorizations(request):
        _authorize(operation, context, request, keys, authorization)
    for place in operation.judged:
        admit(keys[place].head, operation.name)
    return operation.handler(context, request, keys)


def _own_keys(operation: Operation, context: Context, keys: tuple[OpenedKey, ...]) -> None:
    for key in keys:
        if key.head.account != context.claims.account:
            who = context.claims.principal
            raise ServiceError(
                "AccessDeniedException",
                f"User: {who} is not authorized to perform: kms:{operation.name} on resource: {key.head.arn}",
            )


def _authorize(
    operation: Operation,
    context: Context,
    request: Shape,
    keys: tuple[OpenedKey, ...],
    authorization: Authorization,
) -> None:
    claims = context.claims
    place = authorization.key
    key = None if place is None else keys[place]

    def conditions() -> Known:
        return of_key(key) | operation.conditions(claims, request, keys, place)

    if key is not None:
        resource = key.head.arn
    elif authorization.alias is not None:
        resource = alias_arn(claims.region, claims.account, authorization.alias)
    else:
        resource = "*"
    context.judge.authorize(context, Access(authorization.action, resource, key, conditions))
