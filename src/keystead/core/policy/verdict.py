"""Verdicts: what was decided, and by what. A verdict is never a truth value; ``require`` is how it takes effect."""

from typing import NoReturn, TypeAlias

import msgspec

from keystead.core.policy.document import PolicyKind
from keystead.core.policy.request import AccessRequest
from keystead.errors import ServiceError


class PolicyGround(msgspec.Struct, frozen=True, gc=False):
    """A statement of a policy."""

    kind: PolicyKind
    statement: int
    """Its place, counted from 1."""
    sid: str | None


class GrantGround(msgspec.Struct, frozen=True, gc=False):
    """A grant on the key."""

    id: str


class RootGround(msgspec.Struct, frozen=True, gc=False):
    """The root user may do everything that his account may."""


Ground: TypeAlias = PolicyGround | GrantGround | RootGround


class _Verdict(msgspec.Struct, frozen=True, gc=False):
    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict is no truth value: use require")


class Allowed(_Verdict, frozen=True, gc=False):
    """The request may be performed."""

    grounds: tuple[Ground, ...]
    """On the side of the resource first, then on the side of who asks where that was needed."""


class DeniedExplicitly(_Verdict, frozen=True, gc=False):
    """A statement forbids it; nothing can allow it then."""

    ground: PolicyGround


class DeniedImplicitly(_Verdict, frozen=True, gc=False):
    """Nothing forbids it, but not everything that must allow it does."""

    lacking: PolicyKind
    """The first kind of policy that would have had to allow it."""


Denied: TypeAlias = DeniedExplicitly | DeniedImplicitly
Verdict: TypeAlias = Allowed | Denied


def require(verdict: Verdict, request: AccessRequest) -> Allowed:
    """Return the verdict if it allows the request.

    Raises:
        ServiceError: AccessDeniedException in the words of the service, if it does not.
    """
    if isinstance(verdict, Allowed):
        return verdict
    raise ServiceError(
        "AccessDeniedException",
        f"User: {request.principal.arn} is not authorized to perform: {request.action} "
        f"on resource: {request.resource} {why(verdict, request)}",
    )


def why(verdict: Denied, request: AccessRequest) -> str:
    """Return the reason in the words of the service."""
    if isinstance(verdict, DeniedImplicitly):
        return f"because no {verdict.lacking.value} allows the {request.action} action"
    kind = verdict.ground.kind
    return f"with an explicit deny in {'an' if kind is PolicyKind.IDENTITY else 'a'} {kind.value}"
