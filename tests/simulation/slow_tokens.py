"""A token repository that takes its time, so that the coordinator can die before, during and after what it asks."""

import asyncio
from collections.abc import Callable

from keystead.components.token_repository.memory import MemoryTokenRepository
from keystead.core.domain.coordination import Installation
from keystead.core.domain.token_repository import AcceptedToken, Submission, TokenRepository
from keystead.identifiers import ModuleId


class SlowTokens(TokenRepository):
    """One coordinator's way to the repository."""

    def __init__(self, repository: MemoryTokenRepository, latency: Callable[[], float]) -> None:
        """Take the repository, and what says how long each way takes."""
        self._repository = repository
        self._latency = latency

    async def record(self, submission: Submission) -> None:
        """Keep a submission."""
        await self._pause()
        try:
            await self._repository.record(submission)
        finally:
            await self._pause()

    async def keep_promise(self, token: bytes, member: ModuleId, promise: bytes) -> None:
        """Keep a promise."""
        await self._pause()
        await self._repository.keep_promise(token, member, promise)
        await self._pause()

    async def keep_installation(self, token: bytes, member: ModuleId, now: int) -> None:
        """Keep that a member has a token."""
        await self._pause()
        await self._repository.keep_installation(token, member, now)
        await self._pause()

    async def set_stage(self, token: bytes, stage: Installation) -> None:
        """Keep a stage."""
        await self._pause()
        await self._repository.set_stage(token, stage)
        await self._pause()

    async def keep_abandonment(self, token: bytes, approved: bytes) -> None:
        """Keep a request to abandon."""
        await self._pause()
        await self._repository.keep_abandonment(token, approved)
        await self._pause()

    async def keep_release(self, token: bytes, member: ModuleId, release: bytes) -> None:
        """Keep a release."""
        await self._pause()
        await self._repository.keep_release(token, member, release)
        await self._pause()

    async def bury(self, token: bytes) -> None:
        """Give a token up."""
        await self._pause()
        await self._repository.bury(token)
        await self._pause()

    async def abandoned(self) -> list[AcceptedToken]:
        """Return what was given up."""
        await self._pause()
        return await self._repository.abandoned()

    async def accepted(self) -> list[AcceptedToken]:
        """Return what is kept."""
        await self._pause()
        return await self._repository.accepted()

    async def _pause(self) -> None:
        await asyncio.sleep(self._latency())
