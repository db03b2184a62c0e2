"""Receipts of shredding: what every member saw of a key's end, signed, to be verified by anyone offline.

A member signs only what it read itself: the mark in the sealed head, the domain keys that the tokens named by that head
rest under, and the domain that it has installed (``spec/shredding.md``, section 6).
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState, DroppedKey, Fate, Holder, Version
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.shredding import Shredding, shredding, span
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import NotShredded, ReceiptRefused, RecordError, SignatureError
from keystead.identifiers import DomainKeyId, ModuleId
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify

NAMESPACE: Final = "keystead.receipt.v1"
"""In which an operator signs the digest of a sealed head, to ask a module for its signature."""


class LeftBehind(msgspec.Struct, frozen=True, array_like=True):
    """One material of the key, and the dropped domain keys that it rests, or may ever have rested, under."""

    version: Annotated[int, Meta(ge=1)]
    material: Bytes32
    """Its id."""
    token: Bytes32
    """SHA-256 of the key token."""
    domain_keys: Annotated[tuple[DroppedKey, ...], Meta(min_length=1)]
    """Oldest first; the key token rests under the last."""


class ReceiptBody(msgspec.Struct, frozen=True, array_like=True):
    """What every member signs."""

    domain: Bytes32
    version: Version
    """Of the domain, when it was signed."""
    token: Bytes32
    """SHA-256 of that version's domain token."""
    account: str
    region: str
    key_id: str
    marked: int
    """When the key was marked, in milliseconds since the epoch."""
    head: Bytes32
    """SHA-256 of the sealed head that says so."""
    materials: tuple[LeftBehind, ...]
    holders: tuple[Holder, ...]
    """Every sealing key that one of the domain keys was ever sealed to, in the order of the domain."""

    @property
    def outstanding(self) -> tuple[Holder, ...]:
        """Return the holders of which nobody knows that they are gone; shredding is complete if there are none."""
        return tuple(one for one in self.holders if one.fate not in {Fate.RENEWED, Fate.DESTROYED})


class ReceiptSignature(msgspec.Struct, frozen=True, array_like=True):
    """One member's, of both kinds."""

    member: Bytes16
    signature: bytes


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The very bytes of the body, and every active member's signature under them, in the order of the members."""

    body: bytes
    signatures: tuple[ReceiptSignature, ...]


BODY_CODEC: Final[DocumentCodec[ReceiptBody]] = DocumentCodec(ReceiptBody, "keystead shredding receipt body", 1)
CODEC: Final[DocumentCodec[Receipt]] = DocumentCodec(Receipt, "keystead shredding receipt", 1)


def receipt_body(key: OpenedKey, state: DomainState, token: bytes) -> bytes:
    """Return what a member that has this state and opened this key signs.

    Raises NotShredded unless the key is marked and every domain key that it rests under was dropped, RecordError for a
    record that lacks a token.
    """
    head = key.head
    resting = {one.number: named_domain_key(key.token(one.number)) for one in head.versions}
    found = shredding(head, resting, state)
    if found.status == "NONE":
        raise NotShredded("the key is not marked to be shredded")
    body = ReceiptBody(
        domain=state.domain,
        version=state.version,
        token=token,
        account=head.account,
        region=head.region,
        key_id=head.key_id,
        marked=head.shredded,
        head=sha256(key.sealed),
        materials=tuple(
            LeftBehind(one.number, one.material_id, one.token, _dropped(found, one.number)) for one in head.versions
        ),
        holders=found.holders,
    )
    return BODY_CODEC.encode(body)


def sign(body: bytes, member: ModuleId, key: IdentityKey) -> ReceiptSignature:
    """Return a member's signature under a body that it made itself."""
    return ReceiptSignature(member, key.sign(Label.SHREDDING_RECEIPT, body))


def joined(body: bytes, signatures: Iterable[ReceiptSignature]) -> bytes:
    """Return the receipt with these signatures."""
    return CODEC.encode(Receipt(body, tuple(sorted(signatures, key=lambda one: one.member))))


def verified(encoded: bytes, states: Mapping[bytes, DomainState]) -> ReceiptBody:
    """Return what a receipt says, if the domain's own history bears it out and every active member signed.

    ``states`` are the states of the domain, judged from the genesis on, by the hash of their tokens.
    Raises FormatError, ReceiptRefused for what that history contradicts, SignatureError.
    """
    receipt = CODEC.decode(encoded)
    body = BODY_CODEC.decode(receipt.body)
    state = states.get(body.token)
    if state is None or (state.domain, state.version) != (body.domain, body.version):
        raise ReceiptRefused("the receipt is of a version that the domain's documents do not lead to")
    _check_history(body, state)
    _check_signatures(receipt, state)
    return body


def _dropped(found: Shredding, version: int) -> tuple[DroppedKey, ...]:
    reached = found.reaches[version]
    dropped = tuple(one for one in reached if isinstance(one, DroppedKey))
    if dropped != reached:
        raise NotShredded("a domain key that the key rests under, or once rested under, is not dropped yet")
    return dropped


def _check_history(body: ReceiptBody, state: DomainState) -> None:
    if not body.materials:
        raise ReceiptRefused("the receipt is of no material")
    for one in body.materials:
        _check_span(one, state)
    keys = {DomainKeyId(key.id) for one in body.materials for key in one.domain_keys}
    if body.holders != tuple(one for one in state.holders if any(one in state.holders_of(key) for key in keys)):
        raise ReceiptRefused("the holders in the receipt are not those of the domain")


def _check_span(one: LeftBehind, state: DomainState) -> None:
    """Every domain key between the first and the last is named, as the domain dropped it."""
    first, last = one.domain_keys[0], one.domain_keys[-1]
    try:
        known = span(state, DomainKeyId(first.id), DomainKeyId(last.id))
    except RecordError as error:
        raise ReceiptRefused(str(error)) from None
    if one.domain_keys != known:
        raise ReceiptRefused("the domain keys in the receipt are not those that the domain dropped")


def _check_signatures(receipt: Receipt, state: DomainState) -> None:
    members = [member for member in state.members if member.id in state.active]
    if [one.member for one in receipt.signatures] != [member.id for member in members]:
        raise SignatureError("the receipt is not signed by every active member")
    for member, one in zip(members, receipt.signatures, strict=True):
        verify(member.identity, Label.SHREDDING_RECEIPT, receipt.body, one.signature)
