"""An operator who goes away while a token is being accepted stops nothing that was accepted."""

import asyncio

import pytest

from keystead.core.domain.change_request import AddDomainKey
from keystead.core.protocols.module_session.messages import Propose, Proposed
from tests.simulation.domain_change import approved
from tests.simulation.installation import MODULES, Installation
from tests.simulators.loop import simulate
from tests.simulators.world import SeededRandomness

SLOW = (0.01, 0.02)
STEP = 0.003
"""Seconds between two moments; shorter than any message, or write to the repository, takes."""


@pytest.mark.parametrize("moment", range(24))
def test_what_was_accepted_is_installed(moment: int) -> None:
    """Whenever the operator's connection ends, an accepted token is installed, and a token that was not is not."""

    async def story() -> None:
        at = Installation(moment)
        kept.append(at)
        await at.found()
        link = at.link(MODULES[0])
        running = at.tools.start(link.run())
        answer = await link.control(Propose(approved(at, AddDomainKey(), SeededRandomness(moment, "operator"))))
        assert isinstance(answer, Proposed)
        at.network.delay = SLOW
        asking = asyncio.create_task(at.install(answer.token))
        await asyncio.sleep(moment * STEP)
        asking.cancel()
        at.network.cut("tools", "coordinator")
        await asyncio.wait([asking])
        await asyncio.sleep(5)
        accepted = any(one.position.version == 2 for one in at.tokens.submissions.values())
        assert at.published_version() == (2 if accepted else 1)
        running.cancel()
        at.end()

    kept: list[Installation] = []
    simulate(story, moment, 60.0)
