"""The module's log: one JSON object per line and event. Values are numbers, names and ids, never what was requested."""

from contextlib import suppress
from typing import Final, Protocol

import msgspec

from keystead.core.ports import Clock

Value = str | int | bool | None
_encoder: Final = msgspec.json.Encoder()


class Sink(Protocol):
    """Where lines go, such as a file opened without buffer."""

    def write(self, line: bytes, /) -> object:
        """Take one line with its end."""


class Journal:
    """Writes events."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        """Take the sink, and the clock that dates each line."""
        self._sink = sink
        self._clock = clock

    def event(self, name: str, /, **fields: Value) -> None:
        """Write one event, if it can be; ``fields`` must not hold anything that a request or a key consists of."""
        with suppress(OSError):  # a log that is full must not keep keys from being used: it proves nothing to anyone
            self._sink.write(_encoder.encode({"time": self._clock.now(), "event": name, **fields}) + b"\n")
