"""When a key was certainly, and when it was possibly, closed to use; from what clients were told."""

from collections import defaultdict
from typing import Final

from tests.simulators.history import Call, Fate, History

CLOSES: Final = frozenset({"DisableKey", "ScheduleKeyDeletion"})
OPENS: Final = frozenset({"EnableKey"})


class Timeline:
    """The calls that close and open each key, and the ciphertexts that were acknowledged."""

    def __init__(self, history: History, staleness: float) -> None:
        self._staleness = staleness
        self._closes: dict[str, list[Call]] = defaultdict(list)
        self._opens: dict[str, list[Call]] = defaultdict(list)
        self.rotations: dict[str, list[Call]] = defaultdict(list)
        self.created: dict[str, Call] = {}
        self.made: dict[bytes, Call] = {}
        """The call that made each ciphertext that a client holds."""
        for call in history.calls:
            self._note(call)

    def _note(self, call: Call) -> None:
        effective = call.fate is not Fate.REFUSED
        for kind, found in ((CLOSES, self._closes), (OPENS, self._opens), ({"RotateKeyOnDemand"}, self.rotations)):
            if effective and call.operation in kind:
                found[call.key_id].append(call)
        if call.answer is not None and call.operation == "CreateKey":
            self.created[call.answer.key_id] = call
        if call.answer is not None and call.answer.ciphertext:
            self.made[call.answer.ciphertext] = call

    def certainly_closed(self, key_id: str, call: Call) -> Call | None:
        """Return the acknowledged call that had closed the key before this one began, if nothing may have opened it."""
        for close in self._closes[key_id]:
            closed = close.fate is Fate.DONE and close.returned + self._staleness < call.invoked
            reopened = any(
                opening.invoked < call.returned and opening.returned > close.invoked for opening in self._opens[key_id]
            )
            if closed and not reopened:
                return close
        return None

    def possibly_closed(self, key_id: str, call: Call) -> bool:
        """Whether something may have closed the key before this call ended, and nothing certainly opened it since."""
        return any(
            close.invoked < call.returned
            and not any(
                opening.fate is Fate.DONE and opening.invoked > close.returned and opening.returned < call.invoked
                for opening in self._opens[key_id]
            )
            for close in self._closes[key_id]
        )
