"""All items of one frame, each along the whole way, each with an outcome of its own."""

from collections import Counter
from typing import Final

from keystead.components.security_module.journal import Journal
from keystead.components.security_module.pipeline.answered import answered
from keystead.components.security_module.pipeline.decoded import decoded
from keystead.components.security_module.pipeline.opened import Records, opened
from keystead.components.security_module.pipeline.performed import performed
from keystead.components.security_module.pipeline.proven import Received, proven
from keystead.components.security_module.sessions import Sessions
from keystead.components.security_module.vault import DomainVault
from keystead.core.domain.state import DomainState
from keystead.core.operations.judge import PolicyJudge
from keystead.core.operations.recipients import Attestation
from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.work import Item, Outcome, Outcomes, decode_work, encode_outcomes
from keystead.errors import NoDomain, Refusal, ServiceError
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import sha256
from keystead.primitives.secret import wipe

INTERNAL: Final = "KMSInternalException"


class Executor:
    """Does the work of frames. Owned by the event loop; a frame is done in one turn of it."""

    def __init__(self, vault: DomainVault, sessions: Sessions, journal: Journal, attestation: Attestation) -> None:
        """Take the vault, the sessions of vouchers, where refusals are told, and what verifies recipients."""
        self._vault = vault
        self._sessions = sessions
        self._journal = journal
        self._attestation = attestation
        self._judge = PolicyJudge()
        self._records = Records(vault)
        self._refused: Counter[tuple[str, str]] = Counter()
        self.served = 0
        """Items of all frames since the start."""
        self._domain: DomainState | None = None

    def switch(self, domain: DomainState) -> None:
        """Go by this domain from now on, and open records anew."""
        self._domain = domain
        self._records.forget()

    def work(self, content: Buffer, audience: OperatorId, now: int) -> bytearray:
        """Return the content of the response to a frame of work, which the caller wipes; raises FormatError."""
        work = decode_work(content)
        self.served += len(work.items)
        vouchers: list[Mac | Refusal] = [self._voucher(token, now) for token in work.vouchers]
        outcomes = [self._outcome(item, vouchers[item.voucher], audience, now) for item in work.items]
        self._tell_refusals()
        try:
            return encode_outcomes(Outcomes(tuple(outcomes)))
        finally:
            for outcome in outcomes:
                if type(outcome.body) is bytearray:
                    wipe(outcome.body)

    @property
    def _state(self) -> DomainState:
        if self._domain is None:
            raise NoDomain("the module holds no domain yet")
        return self._domain

    def _tell_refusals(self) -> None:
        """Write one line for each kind and reason in the frame, however many items were refused for it."""
        for (kind, reason), count in self._refused.items():
            self._journal.event("items refused", kind=kind, reason=reason, count=count)
        self._refused.clear()

    def _voucher(self, token: bytes, now: int) -> Mac | Refusal:
        try:
            return self._sessions.voucher(token, now)
        except Refusal as refusal:
            return refusal

    def _outcome(self, item: Item, voucher: Mac | Refusal, audience: OperatorId, now: int) -> Outcome:
        try:
            if isinstance(voucher, Refusal):
                raise voucher
            vouched = proven(Received(item, voucher, audience), now)
            request = opened(decoded(vouched), self._records)
            done = performed(request, now, self._vault, self._judge, self._state, self._attestation)
            return answered(vouched.claims.body, done)
        except ServiceError as error:
            return Outcome(sha256(item.body), error.code, error.message, b"")
        except Refusal as refusal:
            self._refused[type(refusal).__name__, str(refusal)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items of the frame are served
            # Where it happened is told; what was being handled then is not.
            self._journal.event("item failed", kind=type(error).__name__, place=_place(error))
        return Outcome(sha256(item.body), INTERNAL, None, b"")


def _place(error: Exception) -> str:
    """Return file and line of the innermost frame, without any value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
