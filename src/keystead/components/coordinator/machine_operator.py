"""The coordinator as an operator of its own: it asks for what the rules let a machine ask for alone."""

from typing import Final

from keystead.components.coordinator.coordinator import Coordinator
from keystead.core.domain import change_request, quorum
from keystead.core.domain.change_request import KINDS, ApprovedRequest, ChangeRequest, DomainChange
from keystead.core.ports import Clock, Randomness
from keystead.core.protocols.coordination import submit
from keystead.core.protocols.module_session.messages import Propose, Proposed
from keystead.errors import FormatError, PeerUnavailable, Refusal
from keystead.transport.carriage import Carriage
from keystead.transport.session_keeper import OperatorIdentity

VALID: Final = 600_000
"""Milliseconds for which a request may be made a token of."""
_NONCE: Final = 16


class MachineOperator:
    """Signs requests, has a module make the token, and hands that to the coordinator that it belongs to."""

    def __init__(
        self,
        identity: OperatorIdentity,
        coordinator: Coordinator,
        carriage: Carriage,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Take who it is, and whom it asks."""
        self._identity = identity
        self._coordinator = coordinator
        self._carriage = carriage
        self._clock = clock
        self._randomness = randomness

    async def change(self, change: DomainChange) -> None:
        """Begin the installation of a token with this change of what is installed.

        Raises QuorumNotMet if the rules want other signatures too, PeerUnavailable if no module makes the token, and
        what the coordinator refuses with.
        """
        state, position = self._coordinator.ledger.newest
        me = self._identity.operator
        quorum.require(state.rules.for_kind(KINDS[type(change)]), {me})
        expires = self._clock.now() + VALID
        nonce = self._randomness.token(_NONCE)
        request = change_request.CODEC.encode(ChangeRequest(state.domain, position.hash, change, expires, nonce))
        signed = change_request.sign(request, me, self._identity.key)
        approved = change_request.APPROVED_CODEC.encode(ApprovedRequest(request, (signed,)))
        await self._coordinator.install(submit(await self._token(approved), me, self._identity.key), ())

    async def _token(self, approved: bytes) -> bytes:
        failure: PeerUnavailable | Refusal = PeerUnavailable("no module is connected")
        for link in self._carriage.links:
            if link.connection is None:
                continue
            try:
                answer = await link.control(Propose(approved))
            except (PeerUnavailable, Refusal) as error:
                failure = error
                continue
            if not isinstance(answer, Proposed):
                raise FormatError("the module answered something else than it was asked")
            return answer.token
        raise failure
