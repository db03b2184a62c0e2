"""What a request counts against, and how much passes."""

from fractions import Fraction
from math import inf
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.operations.quotas import ECC, ML_DSA, ML_KEM, QUOTAS, RSA, SYMMETRIC, by_algorithm, of_pair, spend
from keystead.core.operations.table import OPERATIONS
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from tools.render_operations import MEMBERS

COUNTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "encryption without an algorithm": ("Encrypt", {}, SYMMETRIC),
    "symmetric encryption": ("Encrypt", {"encryption_algorithm": "SYMMETRIC_DEFAULT"}, SYMMETRIC),
    "RSA encryption": ("Encrypt", {"encryption_algorithm": "RSAES_OAEP_SHA_256"}, RSA),
    "RSA decryption": ("Decrypt", {"encryption_algorithm": "RSAES_OAEP_SHA_1"}, RSA),
    "SM2 decryption": ("Decrypt", {"encryption_algorithm": "SM2PKE"}, ECC),
    "re-encryption": ("ReEncrypt", {}, SYMMETRIC),
    "re-encryption from RSA": ("ReEncrypt", {"source_encryption_algorithm": "RSAES_OAEP_SHA_256"}, RSA),
    "re-encryption to RSA": (
        "ReEncrypt",
        {"source_encryption_algorithm": "SYMMETRIC_DEFAULT", "destination_encryption_algorithm": "RSAES_OAEP_SHA_1"},
        RSA,
    ),
    "an RSA signature": ("Sign", {"signing_algorithm": "RSASSA_PSS_SHA_256"}, RSA),
    "an ECDSA signature": ("Sign", {"signing_algorithm": "ECDSA_SHA_384"}, ECC),
    "an Ed25519 signature": ("Verify", {"signing_algorithm": "ED25519_SHA_512"}, ECC),
    "an ML-DSA signature": ("Verify", {"signing_algorithm": "ML_DSA_SHAKE_256"}, ML_DSA),
    "an agreement": ("DeriveSharedSecret", {}, ECC),
    "an encapsulation": ("Encapsulate", {}, ML_KEM),
    "a decapsulation": ("Decapsulate", {}, ML_KEM),
    "a MAC": ("GenerateMac", {}, SYMMETRIC),
    "random bytes": ("GenerateRandom", {}, SYMMETRIC),
    "an RSA pair": ("GenerateDataKeyPair", {"key_pair_spec": "RSA_3072"}, "GenerateDataKeyPairRsa3072"),
    "a P-256 pair": (
        "GenerateDataKeyPairWithoutPlaintext",
        {"key_pair_spec": "ECC_NIST_P256"},
        "GenerateDataKeyPairEcc",
    ),
    "an Ed25519 pair": ("GenerateDataKeyPair", {"key_pair_spec": "ECC_NIST_EDWARDS25519"}, "GenerateDataKeyPairEcc"),
    "an SM2 pair": ("GenerateDataKeyPair", {"key_pair_spec": "SM2"}, "GenerateDataKeyPairEcc"),
    "a new key": ("CreateKey", {}, "CreateKey"),
    "the end of a key": ("Keystead.ShredKey", {}, "Keystead.ShredKey"),
}


def sample(operation: str, **members: Any) -> Any:
    """Return a request with the members that are given, and others that it must have."""
    shape = MODEL[operation].input
    names = shape.__struct_fields__
    needed = {name: value for name, value in MEMBERS.items() if name in names} | members
    return shape(**{name: value for name, value in needed.items() if name not in _ALGORITHMS or name in members})


_ALGORITHMS = {"encryption_algorithm", "source_encryption_algorithm", "destination_encryption_algorithm"}


@pytest.mark.parametrize(("operation", "members", "quota"), COUNTED.values(), ids=COUNTED.keys())
def test_a_request_counts_against_its_quota(operation: str, members: dict[str, Any], quota: str) -> None:
    """Cryptography by the family of the algorithm, pairs by what is made, all else by its name."""
    assert OPERATIONS[operation].counts_against(sample(operation, **members)) == quota


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_a_quota(operation: str) -> None:
    """There is a rate for whatever an operation counts against."""
    assert QUOTAS[OPERATIONS[operation].counts_against(sample(operation))] > 0


def test_each_operation_has_its_own_quota_or_shares() -> None:
    """Every operation of the model is named, unless its row says what else it counts against."""
    groups = {name for name in QUOTAS if name.startswith(("CryptographicOperations", "GenerateDataKeyPair"))}
    sharing = {name for name, row in OPERATIONS.items() if row.quota is not None}
    assert QUOTAS.keys() - groups == MODEL.keys() - sharing


def names_of(operation: str, member: str) -> tuple[str, ...]:
    """Return the names that the model allows a member to have."""
    hint = get_type_hints(MODEL[operation].input)[member]
    literal = next((one for one in get_args(hint) if get_origin(one) is Literal), hint)
    names: tuple[str, ...] = get_args(literal)
    assert len(names) > 3
    return names


@pytest.mark.parametrize(("operation", "member"), [("Encrypt", "encryption_algorithm"), ("Sign", "signing_algorithm")])
def test_every_algorithm_of_the_model_is_of_a_family(operation: str, member: str) -> None:
    """No algorithm is taken for a symmetric one because its name is new."""
    for name in names_of(operation, member):
        family = by_algorithm(sample(operation, **{member: name}))
        assert (family == SYMMETRIC) == (name == "SYMMETRIC_DEFAULT"), name


def test_every_pair_of_the_model_has_a_quota() -> None:
    """Whatever can be asked for is counted, and each quota of pairs is of some."""
    quotas = {
        of_pair(sample("GenerateDataKeyPair", key_pair_spec=one))
        for one in names_of("GenerateDataKeyPair", "key_pair_spec")
    }
    assert quotas == {name for name in QUOTAS if name.startswith("GenerateDataKeyPair")}


@given(st.integers(1, 200), st.lists(st.integers(0, 400), min_size=1, max_size=300))
def test_never_more_than_the_rate_and_a_seconds_worth(rate: int, pauses: list[int]) -> None:
    """In any stretch of time no more passes than its seconds and one more allow; an exact count of arrivals agrees."""
    due, now, whole = 0.0, Fraction(1000), Fraction(rate)
    passed: list[Fraction] = []
    for pause in pauses:
        now += Fraction(pause, 1000)
        whole = min(Fraction(rate), whole + rate * Fraction(pause, 1000))
        answer = spend(due, float(now), float(rate))
        assert (answer is not None) == (whole >= 1)
        if answer is not None:
            due, whole = answer, whole - 1
            passed.append(now)
    for place, begin in enumerate(passed):
        for count, end in enumerate(passed[place:], start=1):
            assert count <= rate * (end - begin + 1)


def test_one_request_passes_at_a_rate_below_one() -> None:
    """A rate of one in four seconds lets one pass, and the next after four seconds."""
    due = spend(0.0, 1000.0, 0.25)
    assert due == 1004.0
    assert spend(due, 1003.9, 0.25) is None
    assert spend(due, 1004.0, 0.25) == 1008.0


def test_without_limit_all_pass() -> None:
    """An infinite rate refuses nothing."""
    due: float | None = 0.0
    for _ in range(1000):
        assert due is not None
        due = spend(due, 1000.0, inf)
    assert due == 1000.0
