"""The table of key specs: complete, and of the service model."""

from typing import get_args

import pytest

from keystead.core.keys.specs import ALGORITHMS, UNAVAILABLE, kind, usages
from keystead.core.protocols.aws_json.shapes import (
    EncapsulationAlgorithmSpec,
    EncryptionAlgorithmSpec,
    KeyAgreementAlgorithmSpec,
    KeySpec,
    KeyUsageType,
    MacAlgorithmSpec,
    SigningAlgorithmSpec,
)
from keystead.core.tokens.material import material_sizes
from keystead.primitives.private_keys import RSA_BITS

OF_USAGE = {
    "ENCRYPT_DECRYPT": EncryptionAlgorithmSpec,
    "SIGN_VERIFY": SigningAlgorithmSpec,
    "GENERATE_VERIFY_MAC": MacAlgorithmSpec,
    "KEY_AGREEMENT": KeyAgreementAlgorithmSpec,
    "ENCAPSULATE_DECAPSULATE": EncapsulationAlgorithmSpec,
}


def test_every_spec_of_the_service_model_is_there_or_is_told_to_be_unavailable() -> None:
    """Neither more nor less, and in one of the two."""
    assert set(ALGORITHMS) | set(UNAVAILABLE) == set(get_args(KeySpec))
    assert not set(ALGORITHMS) & set(UNAVAILABLE)


@pytest.mark.parametrize("spec", get_args(KeySpec))
def test_usages_and_algorithms_are_those_of_the_service_model(spec: KeySpec) -> None:
    """Each usage is one of the model, each algorithm one of its usage."""
    assert usages(spec)
    assert set(usages(spec)) <= set(get_args(KeyUsageType))
    for usage, algorithms in ALGORITHMS.get(spec, {}).items():
        assert set(algorithms) <= set(get_args(OF_USAGE[usage]))


def test_every_algorithm_of_the_service_model_is_served_but_three() -> None:
    """SM2 in both forms, and Ed25519 with a prehash."""
    served = {algorithm for row in ALGORITHMS.values() for algorithms in row.values() for algorithm in algorithms}
    model = {algorithm for algorithms in OF_USAGE.values() for algorithm in get_args(algorithms)}
    assert model - served == {"SM2PKE", "SM2DSA", "ED25519_PH_SHA_512"}


@pytest.mark.parametrize("spec", ALGORITHMS)
def test_material_has_a_size_of_its_own(spec: KeySpec) -> None:
    """One size for every spec, but for RSA, whose PKCS #8 is a little shorter now and then."""
    assert len(material_sizes(spec)) == (1 if spec not in RSA_BITS else RSA_BITS[spec] // 16)
    assert kind(spec) in ("symmetric", "mac", "pair")
