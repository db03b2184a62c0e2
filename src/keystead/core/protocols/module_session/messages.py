"""Control messages between a process and a security module (``spec/module-session.md``, section 2).

Every message on a link begins with its kind: CONTROL (these) or FRAME (``frame``). Control messages are not secret
and prove nothing by themselves: what they carry is signed or sealed. A module greets first; then calls are answered
in order.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from keystead.core.domain.release import Death
from keystead.core.domain.state import SlotKind
from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.fields import (
    Bytes16,
    Bytes32,
    DomainIdField,
    Milliseconds,
    ModuleIdField,
    OperatorIdField,
)
from keystead.core.records import Change
from keystead.core.strict import StrictCodec
from keystead.errors import REFUSALS, FormatError, Refusal

CONTROL: Final = 1
"""Kind, and first byte, of the messages of this file."""
FRAME: Final = 2
"""Kind, and first byte, of sealed frames."""
VERSION: Final = 1
"""Second byte of both."""
_PREFIX: Final = bytes((CONTROL, VERSION))
GREETING_CALL: Final = 0
"""Number of the reply that nobody called for: the greeting, or the refusal of a frame."""

MOST_HEADS: Final = 256
"""Heads of one AttestDue, or of one RotateDue."""

CallNumber = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class Identify(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Asks for the module's public keys; answered by Identity."""


class SignGenesis(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Asks a blank module for its signature under the genesis that its configuration pins; answered by Signed."""

    genesis: bytes
    """Signed by every operator, not yet by every member."""


class Propose(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Asks for the domain token that a signed change request leads to; changes nothing; answered by Proposed."""

    approved: bytes
    """An approved change request of ``core.domain.change_request``."""


class PromiseSuccessor(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Asks for the module's promise to follow this domain token and no other; answered by Promised."""

    token: bytes
    """The whole token, or its difference from the installed one (``core.domain.token_difference``)."""
    death: Death | None = None
    """Shows that what the module promised before is dead, if it did."""


class Ingest(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Asks to switch to a domain token that every remaining member promised; answered by Ingested."""

    token: bytes
    """As for PromiseSuccessor."""
    promises: tuple[bytes, ...]
    statement: bytes = b""
    """Of a member that has it, for a module that released it; or empty."""


class Negotiate(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Asks for a session; ``hello`` is what ``handshake.offer`` made; answered by Negotiated."""

    hello: bytes


class Attach(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Uses a session on this connection; answered by Attached."""

    operator: OperatorIdField
    operator_key_token: bytes
    client_nonce: Bytes16
    """Random for each connection; with the greeting's nonce it names the connection."""


class AdoptGenesis(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Asks a blank module to take the genesis that everyone signed as version 0; answered by Ingested."""

    genesis: bytes


class MakeOffer(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """Asks a member for a key to which what follows may be sealed; answered by Offered: one for each change."""

    dropping: Annotated[bytes, msgspec.Meta(max_length=16)] = b""
    """The domain key that what follows drops; empty if it drops none."""


class ReleaseSuccessor(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """Asks to give up a successor that a quorum abandons; answered by Released."""

    approved: bytes
    """An approved change request, to abandon it."""


class AttestDestruction(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """Asks a module that left to destroy its sealing key, and for its word that none is left; answered by Attested."""


class SignReceipt(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """Asks for the module's signature under the receipt of a key's shredding; answered by ReceiptSigned."""

    head: bytes
    """Sealed, as it rests."""
    tokens: dict[int, bytes]
    """Of every version of the key."""
    operator: OperatorIdField
    signature: bytes
    """The operator's SSHSIG over the SHA-256 of the head."""


class AttestDue(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """Asks which of these keys are due to be deleted, by the module's clock; answered by DueAttested."""

    heads: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MOST_HEADS)]
    """Sealed."""


class EndKey(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Asks to mark a key to be shredded whose deletion is due; answered by KeyEnded."""

    head: bytes
    attachments: dict[str, bytes]
    """Its aliases and grants, if it has any."""
    statement: bytes
    """Of another active member, that it is due; empty in a domain of one."""


class RotateDue(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """Asks for new versions of those of these keys that are due to be rotated; answered by DueRotated."""

    heads: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MOST_HEADS)]
    """Sealed."""


class Greeting(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The module's first message on every connection. Unproven: only a frame that opens shows that it was true."""

    module: ModuleIdField
    incarnation: Bytes16
    """Random at each start of the module."""
    connection_nonce: Bytes16
    """Random for each connection."""
    domain: DomainIdField | None
    """None while the module is blank."""
    version: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    token_hash: Bytes32 | None
    """SHA-256 of the installed domain token; None while the module is blank."""
    promised: Bytes32 | None = None
    """SHA-256 of the domain token that it promised to follow; None if it promised none."""


class Identity(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The module's public keys, for a genesis document or a change request; confirmed by a person by fingerprint."""

    ed25519: Bytes32
    mldsa65: bytes
    sealing: bytes
    slot: SlotKind
    fingerprint: str


class Signed(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The module's signature over the genesis document."""

    signature: bytes


class Proposed(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The domain token asked for; not installed."""

    token: bytes


class Promised(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """The module's signed, durable promise."""

    promise: bytes


class Ingested(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """The domain token that is installed now."""

    version: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    token_hash: Bytes32
    statement: bytes
    """The module's signed word of that (``core.domain.followed``)."""


class Negotiated(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """The module's signed answer to a hello; opened by ``handshake.Offer.accepted``."""

    accept: bytes


class Attached(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Frames may come now, until the session expires."""

    expires: Milliseconds


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """Nothing was changed; the number is that of a Refusal."""

    number: int
    detail: str

    def error(self) -> Refusal:
        """Return the refusal that the module raised."""
        return REFUSALS.get(self.number, Refusal)(self.detail)


class Offered(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """The module's signed offer, whose private half is durable."""

    offer: bytes


class Released(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """The module's signed, durable release."""

    release: bytes


class Attested(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """The module's signed attestation that its former sealing keys are destroyed."""

    attestation: bytes


class ReceiptSigned(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """What the module read itself, and its signature under that."""

    body: bytes
    signature: bytes


class DueAttested(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """The module's signed statements, in the order of the heads; empty for those that are not due, or do not open."""

    statements: tuple[bytes, ...]


class KeyEnded(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """What is to be written for the key to be marked."""

    change: Change


class DueRotated(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """What is to be written, in the order of the heads; None for those that are not due, or do not open."""

    changes: tuple[Change | None, ...]


Request: TypeAlias = (
    Identify
    | SignGenesis
    | AdoptGenesis
    | Propose
    | PromiseSuccessor
    | Ingest
    | ReleaseSuccessor
    | MakeOffer
    | AttestDestruction
    | SignReceipt
    | AttestDue
    | EndKey
    | RotateDue
    | Negotiate
    | Attach
)
Answer: TypeAlias = (
    Greeting
    | Identity
    | Signed
    | Proposed
    | Promised
    | Ingested
    | Released
    | Offered
    | Attested
    | ReceiptSigned
    | DueAttested
    | KeyEnded
    | DueRotated
    | Negotiated
    | Attached
    | Refused
)


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A request with the number that its answer will carry."""

    number: CallNumber
    request: Request


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The answer to the call of the same number; GREETING_CALL if nobody called."""

    number: CallNumber
    answer: Answer


_calls: Final[StrictCodec[Call]] = StrictCodec(Call, "a call to a module")
_replies: Final[StrictCodec[Reply]] = StrictCodec(Reply, "a reply of a module")


def refused(error: Refusal) -> Refused:
    """Return what a module answers when a rule forbids the request."""
    return Refused(error.number, str(error))


def encode_call(number: int, request: Request) -> bytes:
    """Return the message that asks a module."""
    return _PREFIX + _calls.encode(Call(number, request))


def decode_call(message: Buffer) -> Call:
    """Return the call in a message of kind CONTROL; raises FormatError."""
    return _calls.decode(_body(message))


def encode_reply(number: int, answer: Answer) -> bytes:
    """Return the message that a module answers."""
    return _PREFIX + _replies.encode(Reply(number, answer))


def decode_reply(message: Buffer) -> Reply:
    """Return the reply in a message of kind CONTROL; raises FormatError."""
    return _replies.decode(_body(message))


def kind_of(message: Buffer) -> int:
    """Return CONTROL or FRAME; raises FormatError for any other first byte, and for no bytes."""
    if len(message) == 0 or message[0] not in {CONTROL, FRAME}:
        raise FormatError("not a message of the module session protocol")
    return message[0]


def _body(message: Buffer) -> Buffer:
    if bytes(message[: len(_PREFIX)]) != _PREFIX:
        raise FormatError("not a control message of this version")
    return memoryview(message)[len(_PREFIX) :]
