"""Looks again and again whether every member that needs the update has it (step 2104), and tells if not (2106)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from keystead.components.coordinator.coordinator import Report
from keystead.components.coordinator.delay import Notice, delay, differs, ended
from keystead.core.ports import Clock
from keystead.core.protocols.coordination import Status

INTERVAL: Final = 1.0
"""Seconds between two looks."""


class Receiver(Protocol):
    """Somebody who is to be notified."""

    def notify(self, notice: Notice) -> None:
        """Take a notice to be delivered; returns at once, whatever becomes of it."""


class Meter(Protocol):
    """Keeps what monitoring reads."""

    def observe(self, status: Status, delayed: Notice | None) -> None:
        """Take how the domain is now."""


class Watch:
    """Every field is owned by the event loop, and changed by ``look`` alone. It cannot hold an installation up."""

    def __init__(
        self,
        status: Callable[[], Status],
        receivers: Sequence[Receiver],
        meter: Meter,
        clock: Clock,
        report: Report,
        patience: int,
    ) -> None:
        """Take what tells the status, who is notified, and for how many milliseconds nobody is."""
        self._status = status
        self._receivers = receivers
        self._meter = meter
        self._clock = clock
        self._report = report
        self._patience = patience
        self._told: Notice | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(INTERVAL)

    def look(self) -> None:
        """Tell what is new: that an installation is delayed, why it still is, or that it no longer is."""
        status = self._status()
        found = delay(status, self._clock.now(), self._patience)
        self._meter.observe(status, found)
        if found is not None and differs(found, self._told):
            self._tell(found)
        elif found is None and self._told is not None:
            self._tell(ended(self._told))
        self._told = found

    def _tell(self, notice: Notice) -> None:
        fields = msgspec.to_builtins(notice)
        self._report(fields.pop("event"), **fields)
        for receiver in self._receivers:
            receiver.notify(notice)
