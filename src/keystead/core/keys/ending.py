"""What becomes of a marked key, and who must agree on the mark when no customer asks (``spec/shredding.md``).

A key whose deletion is due is marked by one member, by the date in its sealed head, when another one says that it is
due: no single clock ends a key for good.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.state import Bytes16, Bytes32, DomainState
from keystead.core.keys.attachments import read_aliases
from keystead.core.keys.head import KeyHead
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.unasked import unasked
from keystead.core.operations.vault_port import Vault
from keystead.core.records import ALIASES, GRANTS, AliasChange, Change
from keystead.core.tokens.envelope import bound
from keystead.errors import DeletionNotDue, NotAgreed
from keystead.identifiers import ModuleId
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label
from keystead.primitives.signatures import IdentityKey, verify


class DueStatement(msgspec.Struct, frozen=True, array_like=True):
    """A member's word that, by its clock, the deletion is due that this very sealed head names."""

    domain: Bytes32
    head: Bytes32
    """SHA-256 of the sealed head."""
    deletion: Annotated[int, Meta(ge=1, lt=2**53)]
    member: Bytes16
    signature: bytes


CODEC: Final[DocumentCodec[DueStatement]] = DocumentCodec(DueStatement, "keystead deletion due", 1)


def require_due(head: KeyHead, now: int) -> None:
    """Return if the head names a moment for the key's deletion, and it has come; raises DeletionNotDue."""
    if not 0 < head.deletion <= now:
        raise DeletionNotDue("the key is not due to be deleted by this module's clock")


def due(domain: bytes, key: OpenedKey, now: int, member: ModuleId, identity: IdentityKey) -> bytes:
    """Return the member's signed statement that a key is due to be deleted; raises DeletionNotDue."""
    require_due(key.head, now)
    digest = sha256(key.sealed)
    signature = identity.sign(Label.DELETION_DUE, _stated(domain, digest, key.head.deletion, member))
    return CODEC.encode(DueStatement(domain, digest, key.head.deletion, member, signature))


def require_agreed(state: DomainState, key: OpenedKey, statement: bytes, member: ModuleId) -> None:
    """Return if another active member says that the key is due; a domain of one active member needs none.

    Raises NotAgreed, FormatError, SignatureError.
    """
    others = state.active - {member}
    if not others:
        return
    if not statement:
        raise NotAgreed("the end of a key needs a second member")
    given = CODEC.decode(statement)
    meant = (state.domain, sha256(key.sealed), key.head.deletion)
    if given.member not in others or (given.domain, given.head, given.deletion) != meant:
        raise NotAgreed("a statement of another head, or of nobody who may agree")
    author = state.members_by_id[ModuleId(given.member)]
    verify(author.identity, Label.DELETION_DUE, _stated(*meant, author.id), given.signature)


def deleted(vault: Vault, key: OpenedKey, now: int) -> Change:
    """Return the change that marks a key whose deletion is due and agreed."""
    attachments = ended_attachments(key.head)
    fields = ended_fields(now) | dict.fromkeys(attachments, b"")
    return Change((unasked(vault, key, attachments=attachments, **fields),), freed_names(key))


def ended_fields(marked: int) -> dict[str, Any]:
    """Return what the head of a marked key says."""
    return {"shredded": marked, "state": "Disabled", "deletion": 0, "deletion_window": 0}


def ended_attachments(head: KeyHead) -> dict[str, bytes]:
    """Return the attachments that end with the key."""
    return {kind: b"" for kind in (ALIASES, GRANTS) if head.digest_of(kind)}


def freed_names(key: OpenedKey) -> tuple[AliasChange, ...]:
    """Return what frees the names of the key; raises RecordError if its aliases were not supplied."""
    head = key.head
    return tuple(
        AliasChange(head.account, head.region, alias.name, None, head.key_id)
        for alias in read_aliases(key.attachment(ALIASES))
    )


def _stated(domain: bytes, head: bytes, deletion: int, member: bytes) -> bytes:
    return bound(domain, head, deletion.to_bytes(8, "big"), member)
