"""The third stage: the request is read, and its account has not asked too often."""

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.components.cryptography_service.authenticated import Authenticated
from keystead.core.operations.quotas import QUOTAS, spend
from keystead.core.ports import Clock
from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.aws_json.model import Shape
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region

THROTTLED: Final = ServiceError(
    "ThrottlingException",
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
)


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """An authentic request that is within its account's quotas."""

    authenticated: Authenticated
    request: Shape


class Admission:
    """Counts the requests of each account in each region. Owned by one event loop; each front end counts for itself."""

    def __init__(self, clock: Clock, rates: Mapping[str, float] = QUOTAS) -> None:
        """Take the time, and a rate for each quota."""
        self._clock = clock
        self._rates = rates
        self._due: dict[tuple[AccountId, Region, str], float] = {}

    def admitted(self, authenticated: Authenticated) -> Admitted:
        """Return the request, decoded; it counts even if it fails later.

        Raises:
            ServiceError: the body is not a request of the operation, which does not count; ThrottlingException if it is
                one too many, which does not count either.
        """
        operation = authenticated.received.operation
        request = decode(operation.name, authenticated.received.body)
        quota = operation.counts_against(request)
        counted = (authenticated.account, authenticated.region, quota)
        due = spend(self._due.get(counted, 0.0), self._clock.monotonic(), self._rates[quota])
        if due is None:
            raise THROTTLED
        self._due[counted] = due
        return Admitted(authenticated, request)
