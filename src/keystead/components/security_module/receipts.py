"""Signing receipts of shredding, for operators who ask with the sealed record of a key."""

from keystead.components.security_module.module import SecurityModule
from keystead.core.domain.state import Permission
from keystead.core.keys.opened import open_record
from keystead.core.keys.receipt import NAMESPACE, receipt_body, sign
from keystead.core.protocols.module_session.messages import ReceiptSigned, SignReceipt
from keystead.core.records import KeyRecord
from keystead.errors import NotAMember, NotPermitted, UnknownOperator
from keystead.identifiers import OperatorId
from keystead.primitives.digest import sha256
from keystead.primitives.openssh import verify_sshsig

_MAY_ASK = frozenset({Permission.GOVERN, Permission.CARRY})


def signed(module: SecurityModule, request: SignReceipt) -> ReceiptSigned:
    """Return the body of the receipt as this member sees it, and its signature.

    Raises UnknownOperator, NotPermitted, SignatureError for who may not ask; RecordError for a record that does not
    open; NotShredded; NotAMember for a module that is not active.
    """
    current, identity = module.installed.current, module.identity
    operator = current.state.operator(OperatorId(request.operator))
    if operator is None:
        raise UnknownOperator("who asks is no operator of this domain")
    if _MAY_ASK.isdisjoint(operator.permissions):
        raise NotPermitted("who asks may neither govern nor carry")
    verify_sshsig(operator.public, NAMESPACE, sha256(request.head), request.signature)
    if identity.id not in current.state.active:
        raise NotAMember("only an active member signs receipts")
    record = KeyRecord(request.head, request.tokens, {})
    key = open_record(module.vault.open_head(request.head), record)
    body = receipt_body(key, current.state, current.hash)
    return ReceiptSigned(body, sign(body, identity.id, identity.signing).signature)
