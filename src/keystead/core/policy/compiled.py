"""Policies made ready for many decisions: per action the statements that speak of it, tests as functions."""

from collections.abc import Callable
from typing import Final

import msgspec

from keystead.core.policy.budget import Budget
from keystead.core.policy.conditions import Holds, holds
from keystead.core.policy.document import Effect, Listed, PolicyDocument, PolicyKind, Statement
from keystead.core.policy.patterns import matcher, pattern
from keystead.core.policy.principals import Naming, Principal
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.resources import everything, resource
from keystead.core.policy.verdict import PolicyGround

_NOT: Final = Naming.NOT


class CompiledStatement(msgspec.Struct, frozen=True, gc=False):
    """One statement as tests."""

    source: Statement
    ground: PolicyGround
    names: Callable[[Principal], Naming]
    """Tells how the statement names a principal; a policy attached to the principal needs no name."""
    covers: Callable[[AccessRequest, Budget], bool]
    """Tells whether the statement speaks of the resource."""
    conditions: tuple[Holds, ...]

    def applies(self, request: AccessRequest, budget: Budget) -> Naming:
        """Return how the statement names who asks, if it matches the request, whose action it speaks of.

        Raises:
            ServiceError: LimitExceededException if that takes more than the budget has left.
        """
        named = self.names(request.principal)
        if not (named and self.covers(request, budget)):
            return _NOT
        if self.conditions:
            context = request.values()
            for condition in self.conditions:
                if not condition(context, budget):
                    return _NOT
        return named


class Selected(msgspec.Struct, frozen=True, gc=False):
    """The statements of a policy that speak of one action."""

    denies: tuple[CompiledStatement, ...]
    allows: tuple[CompiledStatement, ...]


class Compiled:
    """A policy made ready. It stays as it is; what it remembers of the service's actions only saves time."""

    __slots__ = ("_selected", "kind", "statements")

    def __init__(self, kind: PolicyKind, statements: tuple[CompiledStatement, ...]) -> None:
        self.kind: Final = kind
        self.statements: Final = statements
        self._selected: dict[str, Selected] = {}

    def select(self, action: str) -> Selected:
        """Return the statements that speak of the action, which is one of the service's."""
        found = self._selected.get(action)
        if found is None:
            found = self._selected[action] = self._select(action)
        return found

    def _select(self, action: str) -> Selected:
        speaking = [one for one in self.statements if speaks_of(one.source, action)]
        return Selected(
            tuple(one for one in speaking if one.source.effect is Effect.DENY),
            tuple(one for one in speaking if one.source.effect is Effect.ALLOW),
        )


def speaks_of(statement: Statement, action: str) -> bool:
    """Whether the statement has an action element that the action matches; case does not matter."""
    actions = statement.actions
    if actions is None:
        return False
    asked = action.lower()
    return any(matcher(pattern(text.lower()))(asked, Budget()) for text in actions.texts) is not actions.negated


def compiled(document: PolicyDocument) -> Compiled:
    """Return the policy, ready for decisions."""
    statements = enumerate(document.statements, 1)
    return Compiled(document.kind, tuple(_statement(one, place, document) for place, one in statements))


def _statement(statement: Statement, place: int, document: PolicyDocument) -> CompiledStatement:
    allow = statement.effect is Effect.ALLOW
    return CompiledStatement(
        statement,
        PolicyGround(document.kind, place, statement.sid),
        _names(statement),
        _covers(statement.resources, variables=document.variables),
        tuple(holds(one, variables=document.variables, allow=allow) for one in statement.conditions),
    )


def _names(statement: Statement) -> Callable[[Principal], Naming]:
    listed = statement.principals
    if listed is None:
        return lambda _: Naming.DIRECTLY
    if not statement.all_but_principals:
        return listed.naming
    if statement.effect is Effect.DENY:
        return lambda asks: Naming.NOT if listed.lists_wholly(asks) else Naming.GENERALLY
    return lambda asks: Naming.NOT if listed.naming(asks) else Naming.GENERALLY


def _covers(listed: Listed | None, *, variables: bool) -> Callable[[AccessRequest, Budget], bool]:
    if listed is None:
        return lambda _request, _budget: False
    tests = [resource(text, variables=variables) for text in listed.texts]
    negated = listed.negated
    if everything in tests:
        return lambda _request, _budget: not negated
    return lambda request, budget: (
        any(test(request.resource, request.values(), budget) for test in tests) is not negated
    )
