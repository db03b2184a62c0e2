"""Operator key tokens: a session key that any module of the domain can open (FIG. 24 and 25, paragraphs 152 to 156).

The content is the session key (32 bytes) followed by the claims as a MessagePack array. The token rests nowhere: it is
handed to the operator, who shows it again to whichever module it asks. It is bound to its domain.
"""

from typing import Final

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import Milliseconds, OperatorIdField
from keystead.core.strict import StrictCodec
from keystead.core.tokens.envelope import bound
from keystead.errors import FormatError
from keystead.identifiers import DomainId

SESSION_KEY: Final = 32


class SessionClaims(msgspec.Struct, frozen=True, array_like=True):
    """Whose session it is, and for how long."""

    operator: OperatorIdField
    issued: Milliseconds
    expires: Milliseconds


_claims: Final[StrictCodec[SessionClaims]] = StrictCodec(SessionClaims, "the claims of a session")


def binding(domain: DomainId) -> bytes:
    """Return what an operator key token is bound to."""
    return bound(domain)


def content(session_key: Buffer, claims: SessionClaims) -> bytearray:
    """Return the content of a token in a buffer that the caller wipes."""
    written = _claims.encode(claims)
    packed = bytearray(SESSION_KEY + len(written))
    packed[:SESSION_KEY] = session_key
    packed[SESSION_KEY:] = written
    return packed


def claims_of(packed: Buffer) -> SessionClaims:
    """Return the claims in an opened content; its first 32 bytes are the session key. Raises FormatError."""
    if len(packed) <= SESSION_KEY:
        raise FormatError("too short to be the content of an operator key token")
    return _claims.decode(bytes(memoryview(packed)[SESSION_KEY:]))
