"""Answers control messages. None of them is believed for who sent it: each carries what proves it."""

from keystead.components.security_module.installed import Current
from keystead.components.security_module.module import SecurityModule
from keystead.core.protocols.module_session import handshake, messages
from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.messages import Answer, Request


def answer(module: SecurityModule, connection: ModuleConnection, request: Request, now: int) -> Answer:
    """Return the answer to a request on this connection; raises a Refusal, and then nothing was changed."""
    match request:
        case messages.Negotiate(hello):
            return _negotiated(module, connection, hello, now)
        case messages.Attach(_, token, _):
            session = module.sessions.open(token, now)
            return connection.attach(request, session.tenure, session.key.view, now)
        case messages.Propose(approved):
            return messages.Proposed(module.installed.propose(approved, now))
        case messages.PromiseSuccessor(token):
            return messages.Promised(module.installed.promise(token, now))
        case messages.Ingest(token, promises):
            return _ingested(module.installed.ingest(token, promises))
        case _:
            return _at_the_beginning(module, request)


def _at_the_beginning(
    module: SecurityModule, request: messages.Identify | messages.SignGenesis | messages.AdoptGenesis
) -> Answer:
    match request:
        case messages.Identify():
            return _identity(module)
        case messages.SignGenesis(genesis):
            return messages.Signed(module.installed.sign_genesis(genesis))
        case messages.AdoptGenesis(genesis):
            return _ingested(module.installed.adopt(genesis))


def _identity(module: SecurityModule) -> messages.Identity:
    identity = module.identity
    public = identity.signing.public
    return messages.Identity(
        public.ed25519, public.mldsa65, identity.sealing.public, identity.slot, identity.fingerprint
    )


def _negotiated(module: SecurityModule, connection: ModuleConnection, hello: bytes, now: int) -> messages.Negotiated:
    admitted = handshake.admit(hello, connection.greeting, module.operators, now)
    grant = module.sessions.grant(admitted, now)
    with grant.session_key:
        accepted = handshake.accept(admitted, grant, module.identity.id, module.identity.signing)
    module.journal.event("session granted", operator=admitted.operator.hex(), expires=grant.expires)
    return messages.Negotiated(accepted)


def _ingested(current: Current) -> messages.Ingested:
    return messages.Ingested(current.state.version, current.hash)
