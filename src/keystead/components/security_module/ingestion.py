"""Opening a domain token (FIG. 20): the random key with the own sealing key, the domain keys with the random key."""

from collections.abc import Mapping
from typing import Final

from keystead.core.domain import domain_token
from keystead.core.domain.domain_token import RANDOM_KEY, Package, SealedDomainKey
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor
from keystead.errors import FormatError, NotAMember
from keystead.identifiers import DomainId, DomainKeyId, ModuleId
from keystead.primitives.authentication import Mac
from keystead.primitives.derivation import derive
from keystead.primitives.digest import same
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.labels import Label
from keystead.primitives.opening import open_key
from keystead.primitives.secret import Secret, wipe

DOMAIN_KEY: Final = 32
_COMMITMENT: Final = 32
_MAC_KEY: Final = 32


def open_domain_keys(successor: Successor, module: ModuleId, sealing: RecipientKey) -> Mapping[DomainKeyId, Secret]:
    """Return the domain keys of a token that was judged to follow, by id; ``sealing`` is the key that it is sealed to.

    Raises NotAMember if there is no package for this module, SealError, SignatureError if the MAC or a commitment does
    not fit, FormatError. Nothing is changed.
    """
    state = successor.state
    package = _package(successor.body.packages, module)
    info = domain_token.package_info(state.domain_id, state.version, module)
    with sealing.open(info, package.sealed_random_key) as random_key:
        if len(random_key) != RANDOM_KEY:
            raise FormatError("the random key has another size")
        token = domain_token.CODEC.decode(successor.encoded)
        body_mac(random_key).verify(token.mac, token.body)
        commitments = {entry.id: entry.commitment for entry in state.domain_keys}
        opened = {}
        for sealed in successor.body.sealed_keys:
            key = _domain_key(random_key, state, sealed)
            same(commitment(key, state.domain_id, DomainKeyId(sealed.id)), commitments[sealed.id])
            opened[DomainKeyId(sealed.id)] = key
    return opened


def body_mac(random_key: Secret) -> Mac:
    """Return the MAC that shows who opened a package that the body is whole (step 2006)."""
    key = bytearray(_MAC_KEY)
    try:
        derive(random_key.view, Label.DOMAIN_TOKEN_MAC, b"", key)
        return Mac(key)
    finally:
        wipe(key)


def commitment(key: Secret, domain: DomainId, key_id: DomainKeyId) -> bytes:
    """Return what a domain's state says of a domain key, so that every member knows that all hold the same."""
    out = bytearray(_COMMITMENT)
    derive(key.view, Label.DOMAIN_KEY_COMMITMENT, domain_token.commitment_context(domain, key_id), out)
    return bytes(out)


def _package(packages: tuple[Package, ...], module: ModuleId) -> Package:
    for package in packages:
        if package.member == module:
            return package
    raise NotAMember("the token has no package for this module")


def _domain_key(random_key: Secret, state: DomainState, sealed: SealedDomainKey) -> Secret:
    aad = domain_token.sealed_key_aad(state.domain_id, state.version, DomainKeyId(sealed.id))
    key = open_key(random_key.view, Label.DOMAIN_KEY, sealed.nonce, sealed.sealed, aad)
    if len(key) != DOMAIN_KEY:
        raise FormatError("a domain key has another size")
    return key
