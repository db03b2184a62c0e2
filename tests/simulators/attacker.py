"""An honest attempt to open customers' keys with everything that was ever copied: disks, tokens, records, memory.

``Attacker`` tries each secret that it has on each thing that the secret could open, and goes on with what it found,
until nothing new comes. It knows every format, has all the time it needs, and is told nothing that was not plundered.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType

from keystead.components.security_module import root_slot, sealed_file
from keystead.core.domain import domain_token
from keystead.core.domain.domain_token import Body
from keystead.core.keys import head
from keystead.core.keys.head import KeyHead
from keystead.core.records import KeyRecord
from keystead.core.tokens import key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.errors import Refusal, SealError
from keystead.identifiers import DomainKeyId, KeyId, ModuleId
from keystead.primitives import hpke, signatures
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key
from keystead.primitives.sealing import NONCE, unseal
from keystead.primitives.secret import Secret

KEY = 32
_SEALED_HEADER = 1 + root_slot.GENERATION
_SEALING = slice(signatures.SECRET_SIZE, signatures.SECRET_SIZE + hpke.SECRET_SIZE)
_OFFERED = slice(_SEALING.stop, _SEALING.stop + hpke.SECRET_SIZE)


@dataclass
class Attacker:
    """What was plundered, and what follows from it. Secrets are plain bytes here: an attacker wipes nothing."""

    files: set[bytes] = field(default_factory=set)
    """Every state of every module's sealed file."""
    tokens: dict[bytes, Body] = field(default_factory=dict)
    """Every domain token, by its bytes."""
    records: set[tuple[bytes, bytes]] = field(default_factory=set)
    """Every sealed head, with every key token that ever rested beside it."""
    keys: set[bytes] = field(default_factory=set)
    """32 bytes that may be a root secret, a random key, a domain key or a customer's key."""
    sealing: dict[bytes, RecipientKey] = field(default_factory=dict)
    """Sealing keys by their secrets."""
    heads: dict[bytes, KeyHead] = field(default_factory=dict)
    domain_keys: dict[DomainKeyId, set[bytes]] = field(default_factory=dict)
    materials: dict[KeyId, set[bytes]] = field(default_factory=dict)
    _tried: set[tuple[bytes, ...]] = field(default_factory=set)

    def take_disk(self, image: Mapping[str, bytes], *, with_root_slots: bool) -> None:
        """Take a copy of a module's disk; without its root slots it is what a receipt promises to be worthless."""
        for name, content in image.items():
            if name.startswith("root-slot"):
                if with_root_slots:
                    self.keys.add(content[root_slot.GENERATION :])
            elif name == sealed_file.NAME:
                self.files.add(content)
            else:
                raise AssertionError(f"{name} is a file that the attacker does not know")

    def take_token(self, encoded: bytes) -> None:
        """Take a domain token, installed or not."""
        self.tokens[encoded] = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(encoded).body)

    def take_records(self, records: Iterable[KeyRecord]) -> None:
        """Take a copy of the key repository."""
        self.records.update((record.head, token) for record in records for token in record.tokens.values())

    def take_memory(self, process: object) -> None:
        """Take all that a module's objects reach: its secrets, and whatever else there has the size of one."""
        for found in _reached(process):
            if len(found) == KEY:
                self.keys.add(found)
            elif len(found) == hpke.SECRET_SIZE:
                self._sealing_key(found)

    def attack(self) -> None:
        """Try all on all, until nothing new comes."""
        known = -1
        while (found := self._found()) != known:
            known = found
            self._open_files()
            self._open_tokens()
            self._open_records()

    def decrypts(self, ciphertext: bytes) -> bytes | None:
        """Return the plaintext of a customer's ciphertext, or None if no material that was found opens it."""
        blob = CiphertextBlob.decode(ciphertext)
        for material in self.materials.get(blob.key_id, set()):
            try:
                return unseal(material, Label.CUSTOMER_CIPHERTEXT, blob.nonce, blob.sealed, blob.aad({}))
            except SealError:
                continue
        return None

    def _found(self) -> int:
        return len(self.keys) + len(self.sealing) + len(self.heads) + sum(map(len, self.materials.values()))

    def _fresh(self, *attempt: bytes) -> bool:
        if attempt in self._tried:
            return False
        self._tried.add(attempt)
        return True

    def _sealing_key(self, secret: bytes) -> None:
        if secret not in self.sealing and any(secret):
            try:
                self.sealing[secret] = RecipientKey.from_secret(Secret.taken(bytearray(secret)))
            except (Refusal, ValueError):
                return

    def _opened(self, key: bytes, label: Label, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        try:
            with open_key(key, label, nonce, sealed, aad) as secret:
                return bytes(secret.view)
        except SealError:
            return None

    def _open_files(self) -> None:
        for content in self.files:
            header, nonce = content[:_SEALED_HEADER], content[_SEALED_HEADER : _SEALED_HEADER + NONCE]
            for key in [one for one in self.keys if self._fresh(content, one)]:
                opened = self._opened(key, Label.ROOT_SLOT, nonce, content[_SEALED_HEADER + NONCE :], header)
                if opened is not None:
                    self._sealing_key(opened[_SEALING])
                    self._sealing_key(opened[_OFFERED])

    def _open_tokens(self) -> None:
        for encoded, body in self.tokens.items():
            state = body.state
            for package in body.packages:
                info = domain_token.package_info(state.domain_id, state.version, ModuleId(package.member))
                for secret, key in self.sealing.items():
                    if self._fresh(encoded, package.member, secret):
                        try:
                            with key.open(info, package.sealed_random_key) as random_key:
                                self._open_domain_keys(body, bytes(random_key.view))
                        except SealError:
                            continue

    def _open_domain_keys(self, body: Body, random_key: bytes) -> None:
        for sealed in body.sealed_keys:
            key_id = DomainKeyId(sealed.id)
            aad = domain_token.sealed_key_aad(body.state.domain_id, body.state.version, key_id)
            opened = self._opened(random_key, Label.DOMAIN_KEY, sealed.nonce, sealed.sealed, aad)
            if opened is not None:
                self.keys.add(opened)
                self.domain_keys.setdefault(key_id, set()).add(opened)

    def _open_records(self) -> None:
        for sealed_head, _ in self.records:
            if sealed_head not in self.heads:
                for opened in self._tries(sealed_head, SealedClass.KEY_HEAD, b""):
                    self.heads[sealed_head] = head.decode(opened)
        heads = set(self.heads.values())
        for token in {token for _, token in self.records}:
            for one in heads:
                for version in one.versions:
                    binding = key_token.binding(one.account, one.region, one.key_id, version.number, one.usage)
                    for opened in self._tries(token, SealedClass.KEY_TOKEN, binding):
                        self.materials.setdefault(one.key_id, set()).add(opened)

    def _tries(self, sealed: bytes, kind: SealedClass, binding: bytes) -> Iterator[bytes]:
        envelope = Envelope.decode(sealed, kind)
        for key in [one for one in self.keys if self._fresh(sealed, binding, one)]:
            opened = self._opened(key, kind.label, envelope.nonce, envelope.sealed, envelope.aad(binding))
            if opened is not None:
                yield opened


_NOT_MEMORY: tuple[type, ...] = (type, ModuleType, FunctionType, BuiltinFunctionType)


def _reached(process: object) -> Iterator[bytes]:
    """Return the bytes of everything that the object reaches, as a dump of its process would show them."""
    seen: dict[int, object] = {}
    waiting: list[object] = [process]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_MEMORY) or type(one).__module__.startswith("tests."):
            continue
        seen[id(one)] = one
        content = _content(one)
        if content is None:
            waiting.extend(gc.get_referents(one))
        else:
            yield content


def _content(one: object) -> bytes | None:
    reads: dict[type, Callable[..., bytes]] = {bytes: bytes, bytearray: bytes, memoryview: bytes}
    if isinstance(one, Secret):
        try:
            return bytes(one.view)
        except ValueError:
            return b""  # released: wiped before
    read = reads.get(type(one))
    return None if read is None else read(one)
