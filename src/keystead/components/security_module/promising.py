"""What a module says about what may follow: promises, releases, offers.

Each function takes where the module stands, and returns the position that must be durable before the words are told.
"""

from collections.abc import Iterable

import msgspec

from keystead.components.security_module.ingestion import open_domain_keys
from keystead.components.security_module.position import Current, Position
from keystead.components.security_module.safe import Safe
from keystead.core.domain import domain_token, followed, promise, release, succession
from keystead.core.domain.change_request import DropDomainKey
from keystead.core.domain.offer import CODEC as OFFERS
from keystead.core.domain.offer import offer
from keystead.core.domain.promise import promisers
from keystead.core.domain.release import Death, Release, require_dead
from keystead.core.domain.state import Role
from keystead.core.domain.succession import Successor
from keystead.core.ports import Randomness
from keystead.errors import Abandoned, NotAMember, OfferMissing, PromiseBroken, StateMismatch, TooEarly
from keystead.primitives.hpke import RecipientKey

_replace = msgspec.structs.replace


def promised(
    safe: Safe, position: Position, current: Current, token: bytes, death: Death | None, now: int
) -> tuple[Position, bytes]:
    """Return the promise to follow this token, which is the one given before if it was given, or was kept with it.

    Raises Abandoned if the module released the token or was shown that it is dead, PromiseBroken if it promised another
    that ``death`` does not show to be dead, NotAMember, TooEarly, OfferMissing, and what ``succession.accept`` and
    ``open_domain_keys`` raise: a promise of what the member could not install would bind the domain for ever.
    """
    token_hash = domain_token.token_hash(token)
    if token_hash == current.hash:
        return position, _kept_promise(safe, position)
    if promised_successor(position) == token_hash:
        return position, position.promised
    _refuse_abandoned(position, token_hash)
    position = _freed(position, current, death)
    successor = succession.accept(current.state, current.hash, token, now)
    identity = safe.identity
    if identity.id not in promisers(current.state, successor):
        raise NotAMember("the token is not installed by this module's promise")
    _require_retired(position, current, successor, now)
    _require_openable(safe, position, current, successor)
    word = promise.promise(current.state.domain, current.hash, token_hash, identity.id, identity.signing)
    encoded = promise.CODEC.encode(word)
    return _replace(position, promised=encoded), encoded


def promised_successor(position: Position) -> bytes | None:
    """Return the hash of the token that this module promised to follow, or None."""
    return promise.CODEC.decode(position.promised).successor if position.promised else None


def released(safe: Safe, position: Position, current: Current, approved: bytes, now: int) -> tuple[Position, bytes]:
    """Return the release of the successor that a quorum asks to abandon.

    Raises what ``release.abandonment`` raises: a successor that is installed here has another predecessor.
    """
    asked = release.abandonment(current.state, current.hash, approved, now)
    for encoded in position.releases:
        if release.CODEC.decode(encoded).abandonment == asked:
            return position, encoded
    word = release.release(
        current.state.domain,
        current.hash,
        asked,
        safe.identity.id,
        safe.identity.signing,
        had_promised=asked.successor in {promised_successor(position), *position.dead},
    )
    encoded = release.CODEC.encode(word)
    return _replace(position, releases=(*position.releases, encoded)), encoded


def offered(
    safe: Safe, position: Position, current: Current, dropping: bytes, randomness: Randomness
) -> tuple[Position, RecipientKey | None]:
    """Return the position with an offer for what follows now, and the offered key if a new one was made.

    ``dropping`` is the domain key that what follows drops, or empty. Raises NotAMember, PromiseBroken if what is
    sealed to an earlier offer may be installed and this one would take its place.
    """
    identity = safe.identity
    member = current.state.member(identity.id)
    if member is None:
        raise NotAMember("only a member offers a key")
    made = OFFERS.decode(position.offer) if position.offer else None
    if made is not None and made.predecessor == current.hash:
        if made.dropping == dropping:
            return position, None
        if position.promised or member.role is Role.RECOVERY:  # whose promise nobody waits for
            raise PromiseBroken("this module has offered a key for another change, which may be installed")
    key = RecipientKey.generate(randomness)
    number = position.offers + 1
    word = offer(
        current.state.domain,
        current.hash,
        dropping,
        number,
        key.public,
        identity.slot,
        identity.id,
        identity.signing,
    )
    return _replace(position, offers=number, offer=OFFERS.encode(word)), key


def require_may_ingest(position: Position, current: Current, successor: Successor, statement: bytes) -> None:
    """Return if what this module said does not forbid to install the token.

    A token that it released is installed only if a member that had to promise it has it, for then it can not be dead.
    Raises PromiseBroken, Abandoned, SignatureError, FormatError.
    """
    if successor.hash in position.dead:
        raise Abandoned("this module was shown that nobody can install the token")
    own = _released(position, successor.hash)
    if own:
        lost = frozenset(module for one in own for module in one.abandonment.lost)
        if not statement:
            raise Abandoned("this module has released the token")
        followed.require_followed(current.state, successor, lost, statement)


def require_promised(position: Position, successor: Successor) -> None:
    """Return unless this module, which had to promise the token, promised another; raises PromiseBroken."""
    if promised_successor(position) not in {None, successor.hash}:
        raise PromiseBroken("this module has promised to follow another token")


def key_for(safe: Safe, successor: Successor) -> RecipientKey | None:
    """Return the key to which the token is sealed for this module, or None if it is no member by it.

    Raises OfferMissing if it is sealed to none that the module has.
    """
    member = successor.state.member(safe.identity.id)
    if member is None:
        return None
    for key in (safe.identity.sealing, safe.offered):
        if key is not None and key.public == member.sealing:
            return key
    raise OfferMissing("the token is sealed to a key that this module does not have")


def _kept_promise(safe: Safe, position: Position) -> bytes:
    for encoded in position.promises:
        if promise.CODEC.decode(encoded).member == safe.identity.id:
            return encoded
    raise NotAMember("the token was not installed by this module's promise")


def _refuse_abandoned(position: Position, token_hash: bytes) -> None:
    if token_hash in position.dead or _released(position, token_hash):
        raise Abandoned("this module has released the token, or was shown that nobody can install it")


def _released(position: Position, token_hash: bytes) -> list[Release]:
    releases: Iterable[Release] = map(release.CODEC.decode, position.releases)
    return [one for one in releases if one.abandonment.successor == token_hash]


def _freed(position: Position, current: Current, death: Death | None) -> Position:
    """Return the position without the promise of a successor that is shown to be dead; raises PromiseBroken."""
    before = promised_successor(position)
    if death is not None:
        dead = require_dead(current.state, current.hash, death)
        position = _replace(position, dead=tuple(sorted({*position.dead, dead})))
        if before == dead:
            return _replace(position, promised=b"")
    if before is not None:
        raise PromiseBroken("this module has promised to follow another token")
    return position


def _require_retired(position: Position, current: Current, successor: Successor, now: int) -> None:
    change = successor.request.change
    if not isinstance(change, DropDomainKey):
        return
    since = next((one.since for one in position.retired if one.key == change.key), None)
    if since is None or now - since < current.state.parameters.retirement:
        raise TooEarly("the domain key has not been retired here for as long as the domain's parameters say")


def _require_openable(safe: Safe, position: Position, current: Current, successor: Successor) -> None:
    key = key_for(safe, successor)
    if key is None:
        return
    if key is safe.offered and OFFERS.decode(position.offer).predecessor != current.hash:
        raise StateMismatch("the offer was made for another predecessor")
    for secret in open_domain_keys(successor, safe.identity.id, key).values():
        secret.wipe()
