"""What operations need of the vault: the part of a security module that holds domain keys.

Key material never comes out of it. Customers' data comes out only in buffers that the caller wipes.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from keystead.core.keys.opened import OpenedKey
from keystead.core.ports import Buffer
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region


class NewToken(msgspec.Struct, frozen=True, gc=False):
    """A key token that holds fresh material."""

    domain_key: DomainKeyId
    token: bytes
    material_id: bytes
    """32 bytes derived from the material under its own label (Label.KEY_MATERIAL_ID)."""


class SealedHead(msgspec.Struct, frozen=True, gc=False):
    """A head, sealed under the newest domain key."""

    domain_key: DomainKeyId
    head: bytes


class Vault(Protocol):
    """Seals and opens under domain keys and under customers' keys; does not judge who may."""

    def encrypt(self, key: OpenedKey, plaintext: Buffer, encryption_context: Mapping[str, str]) -> bytes:
        """Return the ciphertext blob of the plaintext under the key's newest version; binds the encryption context.

        Raises:
            RecordError: the token of that version was not supplied, or does not open for this key.
        """

    def decrypt(self, key: OpenedKey, blob: CiphertextBlob, encryption_context: Mapping[str, str]) -> bytearray:
        """Return the plaintext of a blob in a buffer that the caller wipes.

        Raises:
            RecordError: the token of the version that the blob names was not supplied, or does not open for this key.
            SealError: the blob does not open under that version with this encryption context.
        """

    def generate(self, size: int) -> bytearray:
        """Return fresh random bytes in a buffer that the caller wipes."""

    def new_token(self, account: AccountId, region: Region, key_id: KeyId, version: int, usage: str) -> NewToken:
        """Return a token of fresh 256-bit material under the newest domain key, bound to all that is named."""

    def seal_head(self, written: bytes) -> SealedHead:
        """Return the written head sealed under the newest domain key."""
