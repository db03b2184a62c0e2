"""Sealing to the holder of a private key: HPKE (RFC 9180, base mode, one message per encapsulation).

KEM MLKEM768-X25519 (hybrid: FIPS 203 and RFC 7748 together, as in draft-ietf-hpke-pq), KDF HKDF-SHA256, AEAD
AES-256-GCM. What is recorded today stays closed as long as either half holds.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from keystead.errors import FormatError, SealError
from keystead.primitives.secret import Buffer, Secret, Source

PUBLIC_SIZE: Final = 1216
"""ML-KEM-768 encapsulation key, then X25519 public key."""
SECRET_SIZE: Final = 96
"""ML-KEM-768 seed (d, then z), then X25519 private key."""
OVERHEAD: Final = 1088 + 32 + 16
"""Encapsulation and tag."""
_MLKEM_SEED: Final = 64
_MLKEM_PUBLIC: Final = 1184
_suite: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class RecipientKey:
    """A private key that things are sealed to."""

    __slots__ = ("_private", "_secret", "public")

    public: bytes
    """The public key, for ``seal_to``."""

    def __init__(self, secret: Secret) -> None:
        """Take 96 secret bytes; ``generate`` and ``from_secret`` say it in words."""
        mlkem = MLKEM768PrivateKey.from_seed_bytes(secret.view[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(secret.view[_MLKEM_SEED:])
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        self._secret = secret
        self.public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return "<RecipientKey>"

    @classmethod
    def generate(cls, randomness: Source) -> "RecipientKey":
        """Return a new key, tried once; raises SealError if it does not open what is sealed to it."""
        key = cls(Secret.random(SECRET_SIZE, randomness))
        with key.open(b"", seal_to(key.public, b"", bytes(2))):
            return key

    @classmethod
    def from_secret(cls, secret: Secret) -> "RecipientKey":
        """Return the key with this secret, which it takes over; raises FormatError for a secret of another size."""
        if len(secret) != SECRET_SIZE:
            raise FormatError("not the secret of a recipient key")
        return cls(secret)

    def secret(self) -> Secret:
        """Return the key's own secret, to be sealed; it goes when the key goes."""
        return self._secret

    def open(self, info: bytes, sealed: bytes) -> Secret:
        """Return what was sealed to this key with this ``info`` (two bytes at least); raises SealError."""
        try:
            return Secret.absorbed(_suite.decrypt(sealed, self._private, info))
        except (InvalidTag, ValueError):
            raise SealError("not sealed to this key for this purpose") from None


def seal_to(public: bytes, info: bytes, plaintext: Buffer) -> bytes:
    """Return the plaintext sealed to the public key: encapsulation, ciphertext and tag.

    ``info`` says what for. Raises FormatError if the public key is none.
    """
    if len(public) != PUBLIC_SIZE:
        raise FormatError("not a recipient's public key")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
        x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:])
        return _suite.encrypt(plaintext, MLKEM768X25519PublicKey(mlkem, x25519), info)
    except ValueError:  # a coefficient of ML-KEM out of range, or an X25519 point of low order
        raise FormatError("not a recipient's public key") from None
