"""Operators add a domain key while everything goes wrong: two tokens are made, and one of them is installed."""

import asyncio

from keystead.core.domain import change_request
from keystead.core.domain.change_request import AddDomainKey, ApprovedRequest, ChangeRequest
from keystead.core.protocols.module_session.messages import Propose, Proposed
from keystead.errors import KeysteadError
from tests.simulation.installation import GOVERNORS, MODULES, Installation
from tests.simulators.world import SeededRandomness

LIFE = 600_000
PAUSE = 0.2


async def add_domain_key(at: Installation) -> None:
    """Return when every module has version 2, which each of two operators tries to bring about with another token."""
    async with asyncio.TaskGroup() as rivals:
        for number in range(len(MODULES)):
            rivals.create_task(_try(at, number))


async def _try(at: Installation, number: int) -> None:
    link = at.link(MODULES[number])
    running = at.tools.start(link.run())
    randomness = SeededRandomness(at.seed, f"rival {number}")
    while True:
        try:
            answer = await link.control(Propose(approved(at, randomness)))
            assert isinstance(answer, Proposed)
            await at.install(answer.token)
            break
        except KeysteadError:
            if at.published_version() > 1:
                break
            await asyncio.sleep(PAUSE)
    running.cancel()


def approved(at: Installation, randomness: SeededRandomness) -> bytes:
    """Return a request for a domain key on top of version 1, signed by all who must."""
    domain, predecessor = at.position_of_version_1()
    expires = at.clocks["tools"].now() + LIFE
    request = change_request.CODEC.encode(
        ChangeRequest(domain, predecessor, AddDomainKey(), expires, randomness.token(16))
    )
    signatures = [
        change_request.sign(request, founder.operator().id, founder.key)
        for founder in at.founders
        if founder.name in GOVERNORS
    ]
    return change_request.APPROVED_CODEC.encode(
        ApprovedRequest(request, tuple(sorted(signatures, key=lambda signature: signature.operator)))
    )
