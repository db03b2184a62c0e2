"""Names of things: the types that every part of Keystead uses for them, and their one written form.

A key id is a lower-case UUID, or ``mrk-`` and 32 lower-case hexadecimal digits. Ids of modules, operators and domain
keys are 16 bytes, ids of domains 32; where a person reads them they are lower-case hexadecimal.
"""

import re
from dataclasses import dataclass
from typing import Final, NewType

AccountId = NewType("AccountId", str)
"""Twelve decimal digits."""
Region = NewType("Region", str)
KeyId = NewType("KeyId", str)
AliasName = NewType("AliasName", str)
"""Begins with ``alias/``."""
PrincipalArn = NewType("PrincipalArn", str)

DomainId = NewType("DomainId", bytes)
"""SHA-256 of the genesis document."""
ModuleId = NewType("ModuleId", bytes)
OperatorId = NewType("OperatorId", bytes)
DomainKeyId = NewType("DomainKeyId", bytes)

PARTITION: Final = "aws"
_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"([a-z]+-){2,3}[0-9]+")
_ARN_PARTS: Final = 6


def is_key_id(text: str) -> bool:
    """Whether the text is the one written form of a key id."""
    return _KEY_ID.fullmatch(text) is not None


def is_account_id(text: str) -> bool:
    """Whether the text is twelve decimal digits."""
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Whether the text has the form of a region's name."""
    return _REGION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Arn:
    """A resource name of the key management service: ``arn:aws:kms:REGION:ACCOUNT:RESOURCE``."""

    region: Region
    account: AccountId
    resource: str
    """``key/KEY_ID`` or ``alias/NAME``."""

    def __str__(self) -> str:
        """Return the written form."""
        return f"arn:{PARTITION}:kms:{self.region}:{self.account}:{self.resource}"


def key_arn(region: str, account: str, key_id: str) -> str:
    """Return the written ARN of a key."""
    return f"arn:{PARTITION}:kms:{region}:{account}:key/{key_id}"


def alias_arn(region: str, account: str, name: str) -> str:
    """Return the written ARN of an alias; ``name`` begins with ``alias/``."""
    return f"arn:{PARTITION}:kms:{region}:{account}:{name}"


def root_arn(account: str) -> PrincipalArn:
    """Return the ARN of an account's root user."""
    return PrincipalArn(f"arn:{PARTITION}:iam::{account}:root")


def parse_arn(text: str) -> Arn | None:
    """Return the ARN that the text is, or None if it is not one of this service."""
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[:3] != ["arn", PARTITION, "kms"]:
        return None
    region, account, resource = parts[3:]
    if not (is_region(region) and is_account_id(account) and resource.startswith(("key/", "alias/"))):
        return None
    return Arn(Region(region), AccountId(account), resource)
