"""What is judged: who asks, for what, on which resource, under which circumstances."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from keystead.core.policy.grants import NewGrant
from keystead.core.policy.principals import Principal
from keystead.core.policy.variables import Context, Values
from keystead.identifiers import AccountId

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AccessRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One permission that is asked for."""

    principal: Principal
    action: str
    """Such as ``kms:Encrypt``."""
    resource: str
    """ARN of the key or alias, or ``*`` for operations on neither."""
    resource_account: AccountId
    """The account that owns the resource; the principal's own where there is none."""
    context: Context = _NOTHING
    encryption_context: Mapping[str, str] = _NOTHING
    """Names and values as they were sent, for the constraints of grants, which heed case."""
    new_grant: NewGrant | None = None
    """For ``kms:CreateGrant`` what the new grant would allow."""

    def values(self) -> Context:
        """Return the context as what it is made of."""
        return self.context.made() if isinstance(self.context, LazyContext) else self.context

    @property
    def is_unasked(self) -> bool:
        """Whether no policy has asked for a value so far: then no other circumstances would have changed a verdict."""
        return isinstance(self.context, LazyContext) and self.context.is_unasked


class LazyContext(Mapping[str, Values]):
    """A context that is made when a policy first asks for a value; most policies never ask."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Context]) -> None:
        self._make = make
        self._made: Context | None = None

    def made(self) -> Context:
        """Return the context, made now or before."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def is_unasked(self) -> bool:
        """Whether nobody has asked for a value so far."""
        return self._made is None

    def __getitem__(self, key: str) -> Values:
        return self.made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made())

    def __len__(self) -> int:
        return len(self.made())


def of_time(now: int) -> dict[str, Values]:
    """Return the condition keys of a moment, in milliseconds since 1970."""
    moment = _EPOCH + timedelta(milliseconds=now - now % 1000)
    return {"aws:currenttime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:epochtime": str(now // 1000)}


def of_principal(principal: Principal) -> dict[str, Values]:
    """Return the condition keys that a principal's ARN decides; they outrank what anyone else says of them."""
    kind = principal.arn.split(":", 5)[5].partition("/")[0]
    role = next((name for name in principal.general if ":role/" in name), None)
    values: dict[str, Values] = {
        "aws:principalarn": role or principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": _TYPES[kind],
        "kms:calleraccount": principal.account,
    }
    if kind == "user":
        values["aws:username"] = principal.arn.rpartition("/")[2]
    return values


_TYPES: Final = {"root": "Account", "user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}
