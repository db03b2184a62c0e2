"""Where the module stands in its domain's succession: durable before it is told, and never behind.

All of it is one sealed file that is replaced as a whole: the genesis, the state that came before, the token that is
installed with the promises that came with it, and the promise that was given. After a restart the token is judged and
opened again, by the same code that first let it in.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from keystead.components.security_module.identity import DOMAIN_FILE, ModuleIdentity
from keystead.components.security_module.ingestion import open_domain_keys
from keystead.components.security_module.issuing import issue
from keystead.components.security_module.sealed_files import SealedFiles
from keystead.core.domain import domain_token, genesis, promise, succession
from keystead.core.domain.state import DomainState, promisers
from keystead.core.domain.succession import Successor
from keystead.core.ports import Randomness
from keystead.core.strict import StrictCodec
from keystead.errors import NoDomain, NotAMember, NotPinned, OperatorError, PromiseBroken, Refusal, WrongDomain
from keystead.identifiers import DomainId, DomainKeyId
from keystead.primitives.secret import Secret


class Position(msgspec.Struct, frozen=True, array_like=True):
    """What is durable."""

    genesis: bytes
    """Signed by everyone."""
    predecessor: DomainState | None = None
    """What the token that is installed was judged against; None at version 0."""
    predecessor_hash: bytes = b""
    token: bytes = b""
    """The domain token that is installed; empty at version 0."""
    promises: tuple[bytes, ...] = ()
    """Of every member that remained."""
    promised: bytes = b""
    """The one promise that this module gave for what follows; empty if none."""


class Current(msgspec.Struct, frozen=True):
    """The domain as it is installed."""

    state: DomainState
    hash: bytes
    """SHA-256 of the token; the domain's id at version 0."""
    keys: Mapping[DomainKeyId, Secret]
    """Empty at version 0, and while this module is no member."""


_CODEC: Final[StrictCodec[Position]] = StrictCodec(Position, "a position")


class Installed:
    """The domain that this module belongs to. Owned by the event loop; nothing here waits."""

    def __init__(
        self,
        identity: ModuleIdentity,
        files: SealedFiles,
        pin: Callable[[], DomainId | None],
        randomness: Randomness,
        switched: Callable[[Current], None],
    ) -> None:
        """Prepare; ``pin`` reads which domain the configuration allows, ``switched`` learns what is in force."""
        self._identity = identity
        self._files = files
        self._pin = pin
        self._randomness = randomness
        self._switched = switched
        self._standing: tuple[Position, Current] | None = None

    @property
    def blank(self) -> bool:
        """Whether the module belongs to no domain yet."""
        return self._standing is None

    @property
    def current(self) -> Current:
        """What is installed; raises NoDomain while blank."""
        return self._stands()[1]

    def resume(self) -> None:
        """Install again what was installed before a restart; raises OperatorError if it is not acceptable any more."""
        content = self._files.read(DOMAIN_FILE)
        if content is None:
            return
        try:
            with content:
                position = _CODEC.decode(bytes(content.view))
            current = self._judged(position)
        except Refusal as refusal:
            raise OperatorError(
                f"the installed domain token is refused: {refusal}", "restore the module's directory from a backup"
            ) from refusal
        self._switch(position, current)

    def sign_genesis(self, encoded: bytes) -> bytes:
        """Return this module's signature under a genesis that every operator signed.

        Raises NotPinned, WrongDomain if the module has a domain, NotAMember if it is not listed with its very keys,
        SignatureError, FormatError, UnsatisfiableRule.
        """
        if not self.blank:
            raise WrongDomain("the module belongs to a domain already")
        document = genesis.CODEC.decode(encoded)
        self._require_pinned(genesis.domain_id(document.body))
        state = genesis.verify_operators(document.body, document.operators)
        self._require_listed(state)
        return genesis.sign_as_member(document.body, self._identity.id, self._identity.signing).signature

    def adopt(self, encoded: bytes) -> Current:
        """Take the genesis that everyone signed as version 0, once; return what is installed.

        Raises NotPinned, WrongDomain if the module belongs to another domain, SignatureError, FormatError,
        UnsatisfiableRule. A module that joins later follows from there without keys until it is a member.
        """
        state = genesis.verify_genesis(encoded)
        if not self.blank:
            if state.domain != self.current.state.domain:
                raise WrongDomain("the module belongs to another domain")
            return self.current
        self._require_pinned(state.domain_id)
        return self._install(Position(encoded), Current(state, state.domain_id, {}))

    def propose(self, approved: bytes, now: int) -> bytes:
        """Return the token that an approved request leads to; changes nothing. Raises what ``issue`` raises."""
        current = self.current
        self._require_listed(current.state)
        return issue(current.state, current.hash, approved, current.keys, self._identity, self._randomness, now)

    def promise(self, token: bytes, now: int) -> bytes:
        """Return the promise to follow this token and no other; it is durable before it is returned.

        Raises PromiseBroken if another was promised, NotAMember, what ``succession.accept`` raises, and what
        ``open_domain_keys`` raises: a promise of what the member could not install would bind the domain for ever.
        """
        position, current = self._stands()
        given = self._given(position, token)
        if given is not None:
            return given
        successor = succession.accept(current.state, current.hash, token, now)
        if self._identity.id not in promisers(current.state, successor.state):
            raise NotAMember("only a member that remains promises")
        for key in open_domain_keys(successor, self._identity).values():
            key.wipe()
        word = promise.promise(
            current.state.domain, current.hash, successor.hash, self._identity.id, self._identity.signing
        )
        encoded = promise.CODEC.encode(word)
        position = msgspec.structs.replace(position, promised=encoded)
        self._store(position)
        self._standing = position, current
        return encoded

    def ingest(self, token: bytes, promises: tuple[bytes, ...]) -> Current:
        """Switch to a token that every remaining member promised; return what is installed.

        Raises PromiseBroken if this module promised another, what ``succession.accept`` and ``require_promises`` raise,
        and what ``open_domain_keys`` raises; then nothing is changed.
        """
        position, current = self._stands()
        if domain_token.token_hash(token) == current.hash:
            return current
        self._given(position, token)
        successor = Position(position.genesis, current.state, current.hash, token, promises)
        return self._install(successor, self._judged(successor))

    def _judged(self, position: Position) -> Current:
        """Return what the position leads to: the one way in, at first and after every restart."""
        origin = genesis.verify_genesis(position.genesis)
        if position.predecessor is None:
            return Current(origin, origin.domain_id, {})
        if position.predecessor.domain != origin.domain:
            raise WrongDomain("the token's predecessor is of another domain than the genesis")
        successor = succession.accept(position.predecessor, position.predecessor_hash, position.token, None)
        promise.require_promises(
            position.predecessor, position.predecessor_hash, successor.state, successor.hash, position.promises
        )
        return Current(successor.state, successor.hash, self._keys(successor))

    def _keys(self, successor: Successor) -> Mapping[DomainKeyId, Secret]:
        if successor.state.member(self._identity.id) is None:
            return {}
        return open_domain_keys(successor, self._identity)

    def _given(self, position: Position, token: bytes) -> bytes | None:
        """Return the promise if it was given for this token, None if none was; raises PromiseBroken."""
        if not position.promised:
            return None
        if promise.CODEC.decode(position.promised).successor != domain_token.token_hash(token):
            raise PromiseBroken("this module has promised to follow another token")
        return position.promised

    def _install(self, position: Position, current: Current) -> Current:
        self._store(position)
        self._switch(position, current)
        return current

    def _switch(self, position: Position, current: Current) -> None:
        before, self._standing = self._standing, (position, current)
        self._switched(current)
        for key in before[1].keys.values() if before else ():
            key.wipe()

    def _store(self, position: Position) -> None:
        self._files.write(DOMAIN_FILE, _CODEC.encode(position))

    def _stands(self) -> tuple[Position, Current]:
        if self._standing is None:
            raise NoDomain("the module holds no domain yet")
        return self._standing

    def _require_pinned(self, domain: DomainId) -> None:
        if self._pin() != domain:
            raise NotPinned("the module's configuration does not pin this domain")

    def _require_listed(self, state: DomainState) -> None:
        member = state.member(self._identity.id)
        if member is None or member.sealing != self._identity.sealing.public:
            raise NotAMember("the module is not listed with its keys")
