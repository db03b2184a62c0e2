"""Attestation documents of AWS Nitro Enclaves and NitroTPM: COSE_Sign1 (RFC 9052, section 4.2) with ES384.

The members, and what each may be, are those of "Verifying the root of trust" in the AWS Nitro Enclaves User Guide, and
"Validate a NitroTPM Attestation Document" in the Amazon EC2 User Guide. Authentic of a document are its very bytes, so
that no canonical form of it is asked for.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

import cbor2
import msgspec
from msgspec import Meta

from keystead.core.cbor import load
from keystead.errors import FormatError

FRESH_MS: Final = 5 * 60 * 1000
"""Milliseconds by which the time in a document may be off."""
_WHAT: Final = "an attestation document"
_ES384: Final = bytes.fromhex("a1013822")
"""The protected header that names the algorithm, and nothing else."""
_PARTS: Final = 4
_SIZES: Final = frozenset({32, 48, 64})
"""Bytes that a measurement may have."""

Register: TypeAlias = Annotated[int, Meta(ge=0, le=31)]
Registers: TypeAlias = Annotated[dict[Register, bytes], Meta(min_length=1, max_length=32)]
Certificate: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=1024)]
Chosen: TypeAlias = Annotated[bytes, Meta(max_length=1024)]


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    module_id: Annotated[str, Meta(min_length=1, max_length=256)]
    digest: Literal["SHA384"]
    timestamp: Annotated[int, Meta(gt=0)]
    certificate: Certificate
    cabundle: Annotated[list[Certificate], Meta(min_length=1, max_length=8)]
    pcrs: Registers | None = None
    nitrotpm_pcrs: Registers | None = None
    public_key: Annotated[bytes, Meta(min_length=1, max_length=1024)] | None = None
    user_data: Chosen | None = None
    nonce: Chosen | None = None


class Document(msgspec.Struct, frozen=True):
    """What a document says; nothing of it is authentic before its signature and its certificates are verified."""

    signed: bytes
    """What the signature is over."""
    signature: bytes
    certificate: bytes
    """The signer's, DER."""
    bundle: tuple[bytes, ...]
    """Certificates that lead to a root, DER."""
    timestamp: int
    """When it was made, in milliseconds since the epoch."""
    public_key: bytes
    """SubjectPublicKeyInfo of the key that only the attested environment holds."""
    enclave: Mapping[int, bytes]
    """Platform configuration registers of an enclave."""
    tpm: Mapping[int, bytes]
    """Those of a NitroTPM."""


def decode(document: bytes) -> Document:
    """Return what the document says; raises FormatError, also for one without a public key or without registers."""
    parts = load(document, _WHAT)
    if not isinstance(parts, list) or len(parts) != _PARTS:
        raise FormatError("not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if protected != _ES384 or unprotected != {} or type(payload) is not bytes or type(signature) is not bytes:
        raise FormatError("not a COSE_Sign1 with ES384 and nothing else")
    try:
        said = msgspec.convert(load(payload, _WHAT), type=_Payload, builtin_types=(bytes,))
    except msgspec.ValidationError:
        raise FormatError(f"not {_WHAT}") from None
    if said.public_key is None:
        raise FormatError("an attestation document without a public key")
    registers = (said.pcrs or {}), (said.nitrotpm_pcrs or {})
    if not any(registers) or not all(len(value) in _SIZES for one in registers for value in one.values()):
        raise FormatError("an attestation document without measurements, or with some of another size")
    return Document(
        # Sig_structure (RFC 9052, section 4.4)
        signed=cbor2.dumps(["Signature1", protected, b"", payload]),
        signature=signature,
        certificate=said.certificate,
        bundle=tuple(said.cabundle),
        timestamp=said.timestamp,
        public_key=said.public_key,
        enclave=registers[0],
        tpm=registers[1],
    )
