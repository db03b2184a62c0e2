"""Grant tokens: they name a grant, are no secret and allow nothing (``spec/policy.md``, Grants).

With a token a request is judged by what is stored now, so that a grant counts at once, whichever front end made it.
"""

from base64 import b64decode, b64encode
from typing import Final

import msgspec

from keystead.core.protocols.aws_json.model import Shape
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, KeyId, Region, is_account_id, is_key_id
from keystead.primitives.digest import labelled_digest
from keystead.primitives.labels import Label

VERSION: Final = "1"
GRANT_ID: Final = 64
"""Hexadecimal digits of a grant's id."""
_PARTS: Final = 6
_DIGITS: Final = frozenset("0123456789abcdef")


class GrantToken(msgspec.Struct, frozen=True, gc=False):
    """The grant that a token names."""

    account: AccountId
    """Whose key it is on."""
    region: Region
    key_id: KeyId
    grant_id: str
    call: str
    """Tells apart the tokens of repeated requests for one grant."""

    def encode(self) -> str:
        """Return the written form."""
        parts = (VERSION, self.account, self.region, self.key_id, self.grant_id, self.call)
        return b64encode("/".join(parts).encode()).decode()


def decode(text: str) -> GrantToken:
    """Return the grant that a token names; InvalidGrantTokenException for text that is none."""
    try:
        parts = b64decode(text, validate=True).decode("ascii").split("/")
    except ValueError as error:
        raise _invalid() from error
    if len(parts) != _PARTS or parts[0] != VERSION:
        raise _invalid()
    _, account, region, key_id, grant_id, call = parts
    token = GrantToken(AccountId(account), Region(region), KeyId(key_id), grant_id, call)
    fits = is_account_id(account) and is_key_id(key_id) and is_grant_id(grant_id) and is_grant_id(call)
    if not fits or token.encode() != text:
        raise _invalid()
    return token


def is_grant_id(text: str) -> bool:
    """Whether the text has the form of a grant's id."""
    return len(text) == GRANT_ID and _DIGITS.issuperset(text)


def new_grant_id(account: AccountId, key_id: KeyId, proof: bytes) -> str:
    """Return the id of the grant that the request with this proof makes."""
    return labelled_digest(Label.GRANT_ID, account.encode(), key_id.encode(), proof).hex()


def call_of(proof: bytes) -> str:
    """Return what tells the token of the request with this proof from others."""
    return labelled_digest(Label.GRANT_TOKEN, proof).hex()


def well_formed(request: Shape) -> None:
    """Refuse grant tokens that are none; those of other keys, or of grants that have ended, say nothing."""
    for text in getattr(request, "grant_tokens", None) or ():
        decode(text)


def _invalid() -> ServiceError:
    return ServiceError("InvalidGrantTokenException", "The grant token is not valid.")
