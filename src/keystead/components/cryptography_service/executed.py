"""The fifth stage: a module has done what was asked, and what it changed is durable."""

import asyncio
from typing import Final

import msgspec

from keystead.components.cryptography_service.admitted import Admitted
from keystead.components.cryptography_service.located import Records
from keystead.components.cryptography_service.ports import Modules
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.core.operations.aliases import already_exists
from keystead.core.ports import Randomness
from keystead.core.protocols.aws_json.rendering import INTERNAL_ERROR, status_of
from keystead.core.protocols.module_session.work import Outcome
from keystead.core.records import Change, KeyWriter
from keystead.errors import ConflictError, DuplicateError, FencedError, ServiceError

TRIES: Final = 8
"""How often a change is made again because another one came between reading and writing."""
_STEP: Final = 0.004
"""Seconds that the n-th wait grows by, at most."""
_BYTE: Final = 256


class Executed(msgspec.Struct, frozen=True, gc=False):
    """A request that was executed, or refused by a module, with the answer to it."""

    outcome: Outcome


class Execution:
    """Has requests executed. Owned by one event loop."""

    def __init__(
        self, records: Records, cache: RecordsCache, modules: Modules, writer: KeyWriter, randomness: Randomness
    ) -> None:
        """Take what finds records, who executes, and who writes."""
        self._records = records
        self._cache = cache
        self._modules = modules
        self._writer = writer
        self._randomness = randomness

    async def executed(self, admitted: Admitted) -> Executed:
        """Return the outcome, once what it changed is durable.

        A module makes a key's next state from the state that it is shown. If that is no longer the stored one, the
        change is not written, and the module is asked again with what is stored now.

        Raises:
            ServiceError: as ``Records.located`` raises it, AlreadyExistsException for a name that is taken,
                ThrottlingException if others change the same key all the time.
            RepositoryError, RecordError: as ``Records.located`` and ``KeyWriter.apply`` raise them.
            PeerUnavailable: no module answered.
        """
        authenticated = admitted.authenticated
        fresh = authenticated.received.operation.mutates
        for attempt in range(TRIES):
            located = await self._records.located(admitted, fresh=fresh)
            outcome = await self._modules.submit(located.item, authenticated.voucher)
            if outcome.change is None:
                if located.fresh or not outcome.code or status_of(outcome.code) < INTERNAL_ERROR:
                    return Executed(outcome)
                # What was kept may have been the past of a key, or of a name, that the module rightly refused.
            elif await self._is_written(outcome.change):
                return Executed(outcome)
            else:
                await self._wait(attempt)
            fresh = True
        raise ServiceError("ThrottlingException", "The key is being changed by too many requests at once.")

    async def _is_written(self, change: Change) -> bool:
        """Whether the change is durable; if not, another one came first."""
        try:
            await self._writer.apply(change)
        except (ConflictError, FencedError):
            return False
        except DuplicateError:
            for alias in change.aliases:
                raise already_exists(alias) from None
            raise
        finally:
            self._cache.changed(change)
        return True

    async def _wait(self, attempt: int) -> None:
        """Wait for a random time, longer with each attempt, so that those who collided do not collide again."""
        await asyncio.sleep(_STEP * (attempt + 1) * self._randomness.token(1)[0] / _BYTE)
