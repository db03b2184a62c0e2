"""Answers control messages. None of them is believed for who sent it: each carries what proves it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from keystead.components.security_module import ending, receipts, rotating
from keystead.components.security_module.module import SecurityModule
from keystead.core.protocols.module_session import handshake, messages
from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.messages import Answer, Request
from keystead.errors import NotAMember


def answer(module: SecurityModule, connection: ModuleConnection, request: Request, now: int) -> Answer:
    """Return the answer to a request on this connection; raises a Refusal, and then nothing was changed."""
    match request:
        case messages.Negotiate(hello):
            return _negotiated(module, connection, hello, now)
        case messages.Attach(_, token, _):
            if not (module.installed.blank or module.in_service):
                raise NotAMember("the module is no active member of the domain")
            session = module.sessions.open(token, now)
            return connection.attach(request, session.tenure, session.key.view, now)
        case _:
            return _ANSWERS[type(request)](module, request, now)


def _negotiated(module: SecurityModule, connection: ModuleConnection, hello: bytes, now: int) -> messages.Negotiated:
    admitted = handshake.admit(hello, connection.greeting, module.operators, now)
    grant = module.sessions.grant(admitted, now)
    with grant.session_key:
        accepted = handshake.accept(admitted, grant, module.identity.id, module.identity.signing)
    module.journal.event("session granted", operator=admitted.operator.hex(), expires=grant.expires)
    return messages.Negotiated(accepted)


def _identity(module: SecurityModule, _request: messages.Identify, _now: int) -> Answer:
    identity = module.identity
    public, sealing = identity.signing.public, identity.sealing.public
    return messages.Identity(public.ed25519, public.mldsa65, sealing, identity.slot, identity.fingerprint)


def _signed_genesis(module: SecurityModule, request: messages.SignGenesis, _now: int) -> Answer:
    return messages.Signed(module.installed.sign_genesis(request.genesis))


def _adopted(module: SecurityModule, request: messages.AdoptGenesis, _now: int) -> Answer:
    module.installed.adopt(request.genesis)
    return _ingested(module)


def _proposed(module: SecurityModule, request: messages.Propose, now: int) -> Answer:
    return messages.Proposed(module.installed.propose(request.approved, now))


def _promised(module: SecurityModule, request: messages.PromiseSuccessor, now: int) -> Answer:
    return messages.Promised(module.installed.promise(request.token, request.death, now))


def _installed(module: SecurityModule, request: messages.Ingest, now: int) -> Answer:
    module.installed.ingest(request.token, request.promises, request.statement, now)
    return _ingested(module)


def _released(module: SecurityModule, request: messages.ReleaseSuccessor, now: int) -> Answer:
    return messages.Released(module.installed.release(request.approved, now))


def _offered(module: SecurityModule, request: messages.MakeOffer, _now: int) -> Answer:
    return messages.Offered(module.installed.offer(request.dropping))


def _attested(module: SecurityModule, _request: messages.AttestDestruction, _now: int) -> Answer:
    return messages.Attested(module.installed.attest_destruction())


def _receipt_signed(module: SecurityModule, request: messages.SignReceipt, _now: int) -> Answer:
    return receipts.signed(module, request)


def _attested_due(module: SecurityModule, request: messages.AttestDue, now: int) -> Answer:
    return messages.DueAttested(tuple(ending.attested(module, head, now) for head in request.heads))


def _ended(module: SecurityModule, request: messages.EndKey, now: int) -> Answer:
    return messages.KeyEnded(ending.ended(module, request, now))


def _rotated(module: SecurityModule, request: messages.RotateDue, now: int) -> Answer:
    return messages.DueRotated(rotating.rotated(module, request.heads, now))


def _ingested(module: SecurityModule) -> messages.Ingested:
    current = module.installed.current
    return messages.Ingested(current.state.version, current.hash, module.installed.statement())


_ANSWERS: Final[Mapping[type[Request], Callable[[SecurityModule, Any, int], Answer]]] = {
    messages.Identify: _identity,
    messages.SignGenesis: _signed_genesis,
    messages.AdoptGenesis: _adopted,
    messages.Propose: _proposed,
    messages.PromiseSuccessor: _promised,
    messages.Ingest: _installed,
    messages.ReleaseSuccessor: _released,
    messages.MakeOffer: _offered,
    messages.AttestDestruction: _attested,
    messages.SignReceipt: _receipt_signed,
    messages.AttestDue: _attested_due,
    messages.EndKey: _ended,
    messages.RotateDue: _rotated,
}
"""What does not belong to a connection."""
