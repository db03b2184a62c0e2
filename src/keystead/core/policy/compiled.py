"""Policies made ready for many decisions: per action the statements that speak of it, tests as functions."""

from collections.abc import Callable
from typing import Final

import msgspec

from keystead.core.policy.conditions import Holds, holds
from keystead.core.policy.document import Effect, Listed, PolicyDocument, PolicyKind, Statement
from keystead.core.policy.operators import Test
from keystead.core.policy.patterns import matcher, pattern
from keystead.core.policy.principals import Naming, Principal
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.resources import resource
from keystead.core.policy.verdict import PolicyGround

_NOT: Final = Naming.NOT
_ACTIONS: Final = 128
"""How many actions are remembered; the service has fewer."""


class CompiledStatement(msgspec.Struct, frozen=True, gc=False):
    """One statement as tests."""

    source: Statement
    ground: PolicyGround
    resources: tuple[Test, ...] | None
    """None if every resource matches."""
    conditions: tuple[Holds, ...]

    names: Callable[[Principal], Naming]
    """Tells how the statement names a principal; a policy attached to the principal needs no name."""

    def covers(self, request: AccessRequest) -> bool:
        """Whether the statement speaks of the resource."""
        if self.resources is None:
            return True
        found = any(test(request.resource, request.context) for test in self.resources)
        return found is not (self.source.resources is not None and self.source.resources.negated)

    def applies(self, request: AccessRequest) -> Naming:
        """Return how the statement names who asks, if it matches the request, whose action it speaks of."""
        named = self.names(request.principal)
        if not named or (self.resources is not None and not self.covers(request)):
            return _NOT
        if self.conditions:
            context = request.values()
            for condition in self.conditions:
                if not condition(context):
                    return _NOT
        return named


class Selected(msgspec.Struct, frozen=True, gc=False):
    """The statements of a policy that speak of one action."""

    denies: tuple[CompiledStatement, ...]
    allows: tuple[CompiledStatement, ...]


class Compiled:
    """A policy made ready. It stays as it is; what it remembers of actions only saves time."""

    __slots__ = ("_selected", "kind", "statements")

    def __init__(self, kind: PolicyKind, statements: tuple[CompiledStatement, ...]) -> None:
        self.kind: Final = kind
        self.statements: Final = statements
        self._selected: dict[str, Selected] = {}

    def select(self, action: str) -> Selected:
        """Return the statements that speak of the action."""
        found = self._selected.get(action)
        if found is None:
            found = self._select(action)
            if len(self._selected) < _ACTIONS:
                self._selected[action] = found
        return found

    def _select(self, action: str) -> Selected:
        speaking = [one for one in self.statements if speaks_of(one.source, action)]
        return Selected(
            tuple(one for one in speaking if one.source.effect is Effect.DENY),
            tuple(one for one in speaking if one.source.effect is Effect.ALLOW),
        )


def speaks_of(statement: Statement, action: str) -> bool:
    """Whether the statement has a resource, and an action element that the action matches; case does not matter."""
    actions = statement.actions
    if actions is None or statement.resources is None:
        return False
    asked = action.lower()
    return any(matcher(pattern(text.lower()))(asked) for text in actions.texts) is not actions.negated


def _names(statement: Statement) -> Callable[[Principal], Naming]:
    listed = statement.principals
    if listed is None:
        return lambda _: Naming.DIRECTLY
    if not statement.all_but_principals:
        return listed.naming
    if statement.effect is Effect.DENY:
        return lambda asks: Naming.NOT if listed.lists_wholly(asks) else Naming.GENERALLY
    return lambda asks: Naming.NOT if listed.naming(asks) else Naming.GENERALLY


def compiled(document: PolicyDocument) -> Compiled:
    """Return the policy, ready for decisions."""
    return Compiled(
        document.kind,
        tuple(
            CompiledStatement(
                statement,
                PolicyGround(document.kind, place, statement.sid),
                _resources(statement.resources, variables=document.variables),
                tuple(
                    holds(condition, variables=document.variables, allow=statement.effect is Effect.ALLOW)
                    for condition in statement.conditions
                ),
                _names(statement),
            )
            for place, statement in enumerate(document.statements, 1)
        ),
    )


def _resources(listed: Listed | None, *, variables: bool) -> tuple[Test, ...] | None:
    tests = [resource(text, variables=variables) for text in (listed.texts if listed else ())]
    if None not in tests:
        return tuple(test for test in tests if test is not None)
    return (_every,) if listed is not None and listed.negated else None


def _every(_resource: str, _context: object) -> bool:
    return True
