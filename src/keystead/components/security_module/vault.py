"""Domain keys, and all that is sealed and opened under them; nothing here judges who may."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.vault_port import NewToken, SealedHead
from keystead.core.ports import Buffer, Randomness
from keystead.core.records import TokenChange
from keystead.core.tokens import ciphertext_blob, key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass, header
from keystead.errors import FormatError, NoDomain, RecordError, RetiredKey, SealError
from keystead.identifiers import AccountId, DomainKeyId, KeyId, Region
from keystead.primitives.derivation import derive
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_into, open_key
from keystead.primitives.sealing import NONCE, OVERHEAD, seal, unseal
from keystead.primitives.secret import Secret, wipe

MATERIAL: Final = 32
"""Bytes of the material of a symmetric key."""
CAPACITY: Final = 4096
"""Key tokens that are remembered, taken apart."""
_MATERIAL_ID: Final = 32
_WIPED: Final = bytes(MATERIAL)

KeyTokenParts: TypeAlias = tuple[DomainKeyId, bytes, bytes, bytes]
"""Domain key, nonce, sealed material, and what it is bound to."""


class DomainVault:
    """The ``Vault`` of operations, and the seals of sessions. Owned by the event loop."""

    def __init__(self, randomness: Randomness) -> None:
        """Hold no key yet."""
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

    def new_token(self, account: AccountId, region: Region, key_id: KeyId, version: int, usage: str) -> NewToken:
        """Return a token of fresh 256-bit material under the newest domain key, bound to all that is named."""
        binding = key_token.binding(account, region, key_id, version, usage)
        material_id = bytearray(_MATERIAL_ID)
        with Secret.random(MATERIAL, self._randomness) as material:
            derive(material.view, Label.KEY_MATERIAL_ID, key_id.encode(), material_id)
            domain_key, token = self._seal(SealedClass.KEY_TOKEN, material.view, binding)
        return NewToken(domain_key, token, bytes(material_id))

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
        material = self._material
        try:
            # Not by way of the remembered tokens: a rotation comes by once, and would drive out those in use.
            self._open_parts(_parts(key, version, key.token(version)))
            domain_key, token = self._seal(SealedClass.KEY_TOKEN, material, binding)
        except (FormatError, SealError) as error:
            raise RecordError("the key token does not open for this key") from error
        finally:
            material[:] = _WIPED
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

    def _open_material(self, key: OpenedKey, version: int) -> None:
        """Write a version's material to the one buffer that ever holds any; the caller wipes it."""
        encoded = key.token(version)
        try:
            self._open_parts(self._tokens.get((key.sealed, encoded)) or self._token(key, version, encoded))
        except (FormatError, SealError) as error:
            raise RecordError("the key token does not open for this key") from error

    def _open_parts(self, parts: KeyTokenParts) -> None:
        domain_key, nonce, sealed, aad = parts
        open_into(self._key(domain_key).view, Label.KEY_TOKEN, nonce, sealed, aad, self._material)

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
    if len(envelope.sealed) != MATERIAL + OVERHEAD:
        raise FormatError("material of another size")
    aad = envelope.aad(key_token.binding(head.account, head.region, head.key_id, version, head.usage))
    return envelope.domain_key, envelope.nonce, envelope.sealed, aad
