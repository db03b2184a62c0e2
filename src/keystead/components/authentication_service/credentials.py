"""Whose an access key is: the port, and the store that seals its secrets under a key of this service alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from keystead.core.ports import Disk, Randomness
from keystead.errors import FormatError, SealError
from keystead.identifiers import AccountId, PrincipalArn, root_arn
from keystead.primitives.labels import Label
from keystead.primitives.sealing import NONCE, seal, unseal
from keystead.primitives.secret import Secret

_SEALING_KEY_FILE: Final = "credentials.key"
_CREDENTIALS_FILE: Final = "credentials.sealed"
_KEY_SIZE: Final = 32
_FORMAT: Final = b"\x01"
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE64_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ID_LENGTH: Final = 16
_SECRET_LENGTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access key and whose it is. The secret stays out of the representation."""

    access_key_id: str
    secret: Secret
    """The secret access key, ASCII."""
    principal: PrincipalArn
    account: AccountId
    session_token_digest: bytes | None = None
    """SHA-256 of the session token that must come along; None for a long-term credential."""
    expires: int | None = None
    """Milliseconds since the epoch; None for a long-term credential."""


class CredentialReader(Protocol):
    """Looks credentials up."""

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential, or None if there is no such access key."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    access_key_id: str
    secret: bytes
    principal: str
    account: str

    def __repr__(self) -> str:
        return f"_Stored({self.access_key_id})"


class SealedCredentials(CredentialReader):
    """Long-term credentials in one small file, sealed under a key in another (mode 0600, this service's user only)."""

    def __init__(self, disk: Disk, randomness: Randomness) -> None:
        """Open the store; the sealing key is made at the first start.

        Raises SealError or FormatError if the file was altered: the service must not start then.
        """
        self._disk = disk
        self._randomness = randomness
        self._key = self._sealing_key()
        self._found: Mapping[str, Credential] = _by_id(self._load())

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential, or None if there is no such access key."""
        return self._found.get(access_key_id)

    def accounts(self) -> frozenset[AccountId]:
        """Return the accounts that have a credential."""
        return frozenset(one.account for one in self._found.values())

    def create_root(self, account: AccountId) -> tuple[str, str]:
        """Make an access key for the account's root user durable; return its id and its secret."""
        access_key_id = "AKIA" + _text(self._randomness.token(_ID_LENGTH), _ALPHABET)
        with Secret.random(_SECRET_LENGTH, self._randomness) as drawn:
            secret = _text(drawn.view, _BASE64_ALPHABET)
        added = _Stored(access_key_id, secret.encode("ascii"), root_arn(account), account)
        self._store((*self._load(), added))
        return access_key_id, secret

    def _sealing_key(self) -> Secret:
        content = self._disk.read(_SEALING_KEY_FILE)
        if content is None:
            if self._disk.read(_CREDENTIALS_FILE) is not None:
                raise SealError("the credentials are there but the key that opens them is not")
            key = Secret.random(_KEY_SIZE, self._randomness)
            self._disk.write(_SEALING_KEY_FILE, bytes(key.view))
            return key
        if len(content) != _KEY_SIZE:
            raise FormatError("the sealing key of the credentials is damaged")
        return Secret.taken(bytearray(content))

    def _load(self) -> tuple[_Stored, ...]:
        content = self._disk.read(_CREDENTIALS_FILE)
        if content is None:
            return ()
        if content[:1] != _FORMAT:
            raise FormatError("the credentials are of an unknown format")
        nonce, sealed = content[1 : 1 + NONCE], content[1 + NONCE :]
        plain = unseal(self._key.view, Label.CREDENTIALS, nonce, sealed, _FORMAT)
        return msgspec.msgpack.decode(plain, type=tuple[_Stored, ...])

    def _store(self, stored: tuple[_Stored, ...]) -> None:
        nonce = self._randomness.token(NONCE)
        sealed = seal(self._key.view, Label.CREDENTIALS, nonce, msgspec.msgpack.encode(stored), _FORMAT)
        self._disk.write(_CREDENTIALS_FILE, _FORMAT + nonce + sealed)
        self._found = _by_id(stored)


def _by_id(stored: Iterable[_Stored]) -> Mapping[str, Credential]:
    return {one.access_key_id: _credential(one) for one in stored}


def _credential(stored: _Stored) -> Credential:
    return Credential(
        access_key_id=stored.access_key_id,
        secret=Secret.taken(bytearray(stored.secret)),
        principal=PrincipalArn(stored.principal),
        account=AccountId(stored.account),
    )


def _text(drawn: bytes | memoryview, alphabet: str) -> str:
    """Return a character for each random byte; the alphabets have sizes that divide 256, so none is likelier."""
    return "".join([alphabet[byte % len(alphabet)] for byte in drawn])
