"""Which attestation documents a module believes."""

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from keystead.components.security_module.attestation import RootedAttestation
from keystead.errors import FormatError, Refusal, SignatureError
from keystead.primitives.attestation import read_roots
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import BEGIN, IMAGE, YEARS, Certified, Platform, certified, der

NOW = 1_790_000_000_000
FIVE_MINUTES = 300_000
PLATFORM = Platform()
SHORT = der(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 - what is refused
ATTESTATION = RootedAttestation(read_roots(PLATFORM.root.pem), SystemRandomness())


def test_a_document_that_leads_to_the_root_is_believed() -> None:
    """Its registers are what policies may ask for, and its key is the one that opens what is enveloped."""
    attested = ATTESTATION.attested(PLATFORM.document(NOW), NOW)
    assert attested.conditions == {
        "kms:recipientattestation:imagesha384": IMAGE.hex(),
        "kms:recipientattestation:pcr0": IMAGE.hex(),
        "kms:recipientattestation:pcr1": "00" * 48,
        "kms:recipientattestation:pcr4": "04" * 48,
    }
    assert PLATFORM.opened(attested.envelop(b"a secret")) == b"a secret"


def test_a_tpm_has_registers_of_its_own() -> None:
    """They are asked for by other names, and none of them is an image."""
    document = PLATFORM.document(NOW, pcrs=None, nitrotpm_pcrs={0: IMAGE, 7: bytes(48)})
    assert ATTESTATION.attested(document, NOW).conditions == {
        "kms:recipientattestation:nitrotpmpcr0": IMAGE.hex(),
        "kms:recipientattestation:nitrotpmpcr7": "00" * 48,
    }


@pytest.mark.parametrize("off", [-FIVE_MINUTES, FIVE_MINUTES])
def test_a_document_is_believed_for_five_minutes(off: int) -> None:
    """To the millisecond, and as long before its time, for clocks that are behind."""
    document = PLATFORM.document(NOW + off)
    assert ATTESTATION.attested(document, NOW).conditions
    with pytest.raises(SignatureError, match="five minutes"):
        ATTESTATION.attested(document, NOW - (1 if off > 0 else -1))


def test_any_of_several_roots_will_do() -> None:
    """One file holds them all."""
    other = Platform()
    both = RootedAttestation(read_roots(other.root.pem + PLATFORM.root.pem), SystemRandomness())
    assert both.attested(PLATFORM.document(NOW), NOW).conditions
    assert both.attested(other.document(NOW), NOW).conditions


def changed(**members: Any) -> Callable[[], bytes]:
    """Return what makes a document that says something else, signed all the same."""
    return lambda: PLATFORM.document(NOW, **members)


def chained(region: Certified, firmware: Certified) -> Callable[[], bytes]:
    """Return what makes a document that is signed by another chain."""

    def make() -> bytes:
        platform = Platform(PLATFORM.root, PLATFORM.environment)
        platform.region, platform.firmware = region, firmware
        return platform.document(NOW)

    return make


def part(place: int, value: object) -> Callable[[], bytes]:
    """Return what makes a document with another part of the COSE_Sign1."""

    def make() -> bytes:
        parts = cbor2.loads(PLATFORM.document(NOW))
        parts[place] = value
        return cbor2.dumps(parts)

    return make


ENDED = certified("ended", PLATFORM.root, end=BEGIN + YEARS / 1000)
NO_AUTHORITY = certified("no authority", PLATFORM.root, ca=False)
MUTE = certified("mute", PLATFORM.root, signs_certificates=False)
STRANGER = certified("stranger")
OTHER_CURVE = certified("other curve", PLATFORM.region, ca=False, curve=ec.SECP256R1())
WRONG: dict[str, tuple[Callable[[], bytes], type[Refusal]]] = {
    "nothing": (lambda: b"", FormatError),
    "no CBOR": (lambda: b"\xff", FormatError),
    "a number": (lambda: cbor2.dumps(4), FormatError),
    "three parts": (lambda: cbor2.dumps(cbor2.loads(PLATFORM.document(NOW))[:3]), FormatError),
    "a tag": (lambda: b"\xd2" + PLATFORM.document(NOW), FormatError),
    "a trailing byte": (lambda: PLATFORM.document(NOW) + b"\x00", FormatError),
    "another algorithm": (
        lambda: PLATFORM.signed(cbor2.dumps(PLATFORM.payload(NOW)), bytes.fromhex("a10126")),
        FormatError,
    ),
    "an unprotected header": (part(1, {1: -35}), FormatError),
    "a payload that is no bytes": (part(2, "payload"), FormatError),
    "a payload that is no map": (lambda: PLATFORM.signed(cbor2.dumps([1])), FormatError),
    "a signature that is no bytes": (part(3, None), FormatError),
    "a short signature": (part(3, bytes(95)), FormatError),
    "a signature of nothing": (part(3, bytes(96)), SignatureError),
    "another payload under the signature": (part(2, cbor2.dumps(PLATFORM.payload(NOW + 1))), SignatureError),
    "no module": (changed(module_id=""), FormatError),
    "another digest": (changed(digest="SHA256"), FormatError),
    "no time": (changed(timestamp=0), FormatError),
    "a member that nobody knows": (changed(more=1), FormatError),
    "no public key": (changed(public_key=None), FormatError),
    "a public key that is none": (changed(public_key=b"key"), FormatError),
    "a public key of another algorithm": (
        changed(public_key=der(ec.generate_private_key(ec.SECP384R1()).public_key())),
        FormatError,
    ),
    "a short RSA key": (changed(public_key=SHORT), FormatError),
    "no registers": (changed(pcrs=None), FormatError),
    "empty registers": (changed(pcrs={}), FormatError),
    "a register that is none": (changed(pcrs={32: IMAGE}), FormatError),
    "a register of another size": (changed(pcrs={0: IMAGE[:47]}), FormatError),
    "registers by name": (changed(pcrs={"0": IMAGE}), FormatError),
    "no bundle": (changed(cabundle=[]), FormatError),
    "a certificate that is none": (changed(certificate=b"certificate"), FormatError),
    "a bundle of something else": (changed(cabundle=[b"certificate"]), FormatError),
    "a certificate of another curve": (chained(PLATFORM.region, OTHER_CURVE), FormatError),
    "a bundle without what is between": (changed(cabundle=[PLATFORM.root.der]), SignatureError),
    "another root": (chained(STRANGER, certified("firmware", STRANGER, ca=False)), SignatureError),
    "an authority that has ended": (chained(ENDED, certified("firmware", ENDED, ca=False)), SignatureError),
    "an authority that is none": (chained(NO_AUTHORITY, certified("firmware", NO_AUTHORITY, ca=False)), SignatureError),
    "an authority that may not certify": (chained(MUTE, certified("firmware", MUTE, ca=False)), SignatureError),
    "a signer that has ended": (
        chained(PLATFORM.region, certified("ended", PLATFORM.region, ca=False, end=BEGIN + YEARS / 1000)),
        SignatureError,
    ),
}


@pytest.mark.parametrize(("make", "refusal"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused(make: Callable[[], bytes], refusal: type[Refusal]) -> None:
    """Each by a typed refusal."""
    with pytest.raises(refusal):
        ATTESTATION.attested(make(), NOW)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(document: bytes) -> None:
    """Nothing but typed refusals comes out."""
    with pytest.raises((FormatError, SignatureError)):
        ATTESTATION.attested(document, NOW)


@given(st.data())
def test_a_changed_document_is_refused(data: st.DataObject) -> None:
    """Whatever byte of a good one is another."""
    document = bytearray(PLATFORM.document(NOW))
    place = data.draw(st.integers(0, len(document) - 1))
    document[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((FormatError, SignatureError)):
        ATTESTATION.attested(bytes(document), NOW)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----", OTHER_CURVE.pem], ids=["none", "half", "P-256"])
def test_roots_are_certificates_of_p384(pem: bytes) -> None:
    """Others are refused when the module starts."""
    with pytest.raises(FormatError):
        read_roots(pem)
