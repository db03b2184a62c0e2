"""Attestations of destruction: a module says that its former sealing keys are gone, so that a quorum can record it."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes32, Version, module_id
from keystead.core.tokens.envelope import bound
from keystead.errors import StateMismatch
from keystead.identifiers import ModuleId
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, IdentityPublic, verify


class DestructionAttestation(msgspec.Struct, frozen=True, array_like=True):
    """A module's word that it has no sealing key any more whose listing had ended by a version of the domain.

    It brings its public keys, for the domain has forgotten who left; the module's id follows from them.
    """

    domain: Bytes32
    version: Version
    ed25519: Bytes32
    mldsa65: Annotated[bytes, Meta(min_length=1952, max_length=1952)]
    signature: bytes


CODEC: Final[DocumentCodec[DestructionAttestation]] = DocumentCodec(
    DestructionAttestation, "keystead destruction attestation", 1
)


def attest(domain: bytes, version: int, key: IdentityKey) -> DestructionAttestation:
    """Return the module's signed word; the keys are destroyed before it is given."""
    public = key.public
    signature = key.sign(Label.DESTRUCTION, _stated(domain, version, module_id(public)))
    return DestructionAttestation(domain, version, public.ed25519, public.mldsa65, signature)


def verified(domain: bytes, encoded: bytes) -> tuple[ModuleId, int]:
    """Return which module attests, and up to which version; raises FormatError, SignatureError, StateMismatch."""
    given = CODEC.decode(encoded)
    if given.domain != domain:
        raise StateMismatch("an attestation for another domain")
    identity = IdentityPublic(ed25519=given.ed25519, mldsa65=given.mldsa65)
    module = module_id(identity)
    verify(identity, Label.DESTRUCTION, _stated(domain, given.version, module), given.signature)
    return module, given.version


def _stated(domain: bytes, version: int, module: ModuleId) -> bytes:
    return bound(domain, version.to_bytes(8, "big"), module)
