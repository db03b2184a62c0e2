"""What grants ask of a request: its encryption context, and what a grant that it makes would allow."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystead.core.policy.grants import Constraint, NewGrant
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.shapes import CreateGrantRequest, GrantConstraints, ReEncryptRequest

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def encryption_context_of(request: Shape, place: int | None) -> Mapping[str, str]:
    """Return the encryption context that goes with the key at this place; empty if there is none."""
    if isinstance(request, ReEncryptRequest):
        return (request.destination_encryption_context if place else request.source_encryption_context) or NOTHING
    return getattr(request, "encryption_context", None) or NOTHING


def new_grant_of(request: Shape) -> NewGrant | None:
    """Return what the grant that is asked for would allow; None for every other request."""
    if not isinstance(request, CreateGrantRequest):
        return None
    return NewGrant(frozenset(request.operations), constraint_of(request.constraints))


def constraint_of(constraints: GrantConstraints | None) -> Constraint | None:
    """Return the constraint on the encryption context, or None without one; of two the stricter."""
    if constraints is None:
        return None
    if constraints.encryption_context_equals is not None:
        return Constraint("Equals", constraints.encryption_context_equals)
    if constraints.encryption_context_subset is not None:
        return Constraint("Subset", constraints.encryption_context_subset)
    return None
