"""Making the domain token that an approved request leads to (FIG. 19). Nothing is installed by it."""

from collections.abc import Mapping

from keystead.components.security_module.identity import ModuleIdentity
from keystead.components.security_module.ingestion import DOMAIN_KEY, body_mac, commitment
from keystead.core.domain import change_request, domain_token, succession
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.domain.changes import new_key_id
from keystead.core.domain.domain_token import RANDOM_KEY, Body, DomainToken, Package, SealedDomainKey
from keystead.core.domain.state import DomainState
from keystead.core.ports import Randomness
from keystead.errors import NoDomain
from keystead.identifiers import DomainKeyId
from keystead.primitives.hpke import seal_to
from keystead.primitives.labels import Label
from keystead.primitives.sealing import NONCE, seal
from keystead.primitives.secret import Secret


def issue(
    predecessor: DomainState,
    predecessor_hash: bytes,
    encoded_request: bytes,
    domain_keys: Mapping[DomainKeyId, Secret],
    identity: ModuleIdentity,
    randomness: Randomness,
    now: int,
) -> bytes:
    """Return the token that the approved request makes of what is installed.

    Raises what ``succession.approve`` and ``succession.accept`` raise: what a member would refuse is not issued.
    """
    approved = change_request.APPROVED_CODEC.decode(encoded_request)
    request = succession.approve(predecessor, predecessor_hash, approved, now)
    keys = dict(domain_keys)
    commitments = {entry.id: entry.commitment for entry in predecessor.domain_keys}
    if isinstance(request.change, AddDomainKey):
        added = new_key_id(request)
        keys[added] = Secret.random(DOMAIN_KEY, randomness)
        commitments[added] = commitment(keys[added], predecessor.domain_id, added)
    state = succession.apply(predecessor, request, commitments)
    with Secret.random(RANDOM_KEY, randomness) as random_key:
        body = domain_token.BODY_CODEC.encode(
            Body(
                predecessor_hash,
                approved,
                identity.id,
                state,
                _sealed_keys(state, keys, random_key, randomness),
                _packages(state, random_key),
            )
        )
        mac = body_mac(random_key).tag(body)
    signature = identity.signing.sign(Label.DOMAIN_TOKEN, domain_token.signed_part(body, mac))
    encoded = domain_token.CODEC.encode(DomainToken(body, mac, signature))
    return succession.accept(predecessor, predecessor_hash, encoded, now).encoded


def _sealed_keys(
    state: DomainState, keys: Mapping[DomainKeyId, Secret], random_key: Secret, randomness: Randomness
) -> tuple[SealedDomainKey, ...]:
    sealed = []
    for entry in state.domain_keys:
        key_id = DomainKeyId(entry.id)
        if key_id not in keys:
            raise NoDomain("this module does not hold all domain keys")
        nonce = randomness.token(NONCE)
        aad = domain_token.sealed_key_aad(state.domain_id, state.version, key_id)
        sealed.append(
            SealedDomainKey(key_id, nonce, seal(random_key.view, Label.DOMAIN_KEY, nonce, keys[key_id].view, aad))
        )
    return tuple(sealed)


def _packages(state: DomainState, random_key: Secret) -> tuple[Package, ...]:
    return tuple(
        Package(
            member.id,
            seal_to(
                member.sealing,
                domain_token.package_info(state.domain_id, state.version, member.id),
                random_key.view,
            ),
        )
        for member in state.members
    )
