"""The person who governs a domain: signs changes, has a module make the token, has the coordinator install it."""

import asyncio
from dataclasses import dataclass

from keystead.bootstrap.host import HostClock, HostDisk
from keystead.core.domain import change_request
from keystead.core.domain.change_request import (
    Abandon,
    ApprovedRequest,
    ChangeParameters,
    ChangeRequest,
    DomainChange,
    DropDomainKey,
)
from keystead.core.domain.domain_token import token_hash
from keystead.core.domain.state import DomainState, Parameters
from keystead.core.protocols.coordination import Status, submit
from keystead.core.protocols.module_session.messages import MakeOffer, Offered, Propose, Proposed
from keystead.core.protocols.rotation import Action, RotationStatus, order
from keystead.identifiers import DomainId
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.coordinator_client import abandon, install, order_rotation, rotation, status
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.module_link import ModuleLink
from keystead.transport.unix import UnixNetwork
from tests.acceptance.by_hand import RolesByHand

MODULES = ("module-1", "module-2")


@dataclass(frozen=True, slots=True)
class Governor:
    """The person ``operator`` of a data directory."""

    roles: RolesByHand

    @property
    def directory(self) -> DomainDirectory:
        """What is published of the domain."""
        disk = HostDisk(self.roles.data / "domain", public=True)
        encoded = (self.roles.data / "run" / "coordinator.toml").read_text()
        domain = next(line for line in encoded.splitlines() if line.startswith("domain ="))
        return DomainDirectory(disk, DomainId(bytes.fromhex(domain.split('"')[1])))

    @property
    def state(self) -> DomainState:
        """What every member has."""
        return self.directory.state

    def change(self, change: DomainChange) -> None:
        """Sign a change of what is installed, and return when every member has it."""
        asyncio.run(self._change(change))

    def keep_retired_for(self, milliseconds: int) -> None:
        """Say how long a domain key must have been retired before it may be dropped."""
        self.change(ChangeParameters(Parameters(milliseconds)))

    def drop(self, domain_key: bytes) -> None:
        """Drop a retired domain key, with an offer of every member."""
        self.change(asyncio.run(self._drop(domain_key)))

    def status(self) -> RotationStatus:
        """Return how the last rotation is."""
        return asyncio.run(rotation(UnixNetwork(), self.roles.coordinator))

    def order(self, action: Action) -> RotationStatus:
        """Return how the rotation is once the order is obeyed."""
        me = self.roles.operator()
        signed = order(self.status(), action, me.operator, me.key)
        return asyncio.run(order_rotation(UnixNetwork(), self.roles.coordinator, signed))

    def token(self, change: DomainChange) -> bytes:
        """Return the token that a module makes of a change of what is installed; nothing is changed."""
        return asyncio.run(self._token(change))

    def bring(self, token: bytes, patience: float | None = None) -> None:
        """Have a token installed, and return when it is, or raise TimeoutError after so many seconds."""
        asyncio.run(self._bring(token, patience))

    def abandon(self, token: bytes) -> None:
        """Give up what is being installed."""
        approved = self._approved(Abandon(token_hash(token), ()))
        asyncio.run(abandon(UnixNetwork(), self.roles.coordinator, approved))

    def installing(self) -> Status:
        """Return how the domain is."""
        return asyncio.run(status(UnixNetwork(), self.roles.coordinator))

    async def _drop(self, domain_key: bytes) -> DropDomainKey:
        offers = {}
        for member in self.state.members:
            answer = await self._ask(member.name, MakeOffer(domain_key))
            assert isinstance(answer, Offered), answer
            offers[member.id] = answer.offer
        return DropDomainKey(domain_key, tuple(offers[one] for one in sorted(offers)), ())

    async def _change(self, change: DomainChange) -> None:
        await self._bring(await self._token(change), None)

    async def _token(self, change: DomainChange) -> bytes:
        answer = await self._ask(MODULES[0], Propose(self._approved(change)))
        assert isinstance(answer, Proposed), answer
        return answer.token

    async def _bring(self, token: bytes, patience: float | None) -> None:
        me = self.roles.operator()
        async with asyncio.timeout(patience):
            await install(UnixNetwork(), self.roles.coordinator, submit(token, me.operator, me.key))

    def _approved(self, change: DomainChange) -> bytes:
        directory, me = self.directory, self.roles.operator()
        assert directory.token is not None
        expires = HostClock().now() + 600_000
        nonce = SystemRandomness().token(16)
        request = change_request.CODEC.encode(
            ChangeRequest(directory.domain, token_hash(directory.token), change, expires, nonce)
        )
        signed = change_request.sign(request, me.operator, me.key)
        return change_request.APPROVED_CODEC.encode(ApprovedRequest(request, (signed,)))

    async def _ask(self, module: str, request: MakeOffer | Propose) -> object:
        link = ModuleLink(UnixNetwork(), f"unix:{self.roles.data}/run/{module}.sock", SystemRandomness())
        running = asyncio.create_task(link.run())
        try:
            return await link.control(request)
        finally:
            running.cancel()
