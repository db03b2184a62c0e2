"""What clients were told, against what they had been told before: I1, I2, I3, I7 and I9."""

from collections.abc import Iterator
from math import inf
from typing import Final

from tests.simulators.checks.timeline import CLOSES, Timeline
from tests.simulators.history import Call, Fate, History

__all__ = ["CLOSES", "confused", "lost", "resurrected", "served_after_closing", "unlogged"]

USES: Final = frozenset({"Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"})
RELEASES: Final = frozenset({"Decrypt", "GenerateDataKey"})
OF_A_CLOSED_KEY: Final = frozenset({"DisabledException", "KMSInvalidStateException"})
OF_A_LOST_ONE: Final = frozenset(
    {"NotFoundException", "InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"}
)


def lost(history: History, timeline: Timeline) -> Iterator[str]:
    """I1: what was acknowledged can be used ever after, and in the closing reading it was."""
    for call in history.calls:
        yield from _refused_though_there(history, timeline, call)
    if history.closing is None:
        return
    read = {call.ciphertext for call in history.calls if _decrypts(call) and call.invoked >= history.closing}
    for ciphertext, maker in timeline.made.items():
        if ciphertext not in read and not _excused(history, timeline, _key_of(maker)):
            yield f"{_told(maker)}: its ciphertext was not decrypted when all was read again"
    used = {_key_of(call) for call in history.calls if _worked(call) and call.invoked >= history.closing}
    for key_id in timeline.created.keys() - used:
        if not _excused(history, timeline, key_id):
            yield f"key {key_id}: acknowledged, and not used when all was read again"


def _refused_though_there(history: History, timeline: Timeline, call: Call) -> Iterator[str]:
    if call.fate is not Fate.REFUSED or call.operation not in USES or not _rightly_asked(timeline, call):
        return
    keys = _keys_of(timeline, call)
    known = [timeline.created.get(key_id) for key_id in keys]
    if any(created is None or created.returned > call.invoked for created in known) or keys & history.ended.keys():
        return
    closed = any(timeline.possibly_closed(key_id, call) for key_id in keys)
    if call.code in OF_A_LOST_ONE or (call.code in OF_A_CLOSED_KEY and not closed):
        yield f"{_told(call)}: refused with {call.code}, though what it needs was acknowledged"


def _rightly_asked(timeline: Timeline, call: Call) -> bool:
    if not call.ciphertext:
        return True
    maker = timeline.made.get(call.ciphertext)
    if maker is None or _context_of(maker) != call.context:
        return False
    return call.operation == "ReEncrypt" or call.key_id in ("", _key_of(maker))


def _keys_of(timeline: Timeline, call: Call) -> set[str]:
    """Return every key that the call needs: its own, and the one of its ciphertext."""
    maker = timeline.made.get(call.ciphertext)
    return {_key_of(call), "" if maker is None else _key_of(maker)} - {""}


def _excused(history: History, timeline: Timeline, key_id: str) -> bool:
    if key_id in history.ended:
        return True
    now = Call(client="", operation="", invoked=history.closing or 0.0)
    return timeline.possibly_closed(key_id, now)


def resurrected(history: History, timeline: Timeline) -> Iterator[str]:
    """I2: nothing uses a key whose end was acknowledged before, and nobody opens what it had encrypted."""
    for call in history.calls:
        for key_id in _keys_of(timeline, call) & history.ended.keys():
            if _worked(call) and call.invoked > history.ended[key_id]:
                yield f"{_told(call)}: used key {key_id}, which had ended at {history.ended[key_id]:.3f}"
    for opening in history.openings:
        if opening.at > history.ended.get(opening.key_id, inf):
            yield f"key {opening.key_id}: opened to an attacker at {opening.at:.3f}, after it had ended"


def confused(history: History, timeline: Timeline) -> Iterator[str]:
    """I3: exactly the key, version, context and plaintext that were asked for."""
    for call in history.calls:
        if call.fate is Fate.DONE and call.operation in USES:
            yield from _wrong_key(call)
            yield from _wrong_version(timeline, call)
            if call.ciphertext:
                yield from _wrong_opening(timeline, call)


def _wrong_key(call: Call) -> Iterator[str]:
    answered = call.answer.key_id if call.answer else ""
    if call.key_id not in ("", answered):
        yield f"{_told(call)}: answered by key {answered}"


def _wrong_version(timeline: Timeline, call: Call) -> Iterator[str]:
    version = call.answer.version if call.answer else 0
    rotations = timeline.rotations[_key_of(call)]
    least = 1 + sum(rotation.fate is Fate.DONE and rotation.returned < call.invoked for rotation in rotations)
    most = 1 + sum(rotation.invoked < call.returned for rotation in rotations)
    if version and not least <= version <= most:
        yield f"{_told(call)}: made with version {version}, where {least} to {most} could be newest"


def _wrong_opening(timeline: Timeline, call: Call) -> Iterator[str]:
    maker = timeline.made.get(call.ciphertext)
    if maker is None:
        yield f"{_told(call)}: opened a ciphertext that nobody was given"
        return
    if call.operation == "Decrypt" and _key_of(call) != _key_of(maker):
        yield f"{_told(call)}: opened by key {_key_of(call)}, made by key {_key_of(maker)}"
    if _context_of(maker) != call.context:
        yield f"{_told(call)}: opened with another encryption context"
    plaintext = _plaintext_of(timeline, maker)
    if call.operation == "Decrypt" and plaintext is not None and call.answer and call.answer.plaintext != plaintext:
        yield f"{_told(call)}: gave another plaintext"


def unlogged(history: History, _timeline: Timeline) -> Iterator[str]:
    """I7: whatever was released has one record, durable before the client was told."""
    if history.audit is None:
        return
    for call in history.calls:
        if call.fate is not Fate.DONE or call.operation not in RELEASES or call.answer is None:
            continue
        records = [record for record in history.audit if record.request_id == call.answer.request_id]
        if len(records) != 1 or records[0].durable > call.returned:
            yield f"{_told(call)}: released with {len(records)} records, or before its record was durable"


def served_after_closing(history: History, timeline: Timeline) -> Iterator[str]:
    """I9: no request that began after a key was closed is served as if it were not."""
    for call in history.calls:
        if not _worked(call):
            continue
        for key_id in _keys_of(timeline, call):
            close = timeline.certainly_closed(key_id, call)
            if close is not None:
                yield f"{_told(call)}: served after {_told(close)}"


def _worked(call: Call) -> bool:
    return call.fate is Fate.DONE and call.operation in USES


def _decrypts(call: Call) -> bool:
    return _worked(call) and bool(call.ciphertext)


def _key_of(call: Call) -> str:
    """Return the key that a call used last: for ReEncrypt, the one that made the new ciphertext."""
    return call.answer.key_id if call.answer else call.key_id


def _context_of(maker: Call) -> object:
    return maker.new_context if maker.operation == "ReEncrypt" else maker.context


def _plaintext_of(timeline: Timeline, maker: Call) -> bytes | None:
    """Return what a ciphertext holds: what was encrypted, or the data key that came with it; None if none was told."""
    while maker.operation == "ReEncrypt":
        source = timeline.made.get(maker.ciphertext)
        if source is None:
            return None
        maker = source
    if maker.operation == "Encrypt":
        return maker.plaintext
    return (maker.answer.plaintext or None) if maker.answer else None


def _told(call: Call) -> str:
    return f"{call.operation} of {call.client} at {call.invoked:.3f}..{call.returned:.3f} on {_key_of(call)}"
