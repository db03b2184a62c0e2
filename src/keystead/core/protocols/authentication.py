"""What a front end and the authentication service say to each other (paragraphs 49 and 54).

Requests go in batches, proofs come back.

A connection starts with a challenge that the front end signs with its operator key; the proofs that follow name that
operator as their audience, so that they are of no use to another. Every message is one MessagePack array with its kind
first (``spec/authentication.md``).
"""

from typing import Final

import msgspec

from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import Bytes32, Bytes64, OperatorIdField
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.core.strict import StrictCodec

CHALLENGE_SIZE: Final = 32


class Challenge(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The service's first message."""

    nonce: Bytes32


class Introduction(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The front end's first message: who it is, and its handshake signature over the challenge."""

    operator: OperatorIdField
    signature: Bytes64


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One request of a customer, as the front end received it."""

    signed: SignedRequest
    source: str
    """Address of the client; empty if unknown."""
    secure: bool
    """Whether it came over TLS."""


class Batch(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Requests to judge, in order; answered by one Verdicts of the same number."""

    number: int
    requests: tuple[Request, ...]


class Authenticated(msgspec.Struct, frozen=True, array_like=True, tag="y"):
    """The request is authentic."""

    proof: bytes
    account: str
    region: str


class Denied(msgspec.Struct, frozen=True, array_like=True, tag="n"):
    """The request is not authentic, or nobody can say now; the error that the client is to see."""

    code: str
    message: str | None


class Verdicts(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """One verdict for each request of the batch, in order."""

    number: int
    voucher: bytes
    """The operator key token under whose session the proofs were made; empty if there is none."""
    verdicts: tuple[Authenticated | Denied, ...]


ToService = Introduction | Batch
ToFrontEnd = Challenge | Verdicts

_encoder: Final = msgspec.msgpack.Encoder()
_to_service: Final[StrictCodec[ToService]] = StrictCodec(ToService, "a message of a front end")
_to_front_end: Final[StrictCodec[ToFrontEnd]] = StrictCodec(ToFrontEnd, "a message of the authentication service")


def encode(message: ToService | ToFrontEnd) -> bytes:
    """Return the bytes of a message."""
    return _encoder.encode(message)


def decode_at_service(message: Buffer) -> ToService:
    """Return the message that a front end sent; raises FormatError."""
    return _to_service.decode(message)


def decode_at_front_end(message: Buffer) -> ToFrontEnd:
    """Return the message that the service sent; raises FormatError."""
    return _to_front_end.decode(message)
