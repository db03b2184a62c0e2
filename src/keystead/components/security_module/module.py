"""One start of a security module: what all its connections share."""

from collections.abc import Callable

from keystead.components.security_module.identity import ModuleIdentity
from keystead.components.security_module.installed import Installed
from keystead.components.security_module.journal import Journal
from keystead.components.security_module.pipeline.frame import Executor
from keystead.components.security_module.position import Current
from keystead.components.security_module.resealing import Resealing
from keystead.components.security_module.rsa_keys import RsaKeys
from keystead.components.security_module.safe import Safe
from keystead.components.security_module.sessions import Sessions
from keystead.components.security_module.vault import DomainVault
from keystead.core.domain.state import Permission
from keystead.core.operations.recipients import Attestation, NothingBelieved
from keystead.core.ports import Buffer, Clock, Randomness
from keystead.core.protocols.module_session.fields import NONCE_SIZE
from keystead.core.protocols.module_session.messages import Greeting
from keystead.core.protocols.module_session.resealing import KeyUsage, decode_usage_request, encode_usages
from keystead.identifiers import DomainId, OperatorId


class SecurityModule:
    """The composed parts. Owned by the event loop."""

    def __init__(
        self,
        safe: Safe,
        pin: Callable[[], DomainId | None],
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        halt: Callable[[], None],
        rsa_keys: RsaKeys | None = None,
        attestation: Attestation | None = None,
    ) -> None:
        """Compose the module; ``resume`` then installs what was installed before.

        ``halt`` ends the process: it is called when a write failed, and what is durable is not known any more. Without
        an ``attestation`` no recipient is believed.
        """
        self._safe = safe
        self.clock = clock
        self.randomness = randomness
        self.journal = journal
        self.halt = halt
        self.incarnation = randomness.token(NONCE_SIZE)
        self.vault = DomainVault(randomness, rsa_keys or RsaKeys())
        self.sessions = Sessions(self.vault, randomness)
        self.executor = Executor(self.vault, self.sessions, journal, attestation or NothingBelieved())
        self.resealing = Resealing(self.vault)
        self.operators: dict[OperatorId, bytes] = {}
        """Ed25519 public keys of the operators installed now."""
        self.serving: frozenset[OperatorId] = frozenset()
        """Those with the permission to serve."""
        self.carrying: frozenset[OperatorId] = frozenset()
        """Those with the permission to carry."""
        self.in_service = False
        """Whether the module is an active member, and holds domain keys to work with."""
        self.installed = Installed(safe, pin, randomness, self._switched)

    @property
    def identity(self) -> ModuleIdentity:
        """Who the module is; its sealing key is renewed."""
        return self._safe.identity

    def resume(self) -> None:
        """Install what was installed before a restart; raises OperatorError."""
        self.installed.resume()

    def close(self) -> None:
        """Wipe the domain keys: the process ends."""
        self.vault.hold({}, None, frozenset())
        if not self.installed.blank:
            for key in self.installed.current.keys.values():
                key.wipe()

    def greeting(self) -> Greeting:
        """Return what a new connection is greeted with."""
        current = None if self.installed.blank else self.installed.current
        return Greeting(
            module=self.identity.id,
            incarnation=self.incarnation,
            connection_nonce=self.randomness.token(NONCE_SIZE),
            domain=None if current is None else current.state.domain_id,
            version=0 if current is None else current.state.version,
            token_hash=None if current is None else current.hash,
            promised=self.installed.promised,
        )

    def usages(self, content: Buffer) -> bytearray:
        """Return the content of the response to a frame that asks for usages; raises FormatError."""
        decode_usage_request(content)
        operations, refusals = self.vault.operations, self.vault.refusals
        known = sorted(operations.keys() | refusals.keys())
        return bytearray(encode_usages(tuple([KeyUsage(one, operations[one], refusals.get(one, 0)) for one in known])))

    def _switched(self, current: Current) -> None:
        state = current.state
        serving = self.in_service = self.identity.id in state.active and bool(current.keys)
        self.vault.hold(current.keys if serving else {}, state.newest if serving else None, state.retired)
        self.sessions.switch(state)
        self.executor.switch(state)
        self.operators = {operator.id: operator.public.ed25519 for operator in state.operators}
        self.serving = frozenset(state.operators_who(Permission.SERVE))
        self.carrying = frozenset(state.operators_who(Permission.CARRY))
        self.journal.event("domain installed", domain=state.domain.hex(), version=state.version, keys=len(current.keys))
