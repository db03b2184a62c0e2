"""When a key rotates by itself, by the date in its sealed head, and what that changes (``spec/key-record.md``)."""

from typing import Any, Final

from keystead.core.keys.head import KeyHead
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.states import effective_state, is_gone
from keystead.core.keys.unasked import unasked
from keystead.core.operations.changes import new_version
from keystead.core.operations.vault_port import Vault
from keystead.core.records import Change, TokenChange
from keystead.errors import RotationNotDue

DAY: Final = 86_400_000


def scheduled(period: int, now: int) -> dict[str, Any]:
    """Return what the head of a key says that rotates every ``period`` days from now on."""
    return {"rotation_period": period, "rotation_due": now + period * DAY}


def require_due(head: KeyHead, now: int) -> None:
    """Return if the day has come that the head names, and the key is enabled; raises RotationNotDue."""
    if not 0 < head.rotation_due <= now or effective_state(head) != "Enabled" or is_gone(head, now):
        raise RotationNotDue("the key is not due to be rotated by this module's clock")


def rotated(vault: Vault, key: OpenedKey, now: int) -> Change:
    """Return the change that gives a key a new version and names the day of the next; raises RotationNotDue.

    Version and day are one head, so that no day rotates a key twice, whoever asks and however often.
    """
    head = key.head
    require_due(head, now)
    number = head.newest.number + 1
    token = vault.new_token(head.account, head.region, head.key_id, number, head.usage)
    version = new_version(token, number, now, "AUTOMATIC")
    tokens = (TokenChange(number, token.domain_key, token.token),)
    fields: dict[str, Any] = {"versions": (*head.versions, version), "rotation_due": _next_day(head, now)}
    return Change((unasked(vault, key, tokens=tokens, **fields),))


def _next_day(head: KeyHead, now: int) -> int:
    """Return a period after the day that was meant; a period from now if that is over too, as of a disabled key."""
    period = head.rotation_period * DAY
    kept = head.rotation_due + period
    return kept if kept > now else now + period
