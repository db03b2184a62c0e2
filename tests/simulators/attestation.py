"""A platform that attests: its authority, its firmware, and an environment with a key of its own."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Annotated, Any

import cbor2
from cryptography import x509
from cryptography.hazmat.asn1 import TLV, Explicit, Implicit, SetOf, decode_der, sequence
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
YEARS = dt.timedelta(days=36500)
IMAGE = bytes(range(48))


@dataclass
class Certified:
    """A key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


def certified(
    name: str,
    issuer: Certified | None = None,
    *,
    ca: bool = True,
    signs_certificates: bool = True,
    curve: ec.EllipticCurve | None = None,
    end: dt.datetime = BEGIN + YEARS,
) -> Certified:
    """Return a new key, certified by an issuer or by itself."""
    key = ec.generate_private_key(curve or ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca and signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return Certified(key, builder.sign(key if issuer is None else issuer.key, SHA384()))


@dataclass
class Platform:
    """An authority, what it certified, and the environment that is attested."""

    root: Certified = field(default_factory=lambda: certified("root"))
    environment: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def __post_init__(self) -> None:
        self.region = certified("region", self.root)
        self.firmware = certified("firmware", self.region, ca=False)

    @property
    def public_key(self) -> bytes:
        """The environment's key, SubjectPublicKeyInfo."""
        return self.environment.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def payload(self, now: int, **members: Any) -> dict[str, Any]:
        """Return what an enclave's document says; members that are None are left out."""
        said = {
            "module_id": "i-1234567890abcdef0-enc0123456789abcdef",
            "timestamp": now,
            "digest": "SHA384",
            "pcrs": {0: IMAGE, 1: bytes(48), 4: b"\x04" * 48},
            "certificate": self.firmware.der,
            "cabundle": [self.root.der, self.region.der],
            "public_key": self.public_key,
            "user_data": None,
            "nonce": None,
            **members,
        }
        return {name: value for name, value in said.items() if value is not None}

    def document(self, now: int, **members: Any) -> bytes:
        """Return a document that is signed by the firmware."""
        return self.signed(cbor2.dumps(self.payload(now, **members)))

    def signed(self, payload: bytes, protected: bytes = bytes.fromhex("a1013822")) -> bytes:
        """Return a COSE_Sign1 of the payload (RFC 9052, section 4.4)."""
        to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
        first, second = decode_dss_signature(self.firmware.key.sign(to_sign, ec.ECDSA(SHA384())))
        return cbor2.dumps([protected, {}, payload, first.to_bytes(48) + second.to_bytes(48)])

    def opened(self, enveloped: bytes) -> bytes:
        """Return what was enveloped for the environment, as it would open it."""
        info = decode_der(_ContentInfo, enveloped)
        (recipient,) = info.content.recipients.as_list()
        oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
        key = self.environment.decrypt(recipient.encrypted_key, oaep)
        content = info.content.content
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(content.algorithm.initialization_vector)).decryptor()
        padded = decryptor.update(content.content) + decryptor.finalize()
        assert padded[-padded[-1] :] == bytes((padded[-1],)) * padded[-1]
        return padded[: -padded[-1]]


@sequence
class _Transport:
    version: int
    recipient: Annotated[bytes, Implicit(0)]
    algorithm: TLV
    encrypted_key: bytes


@sequence
class _Algorithm:
    algorithm: x509.ObjectIdentifier
    initialization_vector: bytes


@sequence
class _Content:
    kind: x509.ObjectIdentifier
    algorithm: _Algorithm
    content: Annotated[bytes, Implicit(0)]


@sequence
class _Enveloped:
    version: int
    recipients: SetOf[_Transport]
    content: _Content


@sequence
class _ContentInfo:
    kind: x509.ObjectIdentifier
    content: Annotated[_Enveloped, Explicit(0)]


def der(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
