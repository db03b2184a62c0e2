"""Takes operators' orders about rotation, and tells how it is; counts what modules did under each domain key."""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from keystead.components.coordinator.resealing import Resealing
from keystead.components.coordinator.rotator import Rotator
from keystead.core.domain.ledger import Ledger
from keystead.core.domain.state import Permission
from keystead.core.protocols.module_session.resealing import decode_usages, encode_usage_request
from keystead.core.protocols.rotation import (
    Action,
    KeyCounts,
    OrderRotation,
    RotationOrder,
    RotationStatus,
    verified,
)
from keystead.core.rotation.repository import RotationRepository, Usage
from keystead.core.rotation.rotation import Cause, Rotation
from keystead.core.rotation.stages import Event, Stage
from keystead.errors import KeysteadError, NotPermitted, RotationDenied, UnknownOperator, WrongDomain
from keystead.identifiers import DomainKeyId, ModuleId, OperatorId
from keystead.transport.carriage import Carriage
from keystead.transport.module_link import ModuleLink

COUNTING: Final = 5.0
"""Seconds between two times at which modules are asked what they did."""
_MAY_ORDER: Final = frozenset({Permission.GOVERN, Permission.CARRY})


class RotationDesk:
    """Answers for the rotator. Owned by the event loop."""

    def __init__(
        self,
        ledger: Ledger,
        rotator: Rotator,
        resealing: Resealing,
        rotations: RotationRepository,
        carriage: Carriage,
    ) -> None:
        """Take who acts, and who is asked."""
        self._ledger = ledger
        self._rotator = rotator
        self._resealing = resealing
        self._rotations = rotations
        self._carriage = carriage

    async def order(self, request: OrderRotation) -> RotationStatus:
        """Obey an order and return how the rotation is then.

        Raises UnknownOperator, NotPermitted, SignatureError for an order of no one who may give it, WrongDomain,
        RotationDenied for one that is not for the rotation as it is, RepositoryError.
        """
        order = self._authentic(request)
        if order.action is Action.BEGIN:
            await self._begin(order)
        else:
            await self._rotator.change(lambda rotation: _ordered(rotation, order))
        return await self.status()

    async def status(self) -> RotationStatus:
        """Return how the last rotation is; raises RepositoryError."""
        rotation = await self._rotations.newest()
        state, _ = self._ledger.installed
        counts = await self._rotations.usage()
        listed = [DomainKeyId(entry.id) for entry in state.domain_keys]
        told = [(key, counts.get(key, Usage())) for key in listed]
        pace = self._resealing.pace
        return RotationStatus(
            domain=state.domain_id,
            number=0 if rotation is None else rotation.number,
            orders=0 if rotation is None else rotation.orders,
            stage="" if rotation is None else rotation.stage.name.lower(),
            cause="" if rotation is None else rotation.cause.name.lower(),
            begun=0 if rotation is None else rotation.begun,
            paused=rotation is not None and rotation.paused,
            limit=0 if rotation is None else rotation.limit,
            done=0 if rotation is None else rotation.resealed,
            left=pace.left if rotation is not None and rotation.open else 0,
            left_behind=self._rotator.resting.left_behind,
            rate=pace.rate,
            old=() if rotation is None else rotation.old,
            new=_new(rotation, listed),
            obstacles=await self._rotator.obstacles(),
            trouble=self._trouble(rotation),
            counts=tuple([KeyCounts(key, usage.operations, usage.refusals) for key, usage in told]),
        )

    async def count(self) -> None:
        """Ask modules again and again what they did under each domain key, until cancelled."""
        while True:
            for link in self._carriage.links:
                try:
                    await self._count(link)
                except (KeysteadError, TimeoutError):
                    continue  # counted the next time: what a module tells is all since its start
            await asyncio.sleep(COUNTING)

    async def _count(self, link: ModuleLink) -> None:
        greeting = link.greeting
        answer = decode_usages(await self._carriage.exchange_with(link, encode_usage_request()))
        if greeting is not None:
            await self._rotations.count(ModuleId(greeting.module), greeting.incarnation, answer.usages)

    def _authentic(self, request: OrderRotation) -> RotationOrder:
        state, _ = self._ledger.newest
        operator = state.operator(OperatorId(request.operator))
        if operator is None:
            raise UnknownOperator("who orders is no operator of this domain")
        if _MAY_ORDER.isdisjoint(operator.permissions):
            raise NotPermitted("who orders may neither govern nor carry")
        order = verified(request, operator.public)
        if order.domain != state.domain:
            raise WrongDomain("the order is for another domain")
        return order

    async def _begin(self, order: RotationOrder) -> None:
        last = await self._rotations.newest()
        number = 1 if last is None else last.number + 1
        if (order.rotation, order.orders) != (number, 0):
            raise RotationDenied("the order is not for the rotation that would be next: read the status and sign again")
        await self._rotator.begin(Cause.ORDER, orders=1)

    def _trouble(self, rotation: Rotation | None) -> str:
        if rotation is None or not rotation.open:
            return ""
        if rotation.stage is Stage.RESEALING and not any(
            link.connection is not None and link.connection.attached for link in self._carriage.links
        ):
            return "no module can be asked to seal keys anew"
        return self._rotator.trouble


def _ordered(rotation: Rotation, order: RotationOrder) -> Rotation:
    """Return the rotation after the order; raises RotationDenied if it is not for the rotation as it is."""
    if (order.rotation, order.orders) != (rotation.number, rotation.orders):
        raise RotationDenied("the order is not for the rotation as it is now: read the status and sign again")
    return replace(_OBEYED[order.action](rotation, order), orders=rotation.orders + 1)


_OBEYED: Final[dict[Action, Callable[[Rotation, RotationOrder], Rotation]]] = {
    Action.PAUSE: lambda rotation, _: replace(rotation, paused=True),
    Action.RESUME: lambda rotation, _: replace(rotation, paused=False),
    Action.THROTTLE: lambda rotation, order: replace(rotation, limit=order.limit),
    Action.ABORT: lambda rotation, _: rotation.moved(Event.ORDERED_TO_END),
    Action.WAIVE_BACKUP: lambda rotation, _: replace(rotation, waived=True),
}


def _new(rotation: Rotation | None, listed: list[DomainKeyId]) -> DomainKeyId | None:
    if rotation is None or not listed or listed[-1] in rotation.old:
        return None
    return listed[-1]
