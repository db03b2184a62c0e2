"""Judges requests: is the signature the customer's, and if so, what proof of it travels on (paragraphs 49 and 54)."""

from dataclasses import dataclass
from typing import Final

from keystead.components.authentication_service.credentials import Credential, CredentialReader
from keystead.core.ports import Randomness
from keystead.core.protocols.authentication import Authenticated, Denied, Request
from keystead.core.protocols.proof import LIFETIME, Claims, Prover
from keystead.core.protocols.sigv4.authorization import Authorization, unrecognized
from keystead.core.protocols.sigv4.canonical import signing_key
from keystead.core.protocols.sigv4.verification import Claimed, claimed, verify
from keystead.errors import ServiceError, SignatureError
from keystead.identifiers import OperatorId, Region
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import same, sha256

_PROOF_ID_SIZE: Final = 16
_SIGNING_KEYS: Final = 4_096
"""Signing keys kept; each is good for one access key, day and region."""
_USER_AGENT_LIMIT: Final = 512


@dataclass(frozen=True, slots=True)
class Voucher:
    """What proofs are made with now: the prover, and the operator key token by which modules derive its proof key."""

    prover: Prover
    token: bytes


class Judge:
    """Judges requests with the credentials it was given. The caches are owned by the thread that calls ``judge``."""

    def __init__(self, credentials: CredentialReader, regions: frozenset[Region], randomness: Randomness) -> None:
        """Take what every judgement needs."""
        self._credentials = credentials
        self._regions: frozenset[str] = frozenset(regions)
        self._randomness = randomness
        self._keys: dict[tuple[str, str, str], Mac] = {}

    def judge(self, request: Request, audience: OperatorId, voucher: Voucher, now: int) -> Authenticated | Denied:
        """Return the verdict on one request of the front end ``audience``; ``now`` is in milliseconds."""
        try:
            claim = claimed(request.signed, self._regions, now)
            credential = self._credential(claim, now)
            verify(claim, self._signing_key(credential, claim.authorization))
            claims = self._claims(claim, credential, request, audience, now)
        except ServiceError as error:
            return Denied(error.code, error.message)
        return Authenticated(voucher.prover.prove(claims), credential.account, claims.region)

    def _credential(self, claim: Claimed, now: int) -> Credential:
        credential = self._credentials.find(claim.authorization.access_key_id)
        if credential is None:
            raise unrecognized()
        token = claim.session_token
        if (token is None) != (credential.session_token_digest is None):
            raise unrecognized()
        if token is not None and credential.session_token_digest is not None:
            try:
                same(sha256(token.encode("latin-1")), credential.session_token_digest)
            except SignatureError:
                raise unrecognized() from None
        if credential.expires is not None and credential.expires <= now:
            raise ServiceError("ExpiredTokenException", "The security token included in the request is expired")
        return credential

    def _signing_key(self, credential: Credential, authorization: Authorization) -> Mac:
        scope = (authorization.access_key_id, authorization.date, authorization.region)
        key = self._keys.get(scope)
        if key is None:
            if len(self._keys) >= _SIGNING_KEYS:
                self._keys.clear()
            secret = bytes(credential.secret.view)
            key = signing_key(secret, authorization.date, authorization.region, authorization.service)
            self._keys[scope] = key
        return key

    def _claims(
        self, claim: Claimed, credential: Credential, request: Request, audience: OperatorId, now: int
    ) -> Claims:
        action = claim.action
        if not action:
            raise ServiceError("UnknownOperationException")
        context = {"aws:securetransport": "true" if request.secure else "false"}
        if request.source:
            context["aws:sourceip"] = request.source
        agent = claim.values.get("user-agent")
        if agent:
            context["aws:useragent"] = agent[:_USER_AGENT_LIMIT]
        return Claims(
            id=self._randomness.token(_PROOF_ID_SIZE),
            principal=credential.principal,
            account=credential.account,
            region=claim.authorization.region,
            action=action,
            body=request.signed.body_digest,
            audience=audience,
            issued=now,
            expires=now + LIFETIME,
            context=context,
        )
