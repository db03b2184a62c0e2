"""Keys of operators in the formats of OpenSSH, and their signatures (SSHSIG).

The files and signatures are those of ``ssh-keygen``: private key files of OpenSSH, public key lines, and signatures
as in OpenSSH's PROTOCOL.sshsig, over SHA-512 of the message. Accepted are ``ssh-ed25519`` (RFC 8709) and, for
verification, the FIDO kind ``sk-ssh-ed25519@openssh.com`` (PROTOCOL.u2f), which must have been touched. Each encoding
is accepted in one form only.
"""

import base64
import hashlib
import struct
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_ssh_private_key

from keystead.errors import FormatError, SignatureError
from keystead.primitives.labels import Label
from keystead.primitives.secret import Secret, Source
from keystead.primitives.ssh_encoding import Reader, from_base64, string

Kind = Literal["ssh-ed25519", "sk-ssh-ed25519@openssh.com"]
FILE_KEY: Final[Kind] = "ssh-ed25519"
FIDO_KEY: Final[Kind] = "sk-ssh-ed25519@openssh.com"
_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_HASH: Final = b"sha512"
_ED25519_PUBLIC: Final = 32
_ED25519_SIGNATURE: Final = 64
_FIDO_TRAILER: Final = 5
_USER_PRESENT: Final = 0x01
_ARMOR_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_ARMOR_END: Final = "-----END SSH SIGNATURE-----"
_ARMOR_WIDTH: Final = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPublic:
    """The public key of an operator."""

    kind: Kind
    ed25519: bytes
    """32 bytes."""
    application: str = ""
    """What a FIDO key was made for, such as ``ssh:``; empty for the other kind."""

    def wire(self) -> bytes:
        """Return the public key as it stands, in base64, in a public key line."""
        key = string(self.kind.encode()) + string(self.ed25519)
        return key + string(self.application.encode()) if self.kind == FIDO_KEY else key

    def line(self, comment: str = "") -> str:
        """Return the line of a ``.pub`` or ``authorized_keys`` file, without a line end."""
        return f"{self.kind} {base64.b64encode(self.wire()).decode()} {comment}".rstrip()

    @classmethod
    def from_wire(cls, wire: bytes) -> "OperatorPublic":
        """Return the public key with this encoding; raises FormatError."""
        reader = Reader(wire)
        kind = reader.string()
        ed25519 = reader.string()
        if len(ed25519) != _ED25519_PUBLIC:
            raise FormatError("not an Ed25519 public key")
        if kind == FILE_KEY.encode():
            reader.end()
            return cls(kind=FILE_KEY, ed25519=ed25519)
        if kind == FIDO_KEY.encode():
            application = reader.text()
            reader.end()
            return cls(kind=FIDO_KEY, ed25519=ed25519, application=application)
        raise FormatError("not a kind of key that operators may have (ssh-ed25519, sk-ssh-ed25519@openssh.com)")

    @classmethod
    def from_line(cls, line: str) -> "OperatorPublic":
        """Return the public key in a ``.pub`` line, whatever its comment; raises FormatError."""
        kind, _, rest = line.strip().partition(" ")
        public = cls.from_wire(from_base64(rest.partition(" ")[0]))
        if public.kind != kind:
            raise FormatError("the public key line names another kind than its key")
        return public


class OperatorKey:
    """The private key of an operator, held in a file."""

    __slots__ = ("_key", "comment", "public")

    public: OperatorPublic

    def __init__(self, key: Ed25519PrivateKey, comment: str) -> None:
        """Take the key; ``generate`` and ``load`` make one."""
        self._key = key
        self.comment = comment
        self.public = OperatorPublic(kind=FILE_KEY, ed25519=key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"<OperatorKey {self.comment!r}>"

    @classmethod
    def generate(cls, randomness: Source, comment: str) -> "OperatorKey":
        """Return a new key, tried once; raises SignatureError if its signature does not verify."""
        with Secret.random(_ED25519_PUBLIC, randomness) as seed:
            key = cls(Ed25519PrivateKey.from_private_bytes(seed.view), comment)
        _verify_ed25519(key.ed25519, b"", key._key.sign(b""))
        return key

    @classmethod
    def load(cls, pem: bytes, comment: str = "") -> "OperatorKey":
        """Return the key in an OpenSSH private key file that has no passphrase; raises FormatError."""
        try:
            key = load_ssh_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise FormatError("not an OpenSSH private key file without a passphrase") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise FormatError("not an Ed25519 key")
        return cls(key, comment)

    def dump(self) -> bytes:
        """Return the OpenSSH private key file, without a passphrase: for a file of mode 0600."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

    @property
    def ed25519(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.public.ed25519

    @property
    def public_line(self) -> str:
        """The line of the ``.pub`` file, without a line end."""
        return self.public.line(self.comment)

    def sign(self, namespace: str, message: bytes) -> bytes:
        """Return the SSHSIG signature, not armored. The namespace (not empty) says what for."""
        wire = string(self.public.kind.encode()) + string(self._key.sign(to_be_signed(namespace, message)))
        return sshsig(self.public, namespace, wire)

    def sign_handshake(self, label: Label, message: bytes) -> bytes:
        """Return the raw Ed25519 signature (64 bytes) over label, zero byte and message."""
        return self._key.sign(label.value + b"\x00" + message)


def verify_sshsig(public: OperatorPublic, namespace: str, message: bytes, signature: bytes) -> None:
    """Return if the SSHSIG signature is this key's over this namespace and message; raises SignatureError."""
    try:
        signer, wire = _parsed(namespace, signature)
    except FormatError as error:
        raise SignatureError(str(error)) from None
    if signer != public.wire():
        raise SignatureError("the signature was made with another key")
    signed = to_be_signed(namespace, message)
    if public.kind == FIDO_KEY:
        signed, wire = _as_signed_by_device(public, signed, wire)
    _verify_ed25519(public.ed25519, signed, wire)


def armor(signature: bytes) -> str:
    """Return the text of a ``.sig`` file."""
    text = base64.b64encode(signature).decode()
    lines = [text[start : start + _ARMOR_WIDTH] for start in range(0, len(text), _ARMOR_WIDTH)]
    return "\n".join((_ARMOR_BEGIN, *lines, _ARMOR_END, ""))


def dearmor(text: str) -> bytes:
    """Return the signature in the text of a ``.sig`` file; raises FormatError."""
    lines = text.split()
    begin, end = _ARMOR_BEGIN.split(), _ARMOR_END.split()
    if lines[: len(begin)] != begin or lines[-len(end) :] != end:
        raise FormatError("not an armored SSH signature")
    return from_base64("".join(lines[len(begin) : -len(end)]))


def _parsed(namespace: str, signature: bytes) -> tuple[bytes, bytes]:
    """Return the signer's public key and what follows the name of the algorithm; raises FormatError."""
    reader = Reader(signature)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.take(4) != struct.pack(">I", _VERSION):
        raise FormatError("not an SSH signature of version 1")
    signer = reader.string()
    if reader.string() != namespace.encode():
        raise FormatError("the signature is for another namespace")
    if reader.string() != b"" or reader.string() != _HASH:
        raise FormatError("the signature is not over SHA-512, or uses a reserved field")
    inner = Reader(reader.string())
    reader.end()
    if inner.string() != OperatorPublic.from_wire(signer).kind.encode():
        raise FormatError("the signature is of another kind than its key")
    wire = inner.string()
    rest = inner.rest()
    if len(wire) != _ED25519_SIGNATURE or len(rest) not in {0, _FIDO_TRAILER}:
        raise FormatError("not an Ed25519 signature")
    return signer, wire + rest


def _as_signed_by_device(public: OperatorPublic, signed: bytes, wire: bytes) -> tuple[bytes, bytes]:
    """Return what a FIDO device signed and its signature (PROTOCOL.u2f); raises SignatureError."""
    signature, trailer = wire[:_ED25519_SIGNATURE], wire[_ED25519_SIGNATURE:]
    if len(trailer) != _FIDO_TRAILER or not trailer[0] & _USER_PRESENT:
        raise SignatureError("nobody touched the device for this signature")
    application = hashlib.sha256(public.application.encode()).digest()
    return application + trailer + hashlib.sha256(signed).digest(), signature


def to_be_signed(namespace: str, message: bytes) -> bytes:
    """Return what a key signs for an SSHSIG signature over the message: what an agent is asked to sign."""
    parts = (namespace.encode(), b"", _HASH, hashlib.sha512(message).digest())
    return _MAGIC + b"".join(map(string, parts))


def sshsig(public: OperatorPublic, namespace: str, wire: bytes) -> bytes:
    """Return the SSHSIG signature that holds what a key or an agent signed, in its wire encoding; not armored."""
    head = _MAGIC + struct.pack(">I", _VERSION)
    return head + b"".join(map(string, (public.wire(), namespace.encode(), b"", _HASH, wire)))


def signer_of(namespace: str, signature: bytes) -> OperatorPublic:
    """Return whose an SSHSIG signature in this namespace claims to be; raises FormatError. Proves nothing."""
    return OperatorPublic.from_wire(_parsed(namespace, signature)[0])


def _verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureError("the operator's signature does not verify") from None
