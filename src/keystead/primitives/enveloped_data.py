"""Data for the holder of an RSA key: CMS EnvelopedData (RFC 5652, section 6) with AES-256-CBC (RFC 3565).

The content-encryption key travels under RSAES-OAEP with SHA-256 (RFC 4056). It is the form in which the service answers
attested recipients; its content is encrypted, not authenticated.
"""

from typing import Annotated, Final

from cryptography.hazmat.asn1 import Explicit, Implicit, Null, SetOf, encode_der, sequence
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import ObjectIdentifier, SubjectKeyIdentifier

from keystead.errors import FormatError
from keystead.primitives.public_keys import encrypt
from keystead.primitives.secret import Buffer, Source, wipe

ALGORITHM: Final = "RSAES_OAEP_SHA_256"
LEAST_BITS: Final = 2048
_KEY: Final = 32
_BLOCK: Final = 16
_VERSION: Final = 2
"""Of both structures where the recipient is named by its key's identifier (RFC 5652, sections 6.1 and 6.2.1)."""


@sequence
class _Hash:
    algorithm: ObjectIdentifier
    parameters: Null


@sequence
class _MaskGeneration:
    algorithm: ObjectIdentifier
    hash: _Hash


@sequence
class _Oaep:
    hash: Annotated[_Hash, Explicit(0)]
    mask_generation: Annotated[_MaskGeneration, Explicit(1)]


@sequence
class _KeyEncryption:
    algorithm: ObjectIdentifier
    parameters: _Oaep


@sequence
class _KeyTransport:
    version: int
    recipient: Annotated[bytes, Implicit(0)]
    algorithm: _KeyEncryption
    encrypted_key: bytes


@sequence
class _ContentEncryption:
    algorithm: ObjectIdentifier
    initialization_vector: bytes


@sequence
class _EncryptedContent:
    kind: ObjectIdentifier
    algorithm: _ContentEncryption
    content: Annotated[bytes, Implicit(0)]


@sequence
class _EnvelopedData:
    version: int
    recipients: SetOf[_KeyTransport]
    content: _EncryptedContent


@sequence
class _ContentInfo:
    kind: ObjectIdentifier
    content: Annotated[_EnvelopedData, Explicit(0)]


_ENVELOPED_DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.3")
_DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.1")
_AES256_CBC: Final = ObjectIdentifier("2.16.840.1.101.3.4.1.42")
_SHA256: Final = _Hash(algorithm=ObjectIdentifier("2.16.840.1.101.3.4.2.1"), parameters=Null())
_MGF1: Final = _MaskGeneration(algorithm=ObjectIdentifier("1.2.840.113549.1.1.8"), hash=_SHA256)
_OAEP: Final = _KeyEncryption(
    algorithm=ObjectIdentifier("1.2.840.113549.1.1.7"), parameters=_Oaep(hash=_SHA256, mask_generation=_MGF1)
)


def recipient_key(public: bytes) -> RSAPublicKey:
    """Return the RSA key of at least 2,048 bits that a SubjectPublicKeyInfo holds; raises FormatError."""
    try:
        key = load_der_public_key(public)
    except Exception:  # noqa: BLE001 - the library documents several errors, and more for keys it does not know
        raise FormatError("not a public key") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise FormatError("not an RSA key of at least 2,048 bits")
    return key


def envelop(public: bytes, plaintext: Buffer, source: Source) -> bytes:
    """Return the plaintext enveloped for the holder of an RSA key, a SubjectPublicKeyInfo; raises FormatError."""
    identifier = SubjectKeyIdentifier.from_public_key(recipient_key(public)).digest
    key, vector = bytearray(_KEY), bytearray(_BLOCK)
    try:
        source.fill(key)
        source.fill(vector)
        content = _encrypted(key, bytes(vector), plaintext)
        transported = encrypt(public, ALGORITHM, key)
    finally:
        wipe(key)
    data = _EnvelopedData(
        version=_VERSION,
        recipients=SetOf(
            [_KeyTransport(version=_VERSION, recipient=identifier, algorithm=_OAEP, encrypted_key=transported)]
        ),
        content=_EncryptedContent(
            kind=_DATA,
            algorithm=_ContentEncryption(algorithm=_AES256_CBC, initialization_vector=bytes(vector)),
            content=content,
        ),
    )
    return encode_der(_ContentInfo(kind=_ENVELOPED_DATA, content=data))


def _encrypted(key: Buffer, vector: bytes, plaintext: Buffer) -> bytes:
    """Return the ciphertext of the padded plaintext (RFC 5652, section 6.3)."""
    missing = _BLOCK - len(plaintext) % _BLOCK
    padded = bytearray(len(plaintext) + missing)
    try:
        padded[: len(plaintext)] = plaintext
        padded[len(plaintext) :] = bytes((missing,)) * missing
        encryptor = Cipher(AES256(key), CBC(vector)).encryptor()
        return encryptor.update(padded) + encryptor.finalize()
    finally:
        wipe(padded)
