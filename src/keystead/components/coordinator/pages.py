"""The pages of what rests under one domain key, one after the other, whoever asks."""

import asyncio
from collections.abc import Callable
from typing import Final

from keystead.core.rotation.repository import ListedKey, RestingReader
from keystead.identifiers import DomainKeyId, KeyId

PAGE: Final = 32
"""Keys of one frame: a module does nothing else meanwhile, for a millisecond or two."""
LISTED: Final = 16 * PAGE
"""Keys that are listed at once: a list costs more than what is in it."""
FIRST: Final = KeyId("")


class Pages:
    """Lists when what was listed is used up. Owned by the event loop."""

    def __init__(self, reader: RestingReader, domain_key: DomainKeyId, may_go_on: Callable[[], bool]) -> None:
        """Take who lists, of which domain key, and what says whether more may be begun."""
        self._reader = reader
        self._may_go_on = may_go_on
        self._domain_key = domain_key
        self._after = FIRST
        self._turn = asyncio.Lock()
        self._listed: list[ListedKey] = []
        self._ended = False

    async def next(self) -> list[ListedKey]:
        """Return the next page; nothing after the last one, or when no more may be begun."""
        async with self._turn:
            if not self._may_go_on():
                return []
            if not self._listed and not self._ended:
                self._listed = await self._reader.page_under(self._domain_key, self._after, LISTED)
                self._ended = len(self._listed) < LISTED
                if self._listed:
                    self._after = self._listed[-1].key_id
            page, self._listed = self._listed[:PAGE], self._listed[PAGE:]
            return page
