"""How often an account may ask in one region, and what each request counts against.

Rates are those of the AWS KMS Developer Guide, "Request quotas"; where a shared quota has another rate in each region,
the lowest. Most operations have a quota of their own, under their own name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

QuotaOf: TypeAlias = Callable[[Any], str]
"""From a request to the name of the quota that it counts against."""

SYMMETRIC: Final = "CryptographicOperationsSymmetric"
RSA: Final = "CryptographicOperationsRsa"
ECC: Final = "CryptographicOperationsEcc"
ML_DSA: Final = "CryptographicOperationsMlDsa"
ML_KEM: Final = "CryptographicOperationsMlKem"

QUOTAS: Final[Mapping[str, float]] = MappingProxyType(
    {
        SYMMETRIC: 10_000.0,
        RSA: 1_000.0,
        ECC: 1_000.0,
        ML_DSA: 1_000.0,
        ML_KEM: 1_000.0,
        "GenerateDataKeyPairEcc": 100.0,
        "GenerateDataKeyPairMlKem": 100.0,
        "GenerateDataKeyPairRsa2048": 20.0,
        "GenerateDataKeyPairRsa3072": 4.0,
        "GenerateDataKeyPairRsa4096": 1.0,
        "CancelKeyDeletion": 5.0,
        "ConnectCustomKeyStore": 5.0,
        "CreateAlias": 5.0,
        "CreateCustomKeyStore": 5.0,
        "CreateGrant": 50.0,
        "CreateKey": 5.0,
        "DeleteAlias": 15.0,
        "DeleteCustomKeyStore": 5.0,
        "DeleteImportedKeyMaterial": 15.0,
        "DescribeCustomKeyStores": 5.0,
        "DescribeKey": 2_000.0,
        "DisableKey": 5.0,
        "DisableKeyRotation": 5.0,
        "DisconnectCustomKeyStore": 5.0,
        "EnableKey": 5.0,
        "EnableKeyRotation": 15.0,
        "GetKeyLastUsage": 5.0,
        "GetKeyPolicy": 1_000.0,
        "GetKeyRotationStatus": 1_000.0,
        "GetParametersForImport": 1.0,
        "GetPublicKey": 2_000.0,
        "ImportKeyMaterial": 15.0,
        "Keystead.DescribeShredding": 5.0,
        "Keystead.ShredKey": 5.0,
        "ListAliases": 500.0,
        "ListGrants": 100.0,
        "ListKeyPolicies": 100.0,
        "ListKeyRotations": 100.0,
        "ListKeys": 500.0,
        "ListResourceTags": 2_000.0,
        "ListRetirableGrants": 100.0,
        "PutKeyPolicy": 15.0,
        "ReplicateKey": 5.0,
        "RetireGrant": 50.0,
        "RevokeGrant": 50.0,
        "RotateKeyOnDemand": 5.0,
        "ScheduleKeyDeletion": 15.0,
        "TagResource": 10.0,
        "UntagResource": 5.0,
        "UpdateAlias": 5.0,
        "UpdateCustomKeyStore": 5.0,
        "UpdateKeyDescription": 5.0,
        "UpdatePrimaryRegion": 5.0,
    }
)
"""Each quota by name, in requests a second; operations that are not here share those above."""
_FAMILIES: Final = (("RSA", RSA), ("ECDSA", ECC), ("ED25519", ECC), ("SM2", ECC), ("ML_DSA", ML_DSA))
"""How the names of algorithms begin."""


def of(quota: str) -> QuotaOf:
    """Return that every request counts against one quota."""
    return lambda _request: quota


def by_algorithm(request: Any) -> str:  # noqa: ANN401, any request with an algorithm
    """Return the quota of the algorithm that a request names, of any if there are two; without one it is symmetric."""
    for member in _ALGORITHMS:
        if name := getattr(request, member, None):
            for beginning, quota in _FAMILIES:
                if name.startswith(beginning):
                    return quota
    return SYMMETRIC


_ALGORITHMS: Final = (
    "encryption_algorithm",
    "signing_algorithm",
    "source_encryption_algorithm",
    "destination_encryption_algorithm",
)


def of_pair(request: Any) -> str:  # noqa: ANN401, a request for a data key pair
    """Return the quota of making a pair; all sizes of a family share one, but each size of RSA has its own."""
    family, _, size = request.key_pair_spec.partition("_")
    if family == "RSA":
        return f"GenerateDataKeyPairRsa{size}"
    return "GenerateDataKeyPairMlKem" if family == "ML" else "GenerateDataKeyPairEcc"


def spend(due: float, now: float, rate: float) -> float | None:
    """Return when the quota is whole again after one request more, or None if that request is one too many.

    The generic cell rate algorithm (ITU-T I.371): ``due`` is what the last request returned, in seconds of the clock of
    ``now``; 0 before the first. What was not asked for is kept for a second, so that at most one second's worth, and
    always one request, passes at once.
    """
    due = max(due, now) + 1 / rate
    return None if due > now + max(1.0, 1 / rate) + _ROUNDING else due


_ROUNDING: Final = 1e-9
"""Seconds by which sums of floating point numbers may be off."""
