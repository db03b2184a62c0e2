"""Where the module stands in its domain's succession: durable before it is told, and never behind.

After a restart the token is judged and opened again, by the same code that first let it in.
"""

from collections.abc import Callable, Mapping

from keystead.components.security_module import promising
from keystead.components.security_module.ingestion import open_domain_keys
from keystead.components.security_module.issuing import issue
from keystead.components.security_module.position import Current, Position, RetiredSince
from keystead.components.security_module.safe import Safe
from keystead.core.domain import destruction, domain_token, followed, genesis, promise, succession
from keystead.core.domain.promise import promisers
from keystead.core.domain.release import Death
from keystead.core.domain.state import DomainState, Role
from keystead.core.domain.succession import Successor
from keystead.core.domain.token_difference import rebuilt
from keystead.core.ports import Randomness
from keystead.errors import NoDomain, NotAMember, NotPinned, OperatorError, Refusal, StillMember, WrongDomain
from keystead.identifiers import DomainId, DomainKeyId
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.secret import Secret


class Installed:
    """The domain that this module belongs to. Owned by the event loop; nothing here waits."""

    def __init__(
        self,
        safe: Safe,
        pin: Callable[[], DomainId | None],
        randomness: Randomness,
        switched: Callable[[Current], None],
    ) -> None:
        """Prepare; ``pin`` reads which domain the configuration allows, ``switched`` learns what is in force."""
        self._safe = safe
        self._pin = pin
        self._randomness = randomness
        self._switched = switched
        self._current: Current | None = None

    @property
    def blank(self) -> bool:
        """Whether the module belongs to no domain yet."""
        return self._current is None

    @property
    def current(self) -> Current:
        """What is installed; raises NoDomain while blank."""
        return self._stands()[1]

    @property
    def promised(self) -> bytes | None:
        """The hash of the token that this module promised to follow, if it promised any."""
        position = self._safe.position
        return None if position is None else promising.promised_successor(position)

    def resume(self) -> None:
        """Install again what was installed before a restart; raises OperatorError if it is not acceptable any more."""
        position = self._safe.position
        if position is None:
            return
        try:
            current = self._judged(position, self._safe.identity.sealing)
        except Refusal as refusal:
            raise OperatorError(
                f"the installed domain token is refused: {refusal}", "restore the module's directory from a backup"
            ) from refusal
        self._switch(current)

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
        identity = self._safe.identity
        return genesis.sign_as_member(document.body, identity.id, identity.signing).signature

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
        self._safe.keep(Position(encoded))
        return self._switch(Current(state, state.domain_id, {}))

    def propose(self, approved: bytes, now: int) -> bytes:
        """Return the token that an approved request leads to; changes nothing. Raises what ``issue`` raises."""
        current = self.current
        self._require_listed(current.state)
        return issue(current.state, current.hash, approved, current.keys, self._safe.identity, self._randomness, now)

    def promise(self, token: bytes, death: Death | None, now: int) -> bytes:
        """Return the promise to follow this token and no other, durable; raises what ``promising.promised`` raises."""
        position, current = self._stands()
        token = rebuilt(current.state, current.hash, token)
        following, word = promising.promised(self._safe, position, current, token, death, now)
        self._keep(following)
        return word

    def release(self, approved: bytes, now: int) -> bytes:
        """Return the release of what a quorum asks to abandon, durable; raises what ``promising.released`` raises."""
        position, current = self._stands()
        following, word = promising.released(self._safe, position, current, approved, now)
        self._keep(following)
        return word

    def offer(self, dropping: bytes) -> bytes:
        """Return an offer for what follows now, whose private half is durable; raises what ``offered`` raises."""
        position, current = self._stands()
        following, key = promising.offered(self._safe, position, current, dropping, self._randomness)
        if key is not None:
            self._safe.keep_offered(key, following)
        return following.offer

    def ingest(self, token: bytes, promises: tuple[bytes, ...], statement: bytes, now: int) -> Current:
        """Switch to a token that everyone who must has promised; return what is installed.

        If the token is sealed to what this module offered, nothing is left of its former key afterwards. Raises
        PromiseBroken, and what ``succession.accept``, ``require_promises``, ``promising.require_may_ingest`` and
        ``open_domain_keys`` raise; then nothing is changed.
        """
        position, current = self._stands()
        token = rebuilt(current.state, current.hash, token)
        if domain_token.token_hash(token) == current.hash:
            return current
        successor = succession.accept(current.state, current.hash, token, None)
        if self._safe.identity.id in promisers(current.state, successor):
            promising.require_promised(position, successor)
        promising.require_may_ingest(position, current, successor, statement)
        following = Position(
            position.genesis,
            current.state,
            current.hash,
            token,
            promises,
            _retired_since(position, successor.state, now),
            position.offers,
        )
        key = promising.key_for(self._safe, successor)
        installed = self._judged(following, key)
        if key is None or key is self._safe.identity.sealing:
            self._safe.keep(following)
        else:
            self._safe.renew(key, following)
        return self._switch(installed)

    def statement(self) -> bytes:
        """Return this module's signed word that it has what is installed."""
        current, identity = self.current, self._safe.identity
        return followed.CODEC.encode(
            followed.followed(current.state.domain, current.hash, identity.id, identity.signing)
        )

    def attest_destruction(self) -> bytes:
        """Return the attestation that no sealing key is left of those whose listing has ended.

        A module that left destroys its last one first, and makes another. Raises StillMember if the domain waits for
        this module to follow: then its promises show as much.
        """
        position, current = self._stands()
        state, identity = current.state, self._safe.identity
        member = state.member(identity.id)
        if member is not None and member.role is Role.ACTIVE:
            raise StillMember("an active member destroys a sealing key when it installs the token that renews it")
        if member is None and any(one.sealing == sha256(identity.sealing.public) for one in state.holders):
            self._safe.renew(RecipientKey.generate(self._randomness), position)
        return destruction.CODEC.encode(destruction.attest(state.domain, state.version, identity.signing))

    def _judged(self, position: Position, key: RecipientKey | None) -> Current:
        """Return what the position leads to: the one way in, at first and after every restart."""
        origin = genesis.verify_genesis(position.genesis)
        if position.predecessor is None:
            return Current(origin, origin.domain_id, {})
        if position.predecessor.domain != origin.domain:
            raise WrongDomain("the token's predecessor is of another domain than the genesis")
        successor = succession.accept(position.predecessor, position.predecessor_hash, position.token, None)
        promise.require_promises(position.predecessor, position.predecessor_hash, successor, position.promises)
        return Current(successor.state, successor.hash, self._keys(successor, key))

    def _keys(self, successor: Successor, key: RecipientKey | None) -> Mapping[DomainKeyId, Secret]:
        if key is None or successor.state.member(self._safe.identity.id) is None:
            return {}
        return open_domain_keys(successor, self._safe.identity.id, key)

    def _keep(self, position: Position) -> None:
        if position != self._safe.position:
            self._safe.keep(position)

    def _switch(self, current: Current) -> Current:
        before, self._current = self._current, current
        self._switched(current)
        for key in before.keys.values() if before else ():
            key.wipe()
        return current

    def _stands(self) -> tuple[Position, Current]:
        if self._current is None or self._safe.position is None:
            raise NoDomain("the module holds no domain yet")
        return self._safe.position, self._current

    def _require_pinned(self, domain: DomainId) -> None:
        if self._pin() != domain:
            raise NotPinned("the module's configuration does not pin this domain")

    def _require_listed(self, state: DomainState) -> None:
        identity = self._safe.identity
        member = state.member(identity.id)
        if member is None or member.sealing != identity.sealing.public:
            raise NotAMember("the module is not listed with its keys")


def _retired_since(position: Position, state: DomainState, now: int) -> tuple[RetiredSince, ...]:
    known = {one.key: one.since for one in position.retired}
    return tuple(RetiredSince(key, known.get(key, now)) for key in sorted(state.retired))
