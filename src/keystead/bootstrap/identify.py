"""``keystead identify``: which security module listens at an address."""

import asyncio

from keystead.core.domain.state import module_fingerprint
from keystead.core.protocols.module_session.messages import Answer, Identify, Identity
from keystead.errors import FormatError, OperatorError, PeerUnavailable, Refusal
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.signatures import IdentityPublic
from keystead.transport.module_link import ModuleLink
from keystead.transport.unix import UnixNetwork


def fingerprint(address: str) -> str:
    """Return the fingerprint of the public keys that the module at the address shows.

    Raises OperatorError if none answers there. Whoever has the address can show the keys of another: a module proves
    that it has the private ones when it signs the genesis.
    """
    try:
        return asyncio.run(_fingerprint(address))
    except (PeerUnavailable, Refusal) as error:
        raise OperatorError(f"no security module answers at {address}: {error}", "see whether it runs") from None


async def _fingerprint(address: str) -> str:
    link = ModuleLink(UnixNetwork(), address, SystemRandomness())
    keeping = asyncio.create_task(link.run())
    try:
        return _computed(await link.control(Identify()))
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def _computed(answer: Answer) -> str:
    """Return the fingerprint of the keys, which must be the one that the module says itself."""
    if not isinstance(answer, Identity):
        raise FormatError("it answered something else than its identity")
    public = IdentityPublic(ed25519=answer.ed25519, mldsa65=answer.mldsa65)
    computed = module_fingerprint(public, answer.sealing, answer.slot)
    if answer.fingerprint != computed:
        raise FormatError("its fingerprint is not that of its keys")
    return computed
