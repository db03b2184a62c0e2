"""The domain token (FIG. 18): the complete proposed state, its keys sealed to its members, and why it may be believed.

    token = [purpose, version, body, MAC of the body under the random key, signature of the issuing module over body and
    MAC]

The body has a package for each member (1802): the random key, sealed to that member alone; the sub-token (1804): state,
and domain keys sealed under the random key; and the approved request that it was made from. The MAC shows who opened a
package that the sealed keys are those of the state, the signature shows everyone which module made it (notes on
paragraphs 130 and 133).
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.change_request import ApprovedRequest
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.tokens.envelope import bound
from keystead.identifiers import DomainId, DomainKeyId, ModuleId
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label

RANDOM_KEY: Final = 32


class Package(msgspec.Struct, frozen=True, array_like=True):
    """What is for one member: the random key, HPKE-sealed to it."""

    member: Bytes16
    sealed_random_key: bytes


class SealedDomainKey(msgspec.Struct, frozen=True, array_like=True):
    """A domain key under the random key."""

    id: Bytes16
    nonce: Bytes16
    sealed: bytes


class Body(msgspec.Struct, frozen=True, array_like=True):
    """What the issuing module signs."""

    predecessor: Bytes32
    """SHA-256 of the predecessor's token; of the genesis body for version 1."""
    approved: ApprovedRequest
    issuer: Bytes16
    state: DomainState
    sealed_keys: tuple[SealedDomainKey, ...]
    """In the order of the state's domain keys."""
    packages: tuple[Package, ...]
    """In the order of the state's members."""


class DomainToken(msgspec.Struct, frozen=True, array_like=True):
    """A token, taken apart; nothing of it is believed yet."""

    body: bytes
    mac: Annotated[bytes, Meta(min_length=32, max_length=32)]
    signature: bytes


BODY_CODEC: Final[DocumentCodec[Body]] = DocumentCodec(Body, "keystead domain token body", 1)
CODEC: Final[DocumentCodec[DomainToken]] = DocumentCodec(DomainToken, "keystead domain token", 1)


def token_hash(encoded: bytes) -> bytes:
    """Return the hash by which a successor names this token."""
    return sha256(encoded)


def package_info(domain: DomainId, version: int, recipient: ModuleId) -> bytes:
    """Return the HPKE info of a package: it opens for this domain, version and recipient only."""
    return Label.DOMAIN_TOKEN.value + b"\x00" + bound(domain, version.to_bytes(8, "big"), recipient)


def sealed_key_aad(domain: DomainId, version: int, key_id: DomainKeyId) -> bytes:
    """Return what a sealed domain key is bound to."""
    return bound(domain, version.to_bytes(8, "big"), key_id)


def commitment_context(domain: DomainId, key_id: DomainKeyId) -> bytes:
    """Return the derivation context of a domain key's commitment."""
    return bound(domain, key_id)


def signed_part(body: bytes, mac: bytes) -> bytes:
    """Return what the issuing module signs."""
    return bound(body, mac)
