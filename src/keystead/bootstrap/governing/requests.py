"""Making requests, and the way of an approved one: a module makes the token, the coordinator installs it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from keystead.bootstrap.host import HostClock
from keystead.bootstrap.roles import COORDINATOR
from keystead.bootstrap.roles import address as address_of
from keystead.bootstrap.roster import read_roster
from keystead.core.domain import change_request, offer
from keystead.core.domain.change_request import ApprovedRequest, ChangeRequest, DomainChange
from keystead.core.domain.state import Member
from keystead.core.protocols.coordination import Installed, submit
from keystead.core.protocols.module_session.messages import (
    Answer,
    AttestDestruction,
    Attested,
    Identify,
    Identity,
    MakeOffer,
    Offered,
    Propose,
    Proposed,
    ReceiptSigned,
    Request,
    SignReceipt,
)
from keystead.errors import FormatError, NoDomain, NotAMember, PeerUnavailable
from keystead.identifiers import OperatorId
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.signatures import IdentityPublic
from keystead.transport.coordinator_client import abandon, install, status
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.module_link import ModuleLink
from keystead.transport.unix import UnixNetwork

T = TypeVar("T", bound=Answer)

_NONCE: Final = 16


def make_request(view: DomainDirectory, change: DomainChange, lifetime: int) -> ChangeRequest:
    """Return the request for this change of the newest state, good for ``lifetime`` milliseconds from now."""
    expires = HostClock().now() + lifetime
    return ChangeRequest(view.state.domain, view.hash, change, expires, SystemRandomness().token(_NONCE))


class HostPeers:
    """The modules and the coordinator of the data directory, which need not be there for what asks nobody."""

    def __init__(self, data: Path) -> None:
        """Take the data directory, from which relative addresses are taken."""
        self._data = data.resolve()

    def member(self, address: str, name: str) -> Member:
        """Return the module at an address as a member of this name."""
        answer = self._asked(address, Identify(), Identity)
        public = IdentityPublic(ed25519=answer.ed25519, mldsa65=answer.mldsa65)
        return Member.of(name, public, answer.sealing, answer.slot)

    def offers(self, dropping: bytes) -> dict[bytes, bytes]:
        """Return the offers of the modules here that answer, for the drop of this domain key, by the member's id."""
        found = {}
        for name in read_roster(self._data):
            try:
                encoded = self.offer(address_of(name), dropping)
            except (NoDomain, NotAMember, PeerUnavailable):
                continue  # who needs its offer says so
            found[offer.CODEC.decode(encoded).member] = encoded
        return found

    def offer(self, address: str, dropping: bytes = b"") -> bytes:
        """Return the offer of the member at an address, for the drop of this domain key or for a renewal."""
        return self._asked(address, MakeOffer(dropping), Offered).offer

    def attestation(self, address: str) -> bytes:
        """Return the word of the module at an address that it destroyed its sealing keys; it does so before."""
        return self._asked(address, AttestDestruction(), Attested).attestation

    def receipt(self, address: str, question: SignReceipt) -> ReceiptSigned:
        """Return what the module at an address signs of a key's shredding."""
        return self._asked(address, question, ReceiptSigned)

    def in_flight(self) -> bytes:
        """Return the hash of the token that is being installed; raises FormatError if there is none."""
        found = asyncio.run(status(UnixNetwork(), self._reachable(address_of(COORDINATOR))))
        if found.in_flight_hash is None:
            raise FormatError("nothing is being installed")
        return found.in_flight_hash

    def _asked(self, address: str, request: Request, kind: type[T]) -> T:
        answer = asyncio.run(_answer(self._reachable(address), request))
        if not isinstance(answer, kind):
            raise FormatError("the module answered something else than it was asked")
        return answer

    def _reachable(self, address: str) -> str:
        """Return the address with a relative socket path taken from the data directory, as everywhere else."""
        kind, _, path = address.partition(":")
        return f"{kind}:{self._data / path}" if kind == "unix" and not Path(path).is_absolute() else address


async def proposed(approved: ApprovedRequest, modules: Sequence[str]) -> bytes:
    """Return the token of an approved request from the first module that answers.

    Raises what that module refuses with, PeerUnavailable if none answers.
    """
    failure = PeerUnavailable("no address of a module is known")
    for where in modules:
        try:
            async with _linked(where) as link:
                answer = await link.control(Propose(change_request.APPROVED_CODEC.encode(approved)))
        except PeerUnavailable as error:
            failure = error
            continue
        if not isinstance(answer, Proposed):
            raise FormatError("the module answered something else than it was asked")
        return answer.token
    raise failure


async def installed(token: bytes, submitter: OperatorId, key: OperatorKey) -> Installed:
    """Return when every member has the token; raises what the coordinator refuses with, PeerUnavailable."""
    return await install(UnixNetwork(), address_of(COORDINATOR), submit(token, submitter, key))


async def abandoned(approved: ApprovedRequest) -> int:
    """Return the version that is given up from now on; raises what the coordinator refuses with, PeerUnavailable."""
    encoded = change_request.APPROVED_CODEC.encode(approved)
    return await abandon(UnixNetwork(), address_of(COORDINATOR), encoded)


def modules_here() -> list[str]:
    """Return the addresses of the modules of the data directory that is the working directory."""
    return [address_of(name) for name in read_roster(Path())]


async def _answer(where: str, request: Request) -> Answer:
    async with _linked(where) as link:
        return await link.control(request)


@asynccontextmanager
async def _linked(where: str) -> AsyncIterator[ModuleLink]:
    link = ModuleLink(UnixNetwork(), where, SystemRandomness())
    keeping = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
