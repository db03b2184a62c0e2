"""Ends keys whose deletion is due: by the date in the sealed head, this module's clock, and another member's word.

Who asks proves nothing and need not: no customer's wish is carried out here but the one that the head has kept.
"""

from keystead.components.security_module.module import SecurityModule
from keystead.core.keys.ending import deleted, due, require_agreed, require_due
from keystead.core.keys.opened import OpenedKey, open_record
from keystead.core.protocols.module_session.messages import EndKey
from keystead.core.records import Change, KeyRecord
from keystead.errors import DeletionNotDue, RecordError

NOT_DUE = b""


def attested(module: SecurityModule, head: bytes, now: int) -> bytes:
    """Return this member's statement that the key with this sealed head is due; nothing if it is not, or is unreadable.

    Raises NoDomain while the module has none.
    """
    identity = module.identity
    domain = module.installed.current.state.domain
    try:
        return due(domain, _opened(module, KeyRecord(head, {}, {})), now, identity.id, identity.signing)
    except (DeletionNotDue, RecordError):
        return NOT_DUE


def ended(module: SecurityModule, request: EndKey, now: int) -> Change:
    """Return what marks the key.

    Raises DeletionNotDue, NotAgreed, RecordError for a record that does not open or lacks what ends with the key,
    FormatError, SignatureError, NoDomain.
    """
    key = _opened(module, KeyRecord(request.head, {}, request.attachments))
    require_due(key.head, now)
    require_agreed(module.installed.current.state, key, request.statement, module.identity.id)
    change = deleted(module.vault, key, now)
    module.journal.event("key ended", key=key.head.key_id, account=key.head.account, due=key.head.deletion)
    return change


def _opened(module: SecurityModule, record: KeyRecord) -> OpenedKey:
    return open_record(module.vault.open_head(record.head), record)
