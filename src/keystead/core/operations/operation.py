"""What one row of the table of operations says, and what is done with it inside a module."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from msgspec import structs

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.states import admit, is_gone
from keystead.core.operations.authorization import Authorization, AuthorizationsOf
from keystead.core.operations.conditions import ConditionsOf, Known, none, of_key, of_recipient
from keystead.core.operations.context import Access, Context, Done, Terms
from keystead.core.operations.grant_tokens import well_formed
from keystead.core.operations.lookup import Keys, Lookup, hold
from keystead.core.operations.quotas import QuotaOf
from keystead.core.operations.recipients import recipient_of
from keystead.core.operations.terms import encryption_context_of, new_grant_of
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.limits import body_limit
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.targets import EXTENSION, KMS
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region, alias_arn

LookupOf: TypeAlias = Callable[[Any, AccountId, Region], Lookup]
"""From the request and its caller's account and region to the records that it needs."""
Handler: TypeAlias = Callable[[Context, Any, tuple[OpenedKey, ...]], Done]
Unit: TypeAlias = Literal["use", "reading", "change"]
"""What is metered: a use of key material, something read about keys, a change of them."""

DEADLINE_MS: Final = 2_000
SERVICE: Final = "kms"


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
    of_ended_keys: bool = False
    """Whether it can be done on a key that was shredded; for every other operation there is no such key any more."""
    deadline_ms: int = DEADLINE_MS
    quota: QuotaOf | None = None
    """What a request counts against, if not against the quota of the operation's own name."""

    @property
    def target(self) -> str:
        """The ``X-Amz-Target`` of its requests."""
        return self.name if self.name.startswith(EXTENSION) else f"{KMS}{self.name}"

    @property
    def action(self) -> str:
        """What messages call the permission of its name."""
        service, _, name = self.name.rpartition(".")
        return f"{service.lower() or SERVICE}:{name}"

    @property
    def request(self) -> type[Shape]:
        """The shape of its requests."""
        return MODEL[self.name].input

    @property
    def body_limit(self) -> int:
        """The most octets that the body of a request may have."""
        return body_limit(self.name)

    def counts_against(self, request: Shape) -> str:
        """Return the name of the quota that a request counts against (``core.operations.quotas``)."""
        return self.name if self.quota is None else self.quota(request)

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
    lookup = operation.lookup(request, context.account, context.region)
    hold(lookup, keys, context.names)
    if not operation.of_ended_keys and isinstance(lookup, Keys):
        _existing(lookup, keys, context.now)
    if not operation.cross_account:
        _own_keys(operation, context, keys)
    well_formed(request)
    recipient = recipient_of(request, context.attestation, context.now)
    if recipient is not None:
        context = structs.replace(context, recipient=recipient)
    for authorization in operation.authorizations(request):
        _authorize(operation, context, request, keys, authorization)
    for place in operation.judged:
        admit(keys[place].head, operation.name)
    return operation.handler(context, request, keys)


def _existing(lookup: Keys, keys: tuple[OpenedKey, ...], now: int) -> None:
    """Refuse a key that is gone as one that never was; pages leave it out."""
    for place, key in enumerate(keys):
        if is_gone(key.head, now):
            raise lookup.wanted[place].reference.missing()


def _own_keys(operation: Operation, context: Context, keys: tuple[OpenedKey, ...]) -> None:
    for key in keys:
        if key.head.account != context.claims.account:
            who = context.claims.principal
            raise ServiceError(
                "AccessDeniedException",
                f"User: {who} is not authorized to perform: {operation.action} on resource: {key.head.arn}",
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
        return of_key(key) | of_recipient(context.recipient) | operation.conditions(claims, request, keys, place)

    if key is not None:
        resource = key.head.arn
    elif authorization.alias is not None:
        resource = alias_arn(claims.region, claims.account, authorization.alias)
    else:
        resource = authorization.resource

    def terms() -> Terms:
        return encryption_context_of(request, place), new_grant_of(request)

    context.judge.authorize(context, Access(authorization.action, resource, key, conditions, terms))
