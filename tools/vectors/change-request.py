"""Vectors of ``spec/change-request.md``, judged against version 0 of a domain of three who govern."""

from typing import Any

import cbor2

from keystead.core.domain import change_request, genesis
from keystead.core.domain.change_request import (
    AddDomainKey,
    ApprovedRequest,
    ChangeRequest,
    OperatorSignature,
    RemoveOperator,
)
from keystead.core.domain.quorum import KOfOperators, RequestKind, RoutineRule, Rules
from keystead.core.domain.state import Member, Operator, Permission
from keystead.identifiers import OperatorId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.signatures import IdentityKey
from tools.sealed_vectors import Vector, flipped, seeded

_NOW = 1_790_000_000_000
_NAMES = ("ada", "ben", "cleo", "front-end", "stranger")


class _Seeded:
    """Dice that always fall as their name says."""

    def __init__(self, name: str) -> None:
        self._name = name

    def fill(self, buffer: bytearray | memoryview) -> None:
        buffer[:] = seeded(self._name, len(buffer))


_KEYS = {name: OperatorKey.generate(_Seeded(name), name) for name in _NAMES}
_OPERATORS = {
    name: Operator.of(name, key.public, frozenset({Permission.SERVE if name == "front-end" else Permission.GOVERN}))
    for name, key in _KEYS.items()
}
_GOVERNORS = tuple(sorted(_OPERATORS[name].id for name in ("ada", "ben", "cleo")))
_BODY = genesis.body(
    nonce=seeded("change request genesis", 32),
    created=_NOW,
    members=[
        Member.of(
            "module-1",
            IdentityKey.generate(_Seeded("identity")).public,
            RecipientKey.generate(_Seeded("sealing")).public,
        )
    ],
    operators=[_OPERATORS[name] for name in ("ada", "ben", "cleo", "front-end")],
    rules=Rules(KOfOperators(2, _GOVERNORS), (RoutineRule(RequestKind.ADD_DOMAIN_KEY, KOfOperators(1, _GOVERNORS)),)),
)
_DOMAIN = genesis.domain_id(_BODY)


def generate() -> dict[str, Any]:
    """Return the genesis body, and one vector for each way of being right or wrong."""
    request = _request()
    governed = _request(change=RemoveOperator(_OPERATORS["front-end"].id))
    return {
        "genesis_body": _BODY.hex(),
        "now": _NOW,
        "vectors": [
            _vector("ok: one signature for a domain key", "ok", _approved(request, "ada")),
            _vector("ok: two signatures for what the constitution governs", "ok", _approved(governed, "ada", "ben")),
            _vector("ok: at its expiry", "ok", _approved(_request(expires=_NOW), "cleo")),
            _vector("ok: a duplicate counts once", "ok", _approved(request, "ada", "ada")),
            _vector("no signature", "QuorumNotMet", _approved(request)),
            _vector("one signature where two are needed", "QuorumNotMet", _approved(governed, "ada")),
            _vector("two signatures of one operator", "QuorumNotMet", _approved(governed, "ada", "ada")),
            _vector(
                "a stranger's signature beside enough others", "UnknownOperator", _approved(request, "ada", "stranger")
            ),
            _vector("signed by who may not govern", "NotPermitted", _approved(request, "front-end")),
            _vector("expired", "RequestExpired", _approved(_request(expires=_NOW - 1), "ada")),
            _vector("for another domain", "WrongDomain", _approved(_request(domain=bytes(32)), "ada")),
            _vector("for another predecessor", "WrongPredecessor", _approved(_request(predecessor=bytes(32)), "ada")),
            _vector("signature under another id", "SignatureError", _under_id(request, "ada", _OPERATORS["ben"].id)),
            _vector("signature in another namespace", "SignatureError", _in_namespace(request, "file")),
            _vector("flipped bit in the signature", "SignatureError", _edited_signature(request, -1)),
            _vector("flipped bit in the request", "SignatureError", _edited(request, len(request) - 1)),
            _vector("request truncated", "FormatError", _approved(request[:-1], "ada")),
            _vector("a byte after the request", "FormatError", _approved(request + b"\x00", "ada")),
            _vector("next version", "FormatError", _approved(_as_plain(request, 1, 2), "ada")),
            _vector("other purpose", "FormatError", _approved(_as_plain(request, 0, genesis.NAMESPACE), "ada")),
            _vector("a field more", "FormatError", _approved(_with_more(request), "ada")),
            _vector("an unknown kind of change", "FormatError", _approved(_as_plain(request, 4, [99]), "ada")),
            _vector("an array of indefinite length", "FormatError", _approved(b"\x9f" + request[1:] + b"\xff", "ada")),
            _vector("a number longer than it needs to be", "FormatError", _approved(_long_version(request), "ada")),
        ],
    }


def _request(**changed: object) -> bytes:
    fields: dict[str, Any] = {
        "domain": _DOMAIN,
        "predecessor": _DOMAIN,
        "change": AddDomainKey(),
        "expires": _NOW + 3_600_000,
        "nonce": seeded("change request nonce", 16),
    }
    return change_request.CODEC.encode(ChangeRequest(**fields | changed))


def _vector(name: str, outcome: str, approved: ApprovedRequest) -> Vector:
    return {"name": name, "outcome": outcome, "approved": change_request.APPROVED_CODEC.encode(approved).hex()}


def _approved(request: bytes, *names: str) -> ApprovedRequest:
    return ApprovedRequest(
        request, tuple(change_request.sign(request, _OPERATORS[name].id, _KEYS[name]) for name in names)
    )


def _under_id(request: bytes, name: str, operator: OperatorId) -> ApprovedRequest:
    return ApprovedRequest(request, (change_request.sign(request, operator, _KEYS[name]),))


def _in_namespace(request: bytes, namespace: str) -> ApprovedRequest:
    return ApprovedRequest(request, (OperatorSignature(_OPERATORS["ada"].id, _KEYS["ada"].sign(namespace, request)),))


def _edited_signature(request: bytes, position: int) -> ApprovedRequest:
    signature = _KEYS["ada"].sign(change_request.NAMESPACE, request)
    return ApprovedRequest(request, (OperatorSignature(_OPERATORS["ada"].id, flipped(signature, position)),))


def _edited(request: bytes, position: int) -> ApprovedRequest:
    return ApprovedRequest(flipped(request, position), _approved(request, "ada").signatures)


def _as_plain(request: bytes, place: int, value: object) -> bytes:
    plain = cbor2.loads(request)
    plain[place] = value
    return cbor2.dumps(plain, canonical=True)


def _with_more(request: bytes) -> bytes:
    return cbor2.dumps([*cbor2.loads(request), 0], canonical=True)


def _long_version(request: bytes) -> bytes:
    start = 1 + len(cbor2.dumps(change_request.PURPOSE))
    return request[:start] + b"\x18\x01" + request[start + 1 :]
