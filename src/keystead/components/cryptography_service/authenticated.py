"""The second stage: the request is known to be a customer's."""

import msgspec

from keystead.components.cryptography_service.ports import Authentication
from keystead.components.cryptography_service.received import Received
from keystead.identifiers import AccountId, Region


class Authenticated(msgspec.Struct, frozen=True, gc=False):
    """An authentic request with the proof that it is."""

    received: Received
    account: AccountId
    region: Region
    proof: bytes
    voucher: bytes


async def authenticated(received: Received, authentication: Authentication) -> Authenticated:
    """Return the request with its proof; raises the ServiceError that denies it, or PeerUnavailable."""
    vouched = await authentication.authenticate(received.request)
    return Authenticated(received, AccountId(vouched.account), Region(vouched.region), vouched.proof, vouched.voucher)
