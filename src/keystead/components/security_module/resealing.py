"""Seals records anew under the newest domain key (FIG. 21, steps 2112 to 2118); what they say stays the same."""

from msgspec.structs import replace

from keystead.components.security_module.vault import DomainVault
from keystead.core.keys.head import KeyHead, KeyVersion, encode
from keystead.core.keys.opened import OpenedKey, open_record
from keystead.core.ports import Buffer
from keystead.core.protocols.module_session.resealing import ResealedKey, RestingKey, decode_reseal, encode_resealed
from keystead.core.records import KeyChange, KeyRecord, TokenChange
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import Refusal
from keystead.identifiers import DomainKeyId
from keystead.primitives.digest import sha256


class Resealing:
    """Does what frames of records ask. Owned by the event loop; a frame is done in one turn of it."""

    def __init__(self, vault: DomainVault) -> None:
        """Take the vault, which alone opens and seals."""
        self._vault = vault
        self._served = 0

    def work(self, content: Buffer, served: int) -> bytearray:
        """Return the content of the response to a frame of records; raises FormatError, NoDomain.

        ``served`` is how many items of customers' work the module has done since its start.
        """
        newest = self._vault.newest
        outcomes = tuple([self._outcome(one, newest) for one in decode_reseal(content).records])
        meanwhile, self._served = served - self._served, served
        return bytearray(encode_resealed(outcomes, meanwhile))

    def _outcome(self, resting: RestingKey, newest: DomainKeyId) -> ResealedKey:
        """Return what became of one record; a bad one fails alone."""
        try:
            return self._resealed(resting, newest)
        except Refusal as refusal:
            return ResealedKey(refused=refusal.number)

    def _resealed(self, resting: RestingKey, newest: DomainKeyId) -> ResealedKey:
        record = KeyRecord(resting.head, resting.tokens, {})
        key = open_record(self._vault.open_head(resting.head), record)
        head = key.head
        # Every token is asked for, so that none is forgotten: without it the key would be lost with the old domain key.
        elsewhere = [one for one in head.versions if named_domain_key(key.token(one.number)) != newest]
        tokens = () if head.shredded else self._tokens(key, elsewhere)
        left_behind = bool(head.shredded and elsewhere)
        if not tokens and named_domain_key(resting.head) == newest:
            return ResealedKey(left_behind=left_behind)
        sealed = self._vault.seal_head(encode(_naming(head, tokens)))
        replaces = sha256(resting.head)
        change = KeyChange(head.key_id, head.account, head.region, replaces, sealed.head, sealed.domain_key, tokens)
        return ResealedKey(change, left_behind)

    def _tokens(self, key: OpenedKey, versions: list[KeyVersion]) -> tuple[TokenChange, ...]:
        return tuple([self._vault.reseal_token(key, version.number) for version in versions])


def _naming(head: KeyHead, tokens: tuple[TokenChange, ...]) -> KeyHead:
    """Return the head with the digests of its new tokens. Nothing else changes, the generation neither."""
    if not tokens:
        return head
    digests = {token.version: sha256(token.token) for token in tokens}
    return replace(
        head,
        versions=tuple(
            [replace(one, token=digests.get(one.number, one.token)) for one in head.versions],
        ),
    )
