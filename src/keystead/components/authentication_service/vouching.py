"""From the session with the modules to what proofs are made with (paragraph 54: a key that front ends never see)."""

from typing import Protocol

from keystead.components.authentication_service.judge import Voucher
from keystead.core.protocols.module_session.handshake import Session
from keystead.core.protocols.proof import Prover, proof_key
from keystead.primitives.secret import Secret


class Sessions(Protocol):
    """Where the session of the moment is."""

    @property
    def current_session(self) -> Session | None:
        """The session of the moment, if there is one."""


class SessionVouching:
    """Derives the proof key of each session once."""

    def __init__(self, sessions: Sessions) -> None:
        """Take where the session is."""
        self._sessions = sessions
        self._session: Session | None = None
        self._voucher: Voucher | None = None

    def voucher(self) -> Voucher | None:
        """Return what proofs are to be made with now, or None while no module can be reached."""
        session = self._sessions.current_session
        if session is not self._session:
            self._session = session
            self._voucher = None if session is None else _voucher(session)
        return self._voucher


def _voucher(session: Session) -> Voucher:
    with Secret.blank(32) as key:
        proof_key(session.key.view, key.view)
        return Voucher(Prover(key.view), session.operator_key_token)
