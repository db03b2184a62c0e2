"""Sessions of operators (FIG. 24, 25): granting them, and opening the operator key tokens that come back."""

from dataclasses import dataclass, field
from typing import Final

from keystead.components.security_module.vault import DomainVault
from keystead.core.domain.state import DomainState, Permission
from keystead.core.ports import Randomness
from keystead.core.protocols.module_session.connection import Tenure
from keystead.core.protocols.module_session.handshake import LIFETIME, SESSION_KEY_SIZE, Admitted, Grant
from keystead.core.protocols.proof import proof_key
from keystead.core.tokens.operator_key_token import SESSION_KEY, SessionClaims, binding, claims_of, content
from keystead.errors import FormatError, NoDomain, SealError, UnknownVoucher
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac
from keystead.primitives.secret import Secret

CAPACITY: Final = 1024
"""Opened tokens that are remembered; the oldest is forgotten for a new one."""
_PROOF_KEY: Final = 32


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What was in an operator key token."""

    tenure: Tenure
    key: Secret = field(repr=False, compare=False)
    proofs: Mac = field(repr=False, compare=False)
    """Verifies proofs that this operator makes with the session."""


class Sessions:
    """Grants sessions and opens tokens. Owned by the event loop."""

    def __init__(self, vault: DomainVault, randomness: Randomness) -> None:
        """Know no operator yet."""
        self._vault = vault
        self._randomness = randomness
        self._state: DomainState | None = None
        self._vouching: frozenset[OperatorId] = frozenset()
        self._opened: dict[bytes, OpenedSession] = {}

    def switch(self, state: DomainState) -> None:
        """Go by this domain from now on; what was opened before is opened anew."""
        self._state = state
        self._vouching = frozenset(state.operators_who(Permission.VOUCH))
        self._opened.clear()

    def grant(self, admitted: Admitted, now: int) -> Grant:
        """Return a new session for an operator whose hello was admitted; raises NoDomain without a domain key."""
        session_key = Secret.random(SESSION_KEY_SIZE, self._randomness)
        expires = now + LIFETIME
        packed = content(session_key.view, SessionClaims(admitted.operator, now, expires))
        token = self._vault.seal_session(packed, binding(self._domain.domain_id))
        return Grant(session_key=session_key, operator_key_token=token, expires=expires)

    def open(self, token: bytes, now: int) -> OpenedSession:
        """Return what is in an operator key token, expired or not; raises FormatError, SealError, NoDomain."""
        opened = self._opened.get(token)
        if opened is None:
            opened = self._open(token)
            if opened.tenure.expires > now:
                self._remember(token, opened, now)
        return opened

    def voucher(self, token: bytes, now: int) -> Mac:
        """Return what verifies the proofs of a voucher.

        Raises UnknownVoucher unless the token is of a session that has not expired, of an operator that is installed
        now with the permission to vouch.
        """
        try:
            opened = self.open(token, now)
        except (FormatError, SealError):
            raise UnknownVoucher("the voucher's operator key token does not open") from None
        if opened.tenure.expires <= now:
            raise UnknownVoucher("the voucher's session is past its expiry")
        if opened.tenure.operator not in self._vouching:
            raise UnknownVoucher("who vouches is not an installed operator with that permission")
        return opened.proofs

    def _remember(self, token: bytes, opened: OpenedSession, now: int) -> None:
        """Keep an opened session; the keys of those that are over go first, then the oldest if it must."""
        self._opened = {kept: one for kept, one in self._opened.items() if one.tenure.expires > now}
        if len(self._opened) >= CAPACITY:
            del self._opened[next(iter(self._opened))]
        self._opened[token] = opened

    @property
    def _domain(self) -> DomainState:
        if self._state is None:
            raise NoDomain("the module holds no domain yet")
        return self._state

    def _open(self, token: bytes) -> OpenedSession:
        with self._vault.open_session(token, binding(self._domain.domain_id)) as packed:
            claims = claims_of(packed.view)
            key = Secret.taken(packed.view[:SESSION_KEY])
        with Secret.blank(_PROOF_KEY) as derived:
            proof_key(key.view, derived.view)
            return OpenedSession(Tenure(operator=claims.operator, expires=claims.expires), key, Mac(derived.view))
