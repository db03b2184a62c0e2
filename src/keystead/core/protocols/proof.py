"""Proof that an authentic request was received (paragraphs 49 and 54; ``spec/proof.md``).

The authentication service makes one for each request that it verified. A module decides by itself, from the proof and
the body that came with it, that the customer asked for exactly this: the front end between them can neither make a
proof nor use one for another body, nor after it expired, nor can another front end use it.

The form is a version byte, the claims as a MessagePack array, and an HMAC-SHA-256 over both under the voucher's proof
key.
"""

from hmac import compare_digest
from typing import Annotated, Final

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import Bytes16, Bytes32, Milliseconds, OperatorIdField
from keystead.core.strict import StrictCodec
from keystead.errors import FormatError, ProofExpired, ProofForged, SignatureError, WrongAudience, WrongBody
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac
from keystead.primitives.derivation import derive
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label

VERSION: Final = 1
LIFETIME: Final = 30_000
"""Milliseconds from issue to expiry; a proof that claims more is refused."""
SKEW: Final = 5_000
"""Milliseconds by which the voucher's clock may be ahead of the module's."""
_PREFIX: Final = bytes((VERSION,))
_TAG_SIZE: Final = 32


class Claims(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the voucher states about one request."""

    id: Bytes16
    """Random. New keys are named after it, so that a replayed CreateKey collides."""
    principal: str
    """ARN of who asks."""
    account: str
    """The principal's account."""
    region: str
    action: str
    """Name of the operation, as in the signed X-Amz-Target, without the service's prefix."""
    body: Bytes32
    """SHA-256 of the signed body."""
    audience: OperatorIdField
    """The front end that may use the proof."""
    issued: Milliseconds
    expires: Milliseconds
    context: dict[str, str]
    """Values of policy condition keys by lower-case key, such as ``aws:sourceip``."""
    chain: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=0)] = ()
    """Reserved for services that act for a customer; empty in this version."""


_claims: Final[StrictCodec[Claims]] = StrictCodec(Claims, "claims of a proof")


def proof_key(session_key: Buffer, out: bytearray | memoryview) -> None:
    """Derive a voucher's 32-byte proof key from its session key, into ``out``."""
    derive(session_key, Label.PROOF, b"", out)


class Prover:
    """Makes proofs under one proof key."""

    def __init__(self, key: Buffer) -> None:
        """Take the proof key; it may be wiped when this returns."""
        self._mac = Mac(key)

    def prove(self, claims: Claims) -> bytes:
        """Return the proof of these claims."""
        stated = _PREFIX + _claims.encode(claims)
        return stated + self._mac.tag(stated)


def verify(mac: Mac, proof: bytes, audience: OperatorId, body: Buffer, now: int) -> Claims:
    """Return what the proof under this voucher's key proves about the body.

    ``audience`` is the operator whose session the proof came in. Raises ProofForged, ProofExpired, WrongAudience,
    WrongBody, or FormatError for a proof that the voucher authenticated but that is not of this version's form.
    """
    claims = _authentic(mac, proof)
    if not (claims.issued - SKEW <= now < claims.expires) or claims.expires - claims.issued > LIFETIME:
        raise ProofExpired("the proof is past its expiry, from the future, or meant to live too long")
    if claims.audience != audience:
        raise WrongAudience("the proof was given to another operator")
    if not compare_digest(claims.body, sha256(body)):
        raise WrongBody("the proof is about another body")
    return claims


def _authentic(mac: Mac, proof: bytes) -> Claims:
    stated = memoryview(proof)[:-_TAG_SIZE]
    try:
        mac.verify(proof[-_TAG_SIZE:], stated)
    except SignatureError:
        raise ProofForged("the proof was not made with this voucher's key") from None
    if stated[:1] != _PREFIX:
        raise FormatError("not a proof of this version")
    return _claims.decode(stated[1:])
