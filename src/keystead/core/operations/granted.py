"""The grants of a key made ready for many decisions: by operation and by who is named."""

from typing import Final, TypeAlias

from keystead.core.keys.attachments import KeyGrant, read_grants
from keystead.core.policy.grants import Constraint, Grant, operation_of
from keystead.core.policy.principals import Principal, grantee

_NONE: Final[tuple[Grant, ...]] = ()
_Named: TypeAlias = tuple[str, str]


def name_of(principal: str) -> str:
    """Return the one name of whom a grant names, who may be written in several ways: an account's number, or an ARN.

    Raises:
        ServiceError: MalformedPolicyDocumentException if it names no principal, or anyone.
    """
    named = grantee(principal)
    (name,) = named.names | named.accounts
    return name


def retirers(attachment: bytes) -> frozenset[str]:
    """Return the names of all who may retire one of these grants because it names them; RecordError for no grants."""
    return frozenset(name_of(grant.retiring) for grant in read_grants(attachment) if grant.retiring)


class Granted:
    """What the grants of one attachment allow. Those that name somebody else cost a decision nothing."""

    __slots__ = ("_by_name",)

    def __init__(self, attachment: bytes) -> None:
        """Read the attachment; RecordError if it holds no grants."""
        self._by_name: dict[_Named, tuple[Grant, ...]] = {}
        for stored in read_grants(attachment):
            grant, named = readable(stored), grantee(stored.grantee)
            for place in (
                (operation, name) for operation in stored.operations for name in named.names | named.accounts
            ):
                self._by_name[place] = (*self._by_name.get(place, _NONE), grant)

    def concerning(self, action: str, asks: Principal) -> tuple[Grant, ...]:
        """Return the grants for this action that name the principal in any way."""
        operation = operation_of(action)
        if operation is None:
            return _NONE
        names = (*asks.direct, *asks.general, asks.account)
        return tuple(grant for name in names for grant in self._by_name.get((operation, name), _NONE))


def readable(stored: KeyGrant) -> Grant:
    """Return a stored grant as what policies are evaluated with."""
    constraint = stored.constraint
    return Grant(
        id=stored.grant_id,
        grantee=stored.grantee,
        operations=frozenset(stored.operations),
        constraint=None if constraint is None else Constraint(constraint.kind, dict(constraint.pairs)),
        retiring=stored.retiring or None,
        name=stored.name,
    )
