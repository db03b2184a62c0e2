"""What operations need of the vault: the part of a security module that holds domain keys.

Key material never comes out of it. Customers' data comes out only in buffers that the caller wipes.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from keystead.core.keys.opened import OpenedKey
from keystead.core.ports import Buffer
from keystead.core.protocols.aws_json.shapes import DataKeyPairSpec, KeySpec
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region


class NewToken(msgspec.Struct, frozen=True, gc=False):
    """A key token that holds fresh material."""

    domain_key: DomainKeyId
    token: bytes
    material_id: bytes
    """32 bytes that identify the material (``spec/key-record.md``, section 3)."""
    public_key: bytes = b""
    """SubjectPublicKeyInfo of the private key that the material is, if it is one."""


class NewPair(msgspec.Struct, frozen=True, gc=False):
    """A data key pair."""

    private_key: bytearray
    """PKCS #8 in DER; the caller wipes it."""
    public_key: bytes


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

    def new_token(
        self,
        account: AccountId,
        region: Region,
        key_id: KeyId,
        version: int,
        usage: str,
        spec: KeySpec = "SYMMETRIC_DEFAULT",
    ) -> NewToken:
        """Return a token of fresh material of this spec under the newest domain key, bound to all that is named.

        Raises:
            ServiceError: ThrottlingException if no RSA key is ready.
        """

    def new_pair(self, spec: DataKeyPairSpec) -> NewPair:
        """Return a fresh data key pair; raises ServiceError, ThrottlingException if no RSA key is ready."""

    def authenticate(self, key: OpenedKey, algorithm: str, message: Buffer) -> bytes:
        """Return the MAC of the message under an HMAC key."""

    def sign(self, key: OpenedKey, algorithm: str, message_type: str, message: Buffer) -> bytes:
        """Return the signature of the message; its type fits the algorithm, and the algorithm the key."""

    def encrypt_to(self, public_key: bytes, algorithm: str, plaintext: Buffer) -> bytes:
        """Return the plaintext encrypted to an RSA key; raises SealError if it is too long for it."""

    def decrypt_with(self, key: OpenedKey, algorithm: str, ciphertext: bytes) -> bytearray:
        """Return what was encrypted to an RSA key, in a buffer that the caller wipes; raises SealError."""

    def agree(self, key: OpenedKey, public_key: bytes) -> bytearray:
        """Return the secret shared with a peer in a buffer that the caller wipes.

        Raises FormatError if ``public_key`` is no public key of the same curve.
        """

    def encapsulate(self, public_key: bytes) -> tuple[bytearray, bytes]:
        """Return a fresh secret, in a buffer that the caller wipes, and its encapsulation to an ML-KEM key."""

    def decapsulate(self, key: OpenedKey, encapsulated: bytes) -> bytearray:
        """Return the secret in a buffer that the caller wipes; raises SealError for an encapsulation of another length.

        For one of another key, or changed, it is a secret that nobody else has (FIPS 203, implicit rejection).
        """

    def seal_head(self, written: bytes) -> SealedHead:
        """Return the written head sealed under the newest domain key."""
