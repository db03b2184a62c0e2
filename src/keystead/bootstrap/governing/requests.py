"""Making requests, and the way of an approved one: a module makes the token, the coordinator installs it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from keystead.bootstrap.data_directory import RUN
from keystead.bootstrap.host import HostClock
from keystead.bootstrap.roles import COORDINATOR, address
from keystead.core.domain import change_request
from keystead.core.domain.change_request import ApprovedRequest, ChangeRequest, DomainChange
from keystead.core.domain.state import Member
from keystead.core.protocols.coordination import Installed, submit
from keystead.core.protocols.module_session.messages import Identify, Identity, Propose, Proposed
from keystead.errors import FormatError, OperatorError, PeerUnavailable
from keystead.identifiers import OperatorId
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.signatures import IdentityPublic
from keystead.transport.coordinator_client import install
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.module_link import ModuleLink
from keystead.transport.unix import UnixNetwork

_NONCE: Final = 16


def make_request(view: DomainDirectory, change: DomainChange, lifetime: int) -> ChangeRequest:
    """Return the request for this change of the newest state, good for ``lifetime`` milliseconds from now."""
    expires = HostClock().now() + lifetime
    return ChangeRequest(view.state.domain, view.hash, change, expires, SystemRandomness().token(_NONCE))


async def member_at(where: str, name: str) -> Member:
    """Return the module that listens there as a member of this name; raises PeerUnavailable, Refusal."""
    async with _linked(where) as link:
        answer = await link.control(Identify())
    if not isinstance(answer, Identity):
        raise FormatError("it answered something else than its identity")
    public = IdentityPublic(ed25519=answer.ed25519, mldsa65=answer.mldsa65)
    return Member.of(name, public, answer.sealing, answer.slot)


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
    return await install(UnixNetwork(), address(COORDINATOR), submit(token, submitter, key))


def modules_here() -> list[str]:
    """Return the addresses of the modules of the data directory that is the working directory."""
    return [f"unix:{path}" for path in sorted(Path(RUN).glob("module-*.sock"))]


def load_key(path: Path) -> OperatorKey:
    """Return the key in an OpenSSH private key file; raises OperatorError."""
    try:
        return OperatorKey.load(path.read_bytes())
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}", "name a private key file of an operator") from None
    except FormatError as error:
        raise OperatorError(
            f"{path}: {error}", "add a key with a passphrase to ssh-agent, and sign with --agent and its .pub file"
        ) from None


@asynccontextmanager
async def _linked(where: str) -> AsyncIterator[ModuleLink]:
    link = ModuleLink(UnixNetwork(), where, SystemRandomness())
    keeping = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
