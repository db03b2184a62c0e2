"""The fourth stage: the sealed records that the operation needs are at hand, so that a module can be asked."""

from typing import Final

import msgspec

from keystead.components.cryptography_service.admitted import Admitted
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.core.operations.lookup import AliasesPage, Keys, KeysPage, RetirablePage
from keystead.core.operations.references import AliasNamed, Reference
from keystead.core.protocols.module_session.work import Item
from keystead.core.records import KeyReader, KeyRecord

_UNPLACED: Final = 0
"""Where a voucher stands in its frame is known where frames are made."""


class Located(msgspec.Struct, frozen=True, gc=False):
    """All that a module needs for one request."""

    item: Item
    fresh: bool
    """Whether all records came from the repository just now; else some may be as old as the cache allows."""


class Records:
    """Finds records. Owned by one event loop."""

    def __init__(self, reader: KeyReader, cache: RecordsCache) -> None:
        """Take the repository, for pages, and the cache before it, for single keys."""
        self._reader = reader
        self._cache = cache

    async def located(self, admitted: Admitted, *, fresh: bool) -> Located:
        """Return what a module is asked, with records that all come from the repository if they shall be ``fresh``.

        Raises:
            ServiceError: a name is in no form that names a key, or is of a key that does not exist.
            RepositoryUnavailable: nothing can be read now.
            RecordError: what is stored is no record.
        """
        authenticated, request = admitted.authenticated, admitted.request
        received = authenticated.received
        lookup = received.operation.lookup(request, authenticated.account, authenticated.region)
        fresh = fresh or bool(getattr(request, "grant_tokens", None))  # a token makes a grant count at once
        names: tuple[str, ...] = ()
        from_cache = False
        if isinstance(lookup, Keys):
            keys = []
            for wanted in lookup.wanted:
                record = None if fresh else self._kept(wanted.reference)
                if record is None or not wanted.is_met_by(record):
                    record = await self._read(wanted.reference)
                else:
                    from_cache = True
                keys.append(wanted.trimmed(record))
        else:
            keys, names = await self._page(lookup)
        item = Item(authenticated.proof, _UNPLACED, received.body, tuple(keys), names)
        return Located(item, fresh=not from_cache)

    def _kept(self, reference: Reference) -> KeyRecord | None:
        key_id = self._cache.kept_alias(reference) if isinstance(reference, AliasNamed) else reference.key_id
        return None if key_id is None else self._cache.kept_record(key_id)

    async def _read(self, reference: Reference) -> KeyRecord:
        key_id = await self._cache.alias(reference) if isinstance(reference, AliasNamed) else reference.key_id
        record = None if key_id is None else await self._cache.record(key_id)
        if record is None:
            raise reference.missing()
        return record

    async def _page(self, page: KeysPage | AliasesPage | RetirablePage) -> tuple[list[KeyRecord], tuple[str, ...]]:
        """One more than the page holds, so that the module sees whether there is more."""
        reader, most = self._reader, page.limit + 1
        match page:
            case KeysPage():
                return await reader.page_of_keys(page.account, page.region, page.after, most), ()
            case RetirablePage():
                return await reader.page_of_retirable(page.region, page.principal, page.start, most), ()
            case AliasesPage():
                named = await reader.page_of_aliases(page.account, page.region, page.after, most)
                return [record for _, record in named], tuple([name for name, _ in named])
