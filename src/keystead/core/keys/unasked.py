"""How a module changes a key without a customer's request, by what the sealed head says already."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.keys.head import encode
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.vault_port import Vault
from keystead.core.records import KeyChange, TokenChange
from keystead.primitives.digest import sha256

NOTHING: Final[Mapping[str, bytes]] = {}


def unasked(
    vault: Vault,
    key: OpenedKey,
    *,
    tokens: tuple[TokenChange, ...] = (),
    attachments: Mapping[str, bytes] = NOTHING,
    **fields: Any,  # noqa: ANN401, fields of KeyHead by name
) -> KeyChange:
    """Return the change of these fields of a key's head, one generation on, with tokens added and attachments replaced.

    The digests of the attachments are among the fields.
    """
    head = msgspec.structs.replace(key.head, generation=key.head.generation + 1, **fields)
    sealed = vault.seal_head(encode(head))
    return KeyChange(
        head.key_id,
        head.account,
        head.region,
        sha256(key.sealed),
        sealed.head,
        sealed.domain_key,
        tokens,
        dict(attachments),
    )
