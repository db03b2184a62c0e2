"""Rotations in memory: for tests and simulations; the same promises, but nothing outlives the process."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from keystead.core.protocols.module_session.resealing import KeyUsage
from keystead.core.rotation.repository import RotationRepository, Usage
from keystead.core.rotation.rotation import Rotation
from keystead.errors import ConflictError
from keystead.identifiers import DomainKeyId, ModuleId


class MemoryRotationRepository(RotationRepository):
    """Owned by one event loop."""

    def __init__(self) -> None:
        """Begin empty; ``backups`` and ``admitted`` are what others keep beside it."""
        self.backups: list[int] = []
        self.admitted: dict[DomainKeyId, int] = {}
        self._rotations: list[Rotation] = []
        self._usages: dict[tuple[ModuleId, bytes, DomainKeyId], Usage] = {}

    async def newest(self) -> Rotation | None:
        """Return the last rotation that was begun."""
        return self._rotations[-1] if self._rotations else None

    async def begin(self, rotation: Rotation) -> None:
        """Keep a new rotation."""
        last = self._rotations[-1] if self._rotations else None
        if last is not None and (last.open or last.number >= rotation.number):
            raise ConflictError("another rotation was begun")
        self._rotations.append(rotation)

    async def keep(self, rotation: Rotation) -> Rotation:
        """Keep the rotation as it is now; how much was sealed anew is kept by ``resealed`` alone."""
        last = self._rotations[-1]
        if (last.number, last.revision) != (rotation.number, rotation.revision):
            raise ConflictError("the rotation is not as it was read")
        kept = replace(rotation, revision=rotation.revision + 1, resealed=last.resealed, last_reseal=last.last_reseal)
        self._rotations[-1] = kept
        return kept

    def resealed(self, rotation: int, count: int, now: int) -> None:
        """Keep that so many keys were sealed anew."""
        last = self._rotations[-1]
        if last.number == rotation:
            self._rotations[-1] = replace(last, resealed=last.resealed + count, last_reseal=now)

    async def count(self, module: ModuleId, incarnation: bytes, usages: Sequence[KeyUsage]) -> None:
        """Keep what a module did since that start."""
        for one in usages:
            place = (module, incarnation, DomainKeyId(one.domain_key))
            before = self._usages.get(place, Usage())
            if one.operations >= before.operations and one.refusals >= before.refusals:
                self._usages[place] = Usage(one.operations, one.refusals)

    async def usage(self) -> Mapping[DomainKeyId, Usage]:
        """Return what all modules did."""
        total: dict[DomainKeyId, Usage] = {}
        for (_, _, domain_key), usage in self._usages.items():
            before = total.get(domain_key, Usage())
            total[domain_key] = Usage(before.operations + usage.operations, before.refusals + usage.refusals)
        return total

    async def added(self, domain_key: DomainKeyId) -> int:
        """Return when records were first taken under a domain key."""
        return self.admitted.get(domain_key, 0)

    async def newest_backup(self) -> int:
        """Return when the newest backup was taken."""
        return max(self.backups, default=0)
