"""A vault in memory: seals exactly as a security module does, under one domain key that anyone may read.

``opened`` counts what was opened, so that a test can tell that something was refused before any key was used.
"""

from collections.abc import Mapping
from random import Random

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.vault_port import NewToken, SealedHead
from keystead.core.ports import Buffer
from keystead.core.tokens import ciphertext_blob, key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.errors import FormatError, RecordError, SealError
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.sealing import NONCE, OVERHEAD, seal, unseal


class SimulatedVault:
    """Implements ``core.operations.vault_port.Vault``; every secret follows from the seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self.domain_key_id = DomainKeyId(self._random.randbytes(16))
        self._domain_key = self._random.randbytes(32)
        self.opened = 0
        self.materials: list[bytes] = []
        """The material of every token that was made, in order."""

    def encrypt(self, key: OpenedKey, plaintext: Buffer, encryption_context: Mapping[str, str]) -> bytes:
        """Encrypt under the newest version."""
        version = key.head.newest.number
        nonce = self._random.randbytes(NONCE)
        aad = ciphertext_blob.binding(key.head.key_id, version, encryption_context)
        material = self._material(key, version)
        sealed = seal(material, Label.CUSTOMER_CIPHERTEXT, nonce, plaintext, aad)
        return CiphertextBlob(key.head.key_id, version, nonce, sealed).encode()

    def decrypt(self, key: OpenedKey, blob: CiphertextBlob, encryption_context: Mapping[str, str]) -> bytearray:
        """Decrypt under the version that the blob names."""
        material = self._material(key, blob.version)
        aad = blob.aad(encryption_context)
        return bytearray(unseal(material, Label.CUSTOMER_CIPHERTEXT, blob.nonce, blob.sealed, aad))

    def generate(self, size: int) -> bytearray:
        """Return bytes that follow from the seed."""
        return bytearray(self._random.randbytes(size))

    def new_token(self, account: AccountId, region: Region, key_id: KeyId, version: int, usage: str) -> NewToken:
        """Seal new material."""
        material = self._random.randbytes(32)
        self.materials.append(material)
        material_id = bytearray(32)
        derive(material, Label.KEY_MATERIAL_ID, key_id.encode(), material_id)
        binding = key_token.binding(account, region, key_id, version, usage)
        return NewToken(self.domain_key_id, self._seal(SealedClass.KEY_TOKEN, material, binding), bytes(material_id))

    def seal_head(self, written: bytes) -> SealedHead:
        """Seal a head."""
        return SealedHead(self.domain_key_id, self._seal(SealedClass.KEY_HEAD, written, b""))

    def open_head(self, sealed: bytes) -> bytes:
        """Return the written head, or raise RecordError."""
        return self._open(SealedClass.KEY_HEAD, sealed, b"")

    def _material(self, key: OpenedKey, version: int) -> bytes:
        head = key.head
        binding = key_token.binding(head.account, head.region, head.key_id, version, head.usage)
        return self._open(SealedClass.KEY_TOKEN, key.token(version), binding)

    def _seal(self, sealed_class: SealedClass, content: bytes, binding: bytes) -> bytes:
        nonce = self._random.randbytes(NONCE)
        empty = Envelope(sealed_class, self.domain_key_id, nonce, bytes(OVERHEAD))
        sealed = seal(self._domain_key, sealed_class.label, nonce, content, empty.aad(binding))
        return Envelope(sealed_class, self.domain_key_id, nonce, sealed).encode()

    def _open(self, sealed_class: SealedClass, encoded: bytes, binding: bytes) -> bytes:
        self.opened += 1
        try:
            envelope = Envelope.decode(encoded, sealed_class)
            aad = envelope.aad(binding)
            return unseal(self._domain_key, sealed_class.label, envelope.nonce, envelope.sealed, aad)
        except (FormatError, SealError) as error:
            raise RecordError("does not open under the domain key") from error
