"""Private keys of customers: how they are made, and in which one form they rest."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.tokens.material import PRIVATE_SIZES
from keystead.errors import FormatError, SealError, SignatureError
from keystead.primitives import private_keys, public_keys
from keystead.primitives.private_keys import RSA_BITS
from keystead.primitives.secret import Secret, drained
from tests.simulators.world import SeededRandomness

CURVES = {
    "ECC_NIST_P256": (ec.SECP256R1(), 32),
    "ECC_NIST_P384": (ec.SECP384R1(), 48),
    "ECC_NIST_P521": (ec.SECP521R1(), 66),
    "ECC_SECG_P256K1": (ec.SECP256K1(), 32),
}
SEEDED = tuple(spec for spec in PRIVATE_SIZES if spec not in RSA_BITS)


class Scripted:
    """Randomness that gives these bytes, and then those that follow from a seed."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.rest = SeededRandomness(0, "private keys")

    def fill(self, buffer: bytearray | memoryview) -> None:
        """Fill with the next part."""
        if self.parts:
            buffer[:] = self.parts.pop(0)
        else:
            self.rest.fill(buffer)


@pytest.mark.parametrize("spec", SEEDED)
def test_material_has_the_size_of_its_spec_and_follows_from_the_randomness(spec: str) -> None:
    """The same randomness makes the same key."""
    with private_keys.generate(spec, Scripted()) as one, private_keys.generate(spec, Scripted()) as other:
        assert len(one) in PRIVATE_SIZES[spec]
        assert one.same_as(other)
        assert private_keys.public_of(spec, one.view) == private_keys.public_of(spec, other.view)


@pytest.mark.parametrize("spec", CURVES)
def test_a_scalar_outside_of_the_group_is_drawn_again(spec: str) -> None:
    """Zero and everything from the order up (FIPS 186-5, section A.2.2); one below the order is taken."""
    curve, size = CURVES[spec]
    order = curve.group_order
    refused = (bytes(size), order.to_bytes(size, "big"), (order + 1).to_bytes(size, "big"))
    highest = (order - 1).to_bytes(size, "big")
    with private_keys.generate(spec, Scripted(*refused, highest)) as scalar:
        assert bytes(scalar.view) == highest


@pytest.mark.parametrize("spec", CURVES)
@given(data=st.data())
def test_every_scalar_is_the_librarys_key_of_that_number(spec: str, data: st.DataObject) -> None:
    """The prefix that is put before a scalar is PKCS #8 of the very curve."""
    curve, size = CURVES[spec]
    number = data.draw(st.integers(1, curve.group_order - 1))
    written = private_keys.written(spec, number.to_bytes(size, "big"))
    key = load_der_private_key(written, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert (key.private_numbers().private_value, key.curve.name) == (number, curve.name)


def test_an_rsa_key_rests_as_pkcs_8() -> None:
    """Its size is within the bounds of its spec, its exponent the usual one."""
    material = private_keys.generate_rsa("RSA_2048")
    assert len(material) in PRIVATE_SIZES["RSA_2048"]
    assert private_keys.written("RSA_2048", material) == material
    ciphertext = public_keys.encrypt(private_keys.public_of("RSA_2048", material), "RSAES_OAEP_SHA_1", bytearray(b"ab"))
    assert private_keys.decrypt("RSA_2048", material, "RSAES_OAEP_SHA_1", ciphertext) == b"ab"
    with pytest.raises(SealError):
        public_keys.encrypt(private_keys.public_of("RSA_2048", material), "RSAES_OAEP_SHA_1", bytes(215))


def test_refusals_are_ours() -> None:
    """No exception of the library comes through."""
    with private_keys.generate("ECC_NIST_P256", Scripted()) as scalar:
        public = private_keys.public_of("ECC_NIST_P256", scalar.view)
        with pytest.raises(SignatureError):
            public_keys.verify(public, "ECDSA_SHA_256", "RAW", b"", b"")
        with pytest.raises(FormatError):
            private_keys.agree("ECC_NIST_P256", scalar.view, b"no key")
    with private_keys.generate("ML_KEM_768", Scripted()) as seed, pytest.raises(SealError):
        private_keys.decapsulate("ML_KEM_768", seed.view, b"short")


def test_a_plaintext_to_encrypt_is_left_as_it_was() -> None:
    """Only the copy for the library is overwritten, whatever buffer the caller has."""
    public = private_keys.public_of("RSA_2048", private_keys.generate_rsa("RSA_2048"))
    for plaintext in (bytes(range(1, 9)), bytearray(range(1, 9))):
        public_keys.encrypt(public, "RSAES_OAEP_SHA_256", plaintext)
        assert bytes(plaintext) == bytes(range(1, 9))


def test_what_the_library_returned_is_overwritten_once_it_is_drained() -> None:
    """Bytes of one byte or none are shared by the interpreter, and stay."""
    result = bytes(bytearray(b"secret"))
    assert drained(result) == b"secret"
    assert result == bytes(6)
    assert drained(b"x") == b"x"
    with Secret.absorbed(bytes(bytearray(b"another"))) as secret:
        assert bytes(secret.view) == b"another"
