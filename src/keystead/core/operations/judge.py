"""Judges by policies: each permission that an operation needs becomes one question to ``core.policy``."""

from typing import Final

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.context import Access, Context
from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.document import parse
from keystead.core.policy.evaluation import Identity, Root, evaluate
from keystead.core.policy.lockout import keep_changeable
from keystead.core.policy.principals import Principal, principal
from keystead.core.policy.request import AccessRequest, LazyContext, of_principal, of_time
from keystead.core.policy.variables import Values
from keystead.core.policy.verdict import require
from keystead.core.records import POLICY
from keystead.errors import FormatError, RecordError, ServiceError

REMEMBERED: Final = 2 * 1024 * 1024
"""Bytes of key policies that are kept ready; so customers who put long ones cannot fill a module's memory."""
_ROOT_USER: Final = Root.USER  # reading a name is faster than reading a member


class PolicyJudge:
    """The ``Judge`` of production. What it remembers only saves time: a policy counts if the key's head names it."""

    def __init__(self, most: int = REMEMBERED) -> None:
        """Take how many bytes of key policies to keep ready at most."""
        self._most = most
        self._ready: dict[bytes, tuple[Compiled, int]] = {}
        self.remembered = 0
        """Bytes of the key policies that are ready."""

    def authorize(self, context: Context, access: Access) -> None:
        """Return if the caller may; AccessDeniedException if not, RecordError for a stored policy that is none."""
        asks = _asks(context)
        request = _request(context, access, asks)
        policy = None if access.key is None else self._policy(access.key)
        require(evaluate(request, policy, _identity(asks)), request)

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

    def _policy(self, key: OpenedKey) -> Compiled:
        written = key.attachment(POLICY)
        found = self._ready.get(key.head.policy)
        if found is not None:
            return found[0]
        try:
            ready = compiled(parse(written))
        except ServiceError as error:
            raise RecordError("the key's policy is none") from error
        self._ready[key.head.policy] = (ready, len(written))
        self.remembered += len(written)
        while self.remembered > self._most:
            self.remembered -= self._ready.pop(next(iter(self._ready)))[1]
        return ready


def _asks(context: Context) -> Principal:
    """Return who asks; FormatError for a principal that cannot ask, or is of another account than is claimed."""
    asks = principal(context.claims.principal)
    if asks.account != context.claims.account:
        raise FormatError("the claims of the proof contradict one another")
    return asks


def _request(context: Context, access: Access, asks: Principal) -> AccessRequest:
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
    )


def _identity(asks: Principal) -> Identity:
    """Only an account's root user has more than key policies give: users and their own policies are not built."""
    return () if asks.direct or asks.general else _ROOT_USER
