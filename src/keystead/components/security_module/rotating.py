"""Rotates keys whose day has come: by the date in the sealed head, and this module's clock alone.

Nobody else need agree: a rotation that comes early takes nothing away. Who asks proves nothing and need not, as for
keys that end (``ending``).
"""

from keystead.components.security_module.module import SecurityModule
from keystead.core.keys.automatic_rotation import rotated as next_version
from keystead.core.keys.opened import open_record
from keystead.core.records import Change, KeyRecord
from keystead.errors import NotAMember, RecordError, RotationNotDue


def rotated(module: SecurityModule, heads: tuple[bytes, ...], now: int) -> tuple[Change | None, ...]:
    """Return what gives each key with one of these sealed heads a new version; None if it is not due, or is unreadable.

    Raises NotAMember unless the module is an active member of a domain.
    """
    if not module.in_service:
        raise NotAMember("the module is no active member of the domain")
    return tuple(_rotated(module, head, now) for head in heads)


def _rotated(module: SecurityModule, head: bytes, now: int) -> Change | None:
    vault = module.vault
    try:
        key = open_record(vault.open_head(head), KeyRecord(head, {}, {}))
        change = next_version(vault, key, now)
    except (RotationNotDue, RecordError):
        return None
    module.journal.event("key rotated", key=key.head.key_id, account=key.head.account, due=key.head.rotation_due)
    return change
