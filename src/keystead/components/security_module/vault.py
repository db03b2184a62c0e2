"""Domain keys, and all that is sealed and opened under them; nothing here judges who may."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

from keystead.components.security_module.rsa_keys import RsaKeys
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import kind
from keystead.core.operations.vault_port import NewPair, NewToken, SealedHead
from keystead.core.ports import Buffer, Randomness
from keystead.core.protocols.aws_json.shapes import DataKeyPairSpec, KeySpec
from keystead.core.records import TokenChange
from keystead.core.tokens import ciphertext_blob, key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass, header
from keystead.core.tokens.material import SECRET_SIZES, material_id, material_sizes
from keystead.errors import FormatError, NoDomain, RecordError, RetiredKey, SealError
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives import private_keys, public_keys
from keystead.primitives.authentication import authentication_code
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_into, open_key
from keystead.primitives.sealing import NONCE, OVERHEAD, seal, unseal
from keystead.primitives.secret import Secret, wipe

MATERIAL: Final = SECRET_SIZES["SYMMETRIC_DEFAULT"]
"""Bytes of the material of a symmetric key."""
CAPACITY: Final = 4096
"""Key tokens that are remembered, taken apart."""
_WIPED: Final = bytes(MATERIAL)

KeyTokenParts: TypeAlias = tuple[DomainKeyId, bytes, bytes, bytes]
"""Domain key, nonce, sealed material, and what it is bound to."""


class DomainVault:
    """The ``Vault`` of operations, and the seals of sessions. Owned by the event loop."""

    def __init__(self, randomness: Randomness, rsa_keys: RsaKeys) -> None:
        """Hold no key yet."""
        self._rsa_keys = rsa_keys
        self._randomness = randomness
        self._keys: Mapping[DomainKeyId, Secret] = {}
        self._newest: DomainKeyId | None = None
        self.operations: Counter[DomainKeyId] = Counter()
        """How often something was sealed or opened under each domain key since the start."""
        self.refusals: dict[DomainKeyId, int] = {}
        """How often something was to be opened under each retired domain key since it was retired here."""
        self._customer_key = Secret.blank(MATERIAL)
        self._material = self._customer_key.view
        self._tokens: dict[tuple[bytes, bytes], KeyTokenParts] = {}

    @property
    def newest(self) -> DomainKeyId:
        """The domain key for all that is new; raises NoDomain."""
        if self._newest is None:
            raise NoDomain("the domain has no domain key yet, or the module is no member")
        return self._newest

    def hold(
        self, keys: Mapping[DomainKeyId, Secret], newest: DomainKeyId | None, retired: AbstractSet[DomainKeyId]
    ) -> None:
        """Use these domain keys from now on, and ``newest`` for all that is new; who installed them wipes them.

        The retired ones open nothing.
        """
        self._keys = {key: secret for key, secret in keys.items() if key not in retired}
        self._newest = newest
        self.refusals = {key: self.refusals.get(key, 0) for key in retired}
        self._tokens.clear()

    def encrypt(self, key: OpenedKey, plaintext: Buffer, encryption_context: Mapping[str, str]) -> bytes:
        """Return the ciphertext blob of the plaintext under the key's newest version."""
        head = key.head
        version = head.newest.number
        nonce = self._randomness.token(NONCE)
        bound = ciphertext_blob.binding(head.key_id, version, encryption_context)
        material = self._material
        try:
            self._open_material(key, version)
            sealed = seal(material, Label.CUSTOMER_CIPHERTEXT, nonce, plaintext, bound)
        finally:
            material[:] = _WIPED
        return CiphertextBlob(head.key_id, version, nonce, sealed).encode()

    def decrypt(self, key: OpenedKey, blob: CiphertextBlob, encryption_context: Mapping[str, str]) -> bytearray:
        """Return the plaintext of a blob in a buffer that the caller wipes."""
        plaintext = bytearray(max(0, len(blob.sealed) - OVERHEAD))
        bound = blob.aad(encryption_context)
        material = self._material
        try:
            self._open_material(key, blob.version)
            open_into(material, Label.CUSTOMER_CIPHERTEXT, blob.nonce, blob.sealed, bound, memoryview(plaintext))
        finally:
            material[:] = _WIPED
        return plaintext

    def generate(self, size: int) -> bytearray:
        """Return fresh random bytes in a buffer that the caller wipes."""
        fresh = bytearray(size)
        self._randomness.fill(fresh)
        return fresh

    def new_token(
        self,
        account: AccountId,
        region: Region,
        key_id: KeyId,
        version: int,
        usage: str,
        spec: KeySpec = "SYMMETRIC_DEFAULT",
    ) -> NewToken:
        """Return a token of fresh material of this spec under the newest domain key, bound to all that is named."""
        binding = key_token.binding(account, region, key_id, version, usage)
        with self._fresh(spec) as material:
            public_key = private_keys.public_of(spec, material.view) if kind(spec) == "pair" else b""
            domain_key, token = self._seal(SealedClass.KEY_TOKEN, material.view, binding)
            return NewToken(domain_key, token, material_id(key_id, material.view, public_key), public_key)

    def new_pair(self, spec: DataKeyPairSpec) -> NewPair:
        """Return a fresh data key pair."""
        with self._fresh(spec) as material:
            public_key = private_keys.public_of(spec, material.view)
            return NewPair(private_keys.written(spec, material.view), public_key)

    def authenticate(self, key: OpenedKey, algorithm: str, message: Buffer) -> bytes:
        """Return the MAC of the message under an HMAC key."""
        with self._opened(key) as material:
            return authentication_code(material.view, algorithm, message)

    def sign(self, key: OpenedKey, algorithm: str, message_type: str, message: Buffer) -> bytes:
        """Return the signature of the message."""
        with self._opened(key) as material:
            return private_keys.sign(key.head.spec, material.view, algorithm, message_type, message)

    def encrypt_to(self, public_key: bytes, algorithm: str, plaintext: Buffer) -> bytes:
        """Return the plaintext encrypted to an RSA key; raises SealError if it is too long for it."""
        return public_keys.encrypt(public_key, algorithm, plaintext)

    def decrypt_with(self, key: OpenedKey, algorithm: str, ciphertext: bytes) -> bytearray:
        """Return what was encrypted to an RSA key; raises SealError."""
        with self._opened(key) as material:
            return private_keys.decrypt(key.head.spec, material.view, algorithm, ciphertext)

    def agree(self, key: OpenedKey, public_key: bytes) -> bytearray:
        """Return the secret shared with a peer; raises FormatError."""
        with self._opened(key) as material:
            return private_keys.agree(key.head.spec, material.view, public_key)

    def encapsulate(self, public_key: bytes) -> tuple[bytearray, bytes]:
        """Return a fresh secret and its encapsulation to an ML-KEM key."""
        return public_keys.encapsulate(public_key)

    def decapsulate(self, key: OpenedKey, encapsulated: bytes) -> bytearray:
        """Return the secret; raises SealError for an encapsulation of another length."""
        with self._opened(key) as material:
            return private_keys.decapsulate(key.head.spec, material.view, encapsulated)

    def seal_head(self, written: bytes) -> SealedHead:
        """Return the written head sealed under the newest domain key."""
        domain_key, sealed = self._seal(SealedClass.KEY_HEAD, written, b"")
        return SealedHead(domain_key, sealed)

    def open_head(self, sealed: bytes) -> bytes:
        """Return the written head; raises RecordError if it does not open under a domain key that is held."""
        try:
            envelope = Envelope.decode(sealed, SealedClass.KEY_HEAD)
            key = self._key(envelope.domain_key)
            return unseal(key.view, Label.KEY_HEAD, envelope.nonce, envelope.sealed, envelope.aad(b""))
        except (FormatError, SealError) as error:
            raise RecordError("the head does not open") from error

    def reseal_token(self, key: OpenedKey, version: int) -> TokenChange:
        """Return a version's material in a token under the newest domain key; raises RecordError."""
        head = key.head
        binding = key_token.binding(head.account, head.region, head.key_id, version, head.usage)
        # Not by way of the remembered tokens: a rotation comes by once, and would drive out those in use.
        with self._material_of(key, version) as material:
            domain_key, token = self._seal(SealedClass.KEY_TOKEN, material.view, binding)
        return TokenChange(version, domain_key, token)

    def seal_session(self, content: bytearray, binding: bytes) -> bytes:
        """Return an operator key token with this content, which is wiped."""
        try:
            return self._seal(SealedClass.OPERATOR_KEY_TOKEN, content, binding)[1]
        finally:
            wipe(content)

    def open_session(self, token: bytes, binding: bytes) -> Secret:
        """Return the content of an operator key token; raises FormatError, SealError."""
        envelope = Envelope.decode(token, SealedClass.OPERATOR_KEY_TOKEN)
        key = self._key(envelope.domain_key)
        return open_key(key.view, Label.OPERATOR_KEY_TOKEN, envelope.nonce, envelope.sealed, envelope.aad(binding))

    def _fresh(self, spec: KeySpec | DataKeyPairSpec) -> Secret:
        """Return fresh material of a key of this spec."""
        if spec in private_keys.RSA_BITS:
            return self._rsa_keys.take(spec)
        if spec in SECRET_SIZES:
            return Secret.random(SECRET_SIZES[spec], self._randomness)
        return private_keys.generate(spec, self._randomness)

    def _opened(self, key: OpenedKey) -> Secret:
        """Return the newest version's material, of whatever size."""
        return self._material_of(key, key.head.newest.number)

    def _material_of(self, key: OpenedKey, version: int) -> Secret:
        try:
            domain_key, nonce, sealed, aad = _parts(key, version, key.token(version))
            return open_key(self._key(domain_key).view, Label.KEY_TOKEN, nonce, sealed, aad)
        except (FormatError, SealError) as error:
            raise RecordError("the key token does not open for this key") from error

    def _open_material(self, key: OpenedKey, version: int) -> None:
        """Write a version's material of a symmetric key to the one buffer that holds such; the caller wipes it."""
        encoded = key.token(version)
        try:
            domain_key, nonce, sealed, aad = self._tokens.get((key.sealed, encoded)) or self._token(
                key, version, encoded
            )
            open_into(self._key(domain_key).view, Label.KEY_TOKEN, nonce, sealed, aad, self._material)
        except (FormatError, SealError) as error:
            raise RecordError("the key token does not open for this key") from error

    def _token(self, key: OpenedKey, version: int, encoded: bytes) -> KeyTokenParts:
        """Take the token apart that this very head names, and remember it; nothing of it is secret."""
        token = _parts(key, version, encoded)
        if len(self._tokens) >= CAPACITY:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key.sealed, encoded] = token
        return token

    def _key(self, domain_key: DomainKeyId) -> Secret:
        key = self._keys.get(domain_key)
        if key is None:
            raise self._refused(domain_key)
        self.operations[domain_key] += 1
        return key

    def _refused(self, domain_key: DomainKeyId) -> SealError:
        if domain_key not in self.refusals:
            return SealError("sealed under a domain key that is not held")
        self.refusals[domain_key] += 1
        return RetiredKey("sealed under a domain key that is retired")

    def _seal(self, sealed_class: SealedClass, content: Buffer, binding: bytes) -> tuple[DomainKeyId, bytes]:
        newest = self.newest
        self.operations[newest] += 1
        nonce = self._randomness.token(NONCE)
        aad = header(sealed_class, newest) + binding
        sealed = seal(self._keys[newest].view, sealed_class.label, nonce, content, aad)
        return newest, Envelope(sealed_class, newest, nonce, sealed).encode()


def _parts(key: OpenedKey, version: int, encoded: bytes) -> KeyTokenParts:
    head = key.head
    envelope = Envelope.decode(encoded, SealedClass.KEY_TOKEN)
    if len(envelope.sealed) - OVERHEAD not in material_sizes(head.spec):
        raise FormatError("material of another size")
    aad = envelope.aad(key_token.binding(head.account, head.region, head.key_id, version, head.usage))
    return envelope.domain_key, envelope.nonce, envelope.sealed, aad
