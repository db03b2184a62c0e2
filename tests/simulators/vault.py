"""A vault in memory: seals exactly as a security module does, under one domain key that anyone may read.

``opened`` counts what was opened, so that a test can tell that something was refused before any key was used.
"""

from collections.abc import Mapping
from random import Random

from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import kind
from keystead.core.operations.vault_port import NewPair, NewToken, SealedHead
from keystead.core.ports import Buffer
from keystead.core.protocols.aws_json.shapes import DataKeyPairSpec, KeySpec
from keystead.core.tokens import ciphertext_blob, key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.core.tokens.material import SECRET_SIZES, material_id
from keystead.errors import FormatError, RecordError, SealError
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives import private_keys, public_keys
from keystead.primitives.authentication import authentication_code
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

    def new_token(
        self,
        account: AccountId,
        region: Region,
        key_id: KeyId,
        version: int,
        usage: str,
        spec: KeySpec = "SYMMETRIC_DEFAULT",
    ) -> NewToken:
        """Seal new material."""
        material = self._fresh(spec)
        self.materials.append(material)
        public_key = private_keys.public_of(spec, material) if kind(spec) == "pair" else b""
        binding = key_token.binding(account, region, key_id, version, usage)
        token = self._seal(SealedClass.KEY_TOKEN, material, binding)
        return NewToken(self.domain_key_id, token, material_id(key_id, material, public_key), public_key)

    def new_pair(self, spec: DataKeyPairSpec) -> NewPair:
        """Return a new pair."""
        material = self._fresh(spec)
        return NewPair(private_keys.written(spec, material), private_keys.public_of(spec, material))

    def authenticate(self, key: OpenedKey, algorithm: str, message: Buffer) -> bytes:
        """Return the MAC."""
        return authentication_code(self._newest(key), algorithm, message)

    def sign(self, key: OpenedKey, algorithm: str, message_type: str, message: Buffer) -> bytes:
        """Return the signature."""
        return private_keys.sign(key.head.spec, self._newest(key), algorithm, message_type, message)

    def encrypt_to(self, public_key: bytes, algorithm: str, plaintext: Buffer) -> bytes:
        """Encrypt to an RSA key, with randomness of the library."""
        return public_keys.encrypt(public_key, algorithm, plaintext)

    def decrypt_with(self, key: OpenedKey, algorithm: str, ciphertext: bytes) -> bytearray:
        """Decrypt with an RSA key."""
        return private_keys.decrypt(key.head.spec, self._newest(key), algorithm, ciphertext)

    def agree(self, key: OpenedKey, public_key: bytes) -> bytearray:
        """Agree with a peer."""
        return private_keys.agree(key.head.spec, self._newest(key), public_key)

    def encapsulate(self, public_key: bytes) -> tuple[bytearray, bytes]:
        """Encapsulate to an ML-KEM key, with randomness of the library."""
        return public_keys.encapsulate(public_key)

    def decapsulate(self, key: OpenedKey, encapsulated: bytes) -> bytearray:
        """Decapsulate."""
        return private_keys.decapsulate(key.head.spec, self._newest(key), encapsulated)

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill with bytes that follow from the seed, as a source of randomness."""
        buffer[:] = self._random.randbytes(len(buffer))

    def _fresh(self, spec: str) -> bytes:
        if spec in private_keys.RSA_BITS:
            return bytes(private_keys.generate_rsa(spec))
        if spec in SECRET_SIZES:
            return self._random.randbytes(SECRET_SIZES[spec])
        with private_keys.generate(spec, self) as fresh:
            return bytes(fresh.view)

    def _newest(self, key: OpenedKey) -> bytes:
        return self._material(key, key.head.newest.number)

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
