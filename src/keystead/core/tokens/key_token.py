"""Key tokens: the material of one version of a customer's key, sealed under a domain key (paragraph 117).

The content is the material, whose form is that of the key's spec. A token is bound to the account, region, key, version
and usage that it was made for; which domain key it rests under stands in its header, so that a repository can list all
tokens under one.
"""

from keystead.core.tokens.envelope import bound
from keystead.identifiers import AccountId, KeyId, Region


def binding(account: AccountId, region: Region, key_id: KeyId, version: int, usage: str) -> bytes:
    """Return what a key token is bound to; ``version`` counts from 1."""
    return bound(account.encode(), region.encode(), key_id.encode(), version.to_bytes(4, "big"), usage.encode())
