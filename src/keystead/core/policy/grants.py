"""Grants: permissions on one key that only allow, as far as their constraints hold (``spec/policy.md``, Grants)."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from keystead.core.policy.principals import Naming, Principal, grantee

GRANTABLE: Final = frozenset(
    {
        "CreateGrant",
        "Decapsulate",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encapsulate",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetPublicKey",
        "ReEncryptFrom",
        "ReEncryptTo",
        "RetireGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
"""The operations that a grant can be for."""
_UNCONSTRAINED: Final = frozenset({"DescribeKey", "RetireGrant"})
_PREFIX: Final = "kms:"


class Constraint(msgspec.Struct, frozen=True, gc=False):
    """What the encryption context must be, or hold; case matters, order does not."""

    kind: Literal["Equals", "Subset"]
    pairs: Mapping[str, str]

    def holds(self, encryption_context: Mapping[str, str]) -> bool:
        """Whether the encryption context is as it must be."""
        if self.kind == "Equals":
            return dict(encryption_context) == dict(self.pairs)
        return self.pairs.items() <= encryption_context.items()


class NewGrant(msgspec.Struct, frozen=True, gc=False):
    """What a grant that is asked for would allow."""

    operations: frozenset[str]
    constraint: Constraint | None = None


class Grant(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A grant on the key that is asked for."""

    id: str
    grantee: str
    """ARN of who may use it."""
    operations: frozenset[str]
    """Among ``GRANTABLE``."""
    constraint: Constraint | None = None
    retiring: str | None = None
    """ARN of who may retire it."""
    name: str = ""


def naming(grant: Grant, asks: Principal) -> Naming:
    """Return how the grant names the principal."""
    return grantee(grant.grantee).naming(asks)


def operation_of(action: str) -> str | None:
    """Return the operation of an action such as ``kms:Encrypt``, or None if no grant can be for it."""
    operation = action.removeprefix(_PREFIX)
    return operation if operation != action and operation in GRANTABLE else None


def permits(
    grant: Grant, operation: str, encryption_context: Mapping[str, str], new_grant: NewGrant | None = None
) -> bool:
    """Whether the grant is for this operation under this encryption context, whoever asks.

    A grant for CreateGrant permits only new grants that allow no more than itself.
    """
    if operation not in grant.operations:
        return False
    if operation == "CreateGrant":
        return new_grant is not None and is_within(new_grant, grant)
    return grant.constraint is None or operation in _UNCONSTRAINED or grant.constraint.holds(encryption_context)


def is_within(new_grant: NewGrant, grant: Grant) -> bool:
    """Whether a new grant allows nothing that the grant does not."""
    return new_grant.operations <= grant.operations and _is_as_strict(new_grant.constraint, grant.constraint)


def _is_as_strict(new: Constraint | None, old: Constraint | None) -> bool:
    if old is None:
        return True
    if new is None or (old.kind == "Equals" and new.kind != "Equals"):
        return False
    return old.holds(new.pairs)


def may_retire(grant: Grant, asks: Principal, account: str) -> bool:
    """Whether the principal may retire the grant by itself; ``account`` is the one in which the grant was made.

    The retiring principal may, the grantee if RetireGrant is among the operations, and the account's root user.
    """
    if asks.account == account and not asks.direct:
        return True
    if grant.retiring is not None and _names(grant.retiring, asks):
        return True
    return "RetireGrant" in grant.operations and _names(grant.grantee, asks)


def _names(arn: str, asks: Principal) -> bool:
    """Whether the ARN is the principal's own, or that of its role; an account's is its root user's."""
    named = grantee(arn).naming(asks)
    return named > Naming.ACCOUNT or (named is Naming.ACCOUNT and not asks.direct)
