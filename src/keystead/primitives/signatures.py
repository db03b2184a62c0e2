"""Signatures of security modules: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204) side by side.

What lasts carries both and both must verify, so that it stays true if either algorithm falls. Handshakes, which no
later discovery can change, carry Ed25519 alone. The signed bytes are ``label || 0x00 || message``.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from keystead.errors import FormatError, SignatureError
from keystead.primitives.labels import Label
from keystead.primitives.secret import Secret, Source

SECRET_SIZE: Final = 64
"""Ed25519 seed, then ML-DSA-65 seed."""
ED25519_SIZE: Final = 64
MLDSA65_SIZE: Final = 3309
SIGNATURE_SIZE: Final = ED25519_SIZE + MLDSA65_SIZE
_ED25519_SEED: Final = 32


@dataclass(frozen=True, slots=True)
class IdentityPublic:
    """The public keys that a module is known by."""

    ed25519: bytes
    """32 bytes."""
    mldsa65: bytes
    """1,952 bytes."""


class IdentityKey:
    """A module's private signing keys."""

    __slots__ = ("_ed25519", "_mldsa65", "_secret", "public")

    public: IdentityPublic

    def __init__(self, secret: Secret) -> None:
        """Take 64 secret bytes; ``generate`` and ``from_secret`` say it in words."""
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(secret.view[:_ED25519_SEED])
        self._mldsa65 = MLDSA65PrivateKey.from_seed_bytes(secret.view[_ED25519_SEED:])
        self._secret = secret
        self.public = IdentityPublic(
            self._ed25519.public_key().public_bytes_raw(), self._mldsa65.public_key().public_bytes_raw()
        )

    def __repr__(self) -> str:
        return "<IdentityKey>"

    @classmethod
    def generate(cls, randomness: Source) -> "IdentityKey":
        """Return a new key, tried once; raises SignatureError if its signature does not verify."""
        key = cls(Secret.random(SECRET_SIZE, randomness))
        verify(key.public, Label.SELF_TEST, b"", key.sign(Label.SELF_TEST, b""))
        return key

    @classmethod
    def from_secret(cls, secret: Secret) -> "IdentityKey":
        """Return the key with this secret, which it takes over; raises FormatError for a secret of another size."""
        if len(secret) != SECRET_SIZE:
            raise FormatError("not the secret of an identity key")
        return cls(secret)

    def secret(self) -> Secret:
        """Return the key's own secret, to be sealed; it goes when the key goes."""
        return self._secret

    def sign(self, label: Label, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes), then the ML-DSA-65 signature (3,309 bytes)."""
        signed = _signed(label, message)
        return self._ed25519.sign(signed) + self._mldsa65.sign(signed)

    def sign_handshake(self, label: Label, message: bytes) -> bytes:
        """Return the Ed25519 signature alone (64 bytes)."""
        return self._ed25519.sign(_signed(label, message))


def verify(public: IdentityPublic, label: Label, message: bytes, signature: bytes) -> None:
    """Return if both signatures are the holder's over this label and message; raises SignatureError."""
    if len(signature) != SIGNATURE_SIZE:
        raise SignatureError("not a signature of both kinds")
    verify_handshake(public.ed25519, label, message, signature[:ED25519_SIZE])
    try:
        key = MLDSA65PublicKey.from_public_bytes(public.mldsa65)
        key.verify(signature[ED25519_SIZE:], _signed(label, message))
    except (InvalidSignature, ValueError):
        raise SignatureError("the ML-DSA-65 signature does not verify") from None


def verify_handshake(ed25519_public: bytes, label: Label, message: bytes, signature: bytes) -> None:
    """Return if the Ed25519 signature is the holder's over this label and message; raises SignatureError."""
    try:
        Ed25519PublicKey.from_public_bytes(ed25519_public).verify(signature, _signed(label, message))
    except (InvalidSignature, ValueError):
        raise SignatureError("the Ed25519 signature does not verify") from None


def _signed(label: Label, message: bytes) -> bytes:
    return label.value + b"\x00" + message
