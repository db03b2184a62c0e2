"""How a request makes a key's next state: one generation more, the proof remembered so that it cannot be used again."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from keystead.core.keys.head import KeyHead, KeyVersion, RecentProof, encode
from keystead.core.keys.opened import OpenedKey, attachment_digest
from keystead.core.operations.context import Context
from keystead.core.operations.vault_port import NewToken
from keystead.core.records import PUBLIC_KEY, KeyChange, TokenChange
from keystead.errors import ProofReplayed, ServiceError
from keystead.primitives.digest import sha256

MOST_RECENT: Final = 256
"""Changes of one key within the lifetime of a proof; more are told to come later."""
NOTHING: Final[Mapping[str, bytes]] = {}


def written(
    context: Context,
    head: KeyHead,
    *,
    replaces: bytes,
    tokens: tuple[TokenChange, ...] = (),
    attachments: Mapping[str, bytes] = NOTHING,
) -> KeyChange:
    """Return the change that writes this head, naming these attachments. ``replaces`` is empty for a new key."""
    digests: dict[str, Any] = {
        kind: attachment_digest(content)
        for kind, content in attachments.items()
        if kind != PUBLIC_KEY  # whose digest is the material id of its version
    }
    head = msgspec.structs.replace(head, recent=_remembered(context, head), **digests)
    sealed = context.vault.seal_head(encode(head))
    return KeyChange(
        head.key_id, head.account, head.region, replaces, sealed.head, sealed.domain_key, tokens, dict(attachments)
    )


def changed(
    context: Context,
    key: OpenedKey,
    *,
    tokens: tuple[TokenChange, ...] = (),
    attachments: Mapping[str, bytes] = NOTHING,
    **fields: Any,  # noqa: ANN401, fields of KeyHead by name
) -> KeyChange:
    """Return the change of an existing key: these fields of its head, tokens that are added, attachments replaced.

    Raises:
        ProofReplayed: the proof of this request changed the key before.
        ServiceError: ThrottlingException if the key is changed too often to remember.
    """
    head = msgspec.structs.replace(key.head, generation=key.head.generation + 1, **fields)
    return written(context, head, replaces=sha256(key.sealed), tokens=tokens, attachments=attachments)


def new_version(
    token: NewToken, number: int, now: int, kind: Literal["CREATED", "AUTOMATIC", "ON_DEMAND"]
) -> KeyVersion:
    """Return the version whose material a new token holds."""
    return KeyVersion(
        number=number,
        material_id=token.material_id,
        token=sha256(token.token),
        created=now,
        kind=kind,
        domain_key=token.domain_key,
    )


def _remembered(context: Context, head: KeyHead) -> tuple[RecentProof, ...]:
    live = tuple(recent for recent in head.recent if recent.expires > context.now)
    if any(recent.proof == context.claims.id for recent in live):
        raise ProofReplayed("the proof changed this key before")
    if len(live) >= MOST_RECENT:
        raise ServiceError(
            "ThrottlingException",
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        )
    return (*live, RecentProof(context.claims.id, context.claims.expires))
