"""Judges by policies: each permission that an operation needs becomes one question to ``core.policy``."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.context import Access, Context
from keystead.core.operations.granted import Granted
from keystead.core.operations.terms import NOTHING
from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.document import PolicyKind, parse
from keystead.core.policy.evaluation import Identity, Root, evaluate
from keystead.core.policy.grants import Grant, NewGrant, may_retire
from keystead.core.policy.lockout import keep_changeable
from keystead.core.policy.principals import Principal, principal
from keystead.core.policy.request import AccessRequest, LazyContext, of_principal, of_time
from keystead.core.policy.variables import Values
from keystead.core.policy.verdict import Allowed, DeniedExplicitly, DeniedImplicitly, require
from keystead.core.records import GRANTS, POLICY
from keystead.errors import FormatError, RecordError, ServiceError
from keystead.identifiers import AccountId

T = TypeVar("T")

REMEMBERED: Final = 2 * 1024 * 1024
"""Bytes of key policies that are kept ready, and of grants; so customers who put long ones cannot fill a module."""
ALLOWED: Final = 4096
"""Questions that are remembered because they were allowed whatever the circumstances."""
_ROOT_USER: Final = Root.USER  # reading a name is faster than reading a member


class PolicyJudge:
    """The ``Judge`` of production. What it remembers only saves time: a policy counts if the key's head names it."""

    def __init__(self, most: int = REMEMBERED, allowed: int = ALLOWED) -> None:
        """Take how many bytes of key policies, and of grants, to keep ready at most, and how many answers."""
        self._policies: _Ready[Compiled] = _Ready(most)
        self._grants: _Ready[Granted] = _Ready(most)
        self._allowed: dict[tuple[bytes, str, str, str, str], None] = {}
        self._most_allowed = allowed

    @property
    def remembered(self) -> int:
        """Bytes of the key policies and grants that are ready."""
        return self._policies.remembered + self._grants.remembered

    @property
    def answers(self) -> int:
        """How many answers are remembered."""
        return len(self._allowed)

    def authorize(self, context: Context, access: Access) -> None:
        """Return if the caller may; AccessDeniedException if not, RecordError for a stored policy that is none."""
        key = access.key
        if key is None:
            asks = _asks(context)
            request = _request(context, access, asks)
            require(evaluate(request, None, _identity(asks)), request)
            return
        policy = self._policy(key)
        if key.head.grants:
            asks = _asks(context)
            request = _request(context, access, asks, *access.terms())
            grants = self._granted(key).concerning(access.action, asks)
            require(evaluate(request, policy, _identity(asks), grants), request)
        else:
            self._authorize_without_grants(context, access, key, policy)

    def admit_retirement(self, context: Context, access: Access, grant: Grant, issuer: AccountId) -> None:
        """Return if the caller may retire this grant and no policy denies it; AccessDeniedException if not."""
        asks = _asks(context)
        request = _request(context, access, asks)
        policy = None if access.key is None else self._policy(access.key)
        verdict = evaluate(request, policy, _identity(asks))
        if not isinstance(verdict, DeniedExplicitly):
            retires = may_retire(grant, asks, issuer)
            verdict = Allowed(()) if retires else DeniedImplicitly(PolicyKind.KEY)
        require(verdict, request)

    def admit_policy(self, context: Context, access: Access, policy: str, *, bypass_lockout_check: bool) -> None:
        """Return if this text may become the policy of the key that ``access`` names as its resource.

        Raises:
            ServiceError: LimitExceededException for text that is too long; MalformedPolicyDocumentException for what is
                no key policy, or would keep the caller from ever changing it again, unless he insists.
        """
        ready = compiled(parse(policy))
        if not bypass_lockout_check:
            asks = _asks(context)
            keep_changeable(_request(context, access, asks), ready, _identity(asks))

    def _authorize_without_grants(self, context: Context, access: Access, key: OpenedKey, policy: Compiled) -> None:
        """Judge, or remember that the same question was allowed without that any condition was asked for.

        Then nothing else could have made a difference: what is remembered is what would be found again.
        """
        claims = context.claims
        question = (key.head.policy, claims.principal, claims.account, access.action, access.resource)
        if question in self._allowed:
            return
        asks = _asks(context)
        request = _request(context, access, asks)
        require(evaluate(request, policy, _identity(asks)), request)
        if request.is_unasked:
            self._allowed[question] = None
            if len(self._allowed) > self._most_allowed:
                del self._allowed[next(iter(self._allowed))]

    def _policy(self, key: OpenedKey) -> Compiled:
        written = key.attachment(POLICY)
        ready = self._policies.get(key.head.policy)
        if ready is None:
            try:
                ready = compiled(parse(written))
            except ServiceError as error:
                raise RecordError("the key's policy is none") from error
            self._policies.put(key.head.policy, ready, len(written))
        return ready

    def _granted(self, key: OpenedKey) -> Granted:
        written = key.attachment(GRANTS)
        ready = self._grants.get(key.head.grants)
        if ready is None:
            ready = Granted(written)
            self._grants.put(key.head.grants, ready, len(written))
        return ready


class _Ready(Generic[T]):
    """Attachments made ready, by digest; the first that were put are the ones to go."""

    __slots__ = ("_most", "_values", "remembered")

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[bytes, tuple[T, int]] = {}
        self.remembered = 0

    def get(self, digest: bytes) -> T | None:
        found = self._values.get(digest)
        return None if found is None else found[0]

    def put(self, digest: bytes, value: T, size: int) -> None:
        self._values[digest] = (value, size)
        self.remembered += size
        while self.remembered > self._most:
            self.remembered -= self._values.pop(next(iter(self._values)))[1]


def _asks(context: Context) -> Principal:
    """Return who asks; FormatError for a principal that cannot ask, or is of another account than is claimed."""
    asks = principal(context.claims.principal)
    if asks.account != context.claims.account:
        raise FormatError("the claims of the proof contradict one another")
    return asks


def _request(
    context: Context,
    access: Access,
    asks: Principal,
    encryption_context: Mapping[str, str] = NOTHING,
    new_grant: NewGrant | None = None,
) -> AccessRequest:
    def values() -> dict[str, Values]:
        # What is known for sure outranks what the voucher says, which outranks nothing.
        return {
            **context.claims.context,
            **access.conditions(),
            **of_time(context.now),
            **of_principal(asks),
            "aws:requestedregion": context.claims.region,
        }

    account = context.account if access.key is None else access.key.head.account
    return AccessRequest(
        principal=asks,
        action=access.action,
        resource=access.resource,
        resource_account=account,
        context=LazyContext(values),
        encryption_context=encryption_context,
        new_grant=new_grant,
    )


def _identity(asks: Principal) -> Identity:
    """Only an account's root user has more than key policies give: users and their own policies are not built."""
    return () if asks.direct or asks.general else _ROOT_USER
