"""Vectors of ``spec/operator-key-token.md``."""

from keystead.core.tokens.envelope import Envelope, SealedClass
from keystead.core.tokens.operator_key_token import SessionClaims, binding, content
from keystead.identifiers import DomainId, DomainKeyId, OperatorId
from keystead.primitives.sealing import seal
from tools.sealed_vectors import Vector, replaced, sealed_vectors, seeded

_DOMAIN_KEY = seeded("operator key token domain key", 32)
_DOMAIN_KEY_ID = DomainKeyId(seeded("operator key token domain key id", 16))
_DOMAIN = DomainId(seeded("operator key token domain", 32))
_SESSION_KEY = seeded("session key", 32)
_CLAIMS = SessionClaims(OperatorId(seeded("operator", 16)), 1_790_000_000_000, 1_790_000_600_000)
_SHORTEST = 2 + 16 + 16 + 48


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    packed = bytes(content(_SESSION_KEY, _CLAIMS))
    good = _vector("ok", packed)
    token = bytes.fromhex(good["token"])
    parts = {"id of the domain key": 2, "nonce": 18, "session key": 40, "claims": 70, "tag": -33, "commitment": -1}
    return [
        *sealed_vectors(good, "token", _SHORTEST, parts),
        good | {"name": "other domain key", "outcome": "SealError", "domain_key": seeded("other", 32).hex()},
        good | {"name": "other domain", "outcome": "SealError", "domain": bytes(32).hex()},
        good
        | {"name": "relabelled as a key token", "outcome": "FormatError", "token": replaced(token, 1, b"\x02").hex()},
        _vector("no claims", packed[:32], "FormatError"),
        _vector("claims truncated", packed[:-1], "FormatError"),
        _vector("a byte after the claims", packed + b"\x00", "FormatError"),
        _vector("claims with an element more", _SESSION_KEY + b"\x94" + packed[33:] + b"\x00", "FormatError"),
        _vector("claims with a shorter operator id", _SESSION_KEY + b"\x93\xc4\x01\x00\x00\x00", "FormatError"),
    ]


def _vector(name: str, packed: bytes, outcome: str = "ok") -> Vector:
    nonce = seeded("operator key token nonce", 16)
    aad = Envelope(SealedClass.OPERATOR_KEY_TOKEN, _DOMAIN_KEY_ID, nonce, b"").aad(binding(_DOMAIN))
    sealed = seal(_DOMAIN_KEY, SealedClass.OPERATOR_KEY_TOKEN.label, nonce, packed, aad)
    return {
        "name": name,
        "outcome": outcome,
        "domain_key": _DOMAIN_KEY.hex(),
        "domain_key_id": _DOMAIN_KEY_ID.hex(),
        "domain": _DOMAIN.hex(),
        "token": Envelope(SealedClass.OPERATOR_KEY_TOKEN, _DOMAIN_KEY_ID, nonce, sealed).encode().hex(),
        "session_key": _SESSION_KEY.hex(),
        "operator": _CLAIMS.operator.hex(),
        "issued": _CLAIMS.issued,
        "expires": _CLAIMS.expires,
    }
