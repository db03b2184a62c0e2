"""Proofs: what one proves, and each way of it being wrong, one condition falsified at a time."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.protocols.proof import LIFETIME, SKEW, Claims, Prover, proof_key, verify
from keystead.errors import FormatError, ProofExpired, ProofForged, Refusal, WrongAudience, WrongBody
from keystead.identifiers import OperatorId
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import sha256

NOW = 1_700_000_000_000
BODY = b'{"KeyId":"alias/app"}'
AUDIENCE = OperatorId(b"front end 1     ")
KEY = bytes(range(32))
MAC = Mac(KEY)
CLAIMS = Claims(
    id=bytes(16),
    principal="arn:aws:iam::123456789012:root",
    account="123456789012",
    region="eu-west-1",
    action="Encrypt",
    body=sha256(BODY),
    audience=AUDIENCE,
    issued=NOW,
    expires=NOW + LIFETIME,
    context={"aws:sourceip": "127.0.0.1"},
)
PROOF = Prover(KEY).prove(CLAIMS)


def signed(stated: bytes) -> bytes:
    """Return what a voucher would have authenticated, whatever its form."""
    return stated + MAC.tag(stated)


def changed(**fields: object) -> bytes:
    """Return a proof with other claims."""
    return Prover(KEY).prove(msgspec.structs.replace(CLAIMS, **fields))


@pytest.mark.requirement("FIG2-08", "FIG2-10", "FIG3-03")
def test_a_proof_proves_its_claims() -> None:
    """With nothing but the proof key, a verifier gets the claims about this very body."""
    assert verify(MAC, PROOF, AUDIENCE, BODY, NOW) == CLAIMS


@pytest.mark.requirement("FIG3-08")
def test_a_proof_of_another_key_is_forged() -> None:
    """Who has not the proof key makes no proof."""
    with pytest.raises(ProofForged):
        verify(MAC, Prover(bytes(32)).prove(CLAIMS), AUDIENCE, BODY, NOW)


@pytest.mark.requirement("FIG2-09", "FIG2-11")
@pytest.mark.parametrize("now", [NOW + LIFETIME, NOW + 10 * LIFETIME, NOW - SKEW - 1])
def test_a_stale_proof_is_refused(now: int) -> None:
    """From its expiry on, and too long before its issue, a proof proves nothing."""
    with pytest.raises(ProofExpired):
        verify(MAC, PROOF, AUDIENCE, BODY, now)


@pytest.mark.parametrize("now", [NOW + LIFETIME - 1, NOW - SKEW])
def test_a_proof_is_good_to_its_last_millisecond(now: int) -> None:
    """The limits themselves are inside."""
    assert verify(MAC, PROOF, AUDIENCE, BODY, now) == CLAIMS


def test_a_proof_with_a_long_life_is_refused() -> None:
    """A voucher cannot make proofs that live longer than the protocol has them."""
    with pytest.raises(ProofExpired):
        verify(MAC, changed(expires=NOW + LIFETIME + 1), AUDIENCE, BODY, NOW)


def test_a_proof_for_another_audience_is_refused() -> None:
    """A front end cannot use what another was given."""
    with pytest.raises(WrongAudience):
        verify(MAC, PROOF, OperatorId(b"front end 2     "), BODY, NOW)


@pytest.mark.requirement("FIG2-11")
@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], BODY.replace(b"app", b"top")])
def test_a_proof_of_another_body_is_refused(body: bytes) -> None:
    """The body is the very one that the customer signed."""
    with pytest.raises(WrongBody):
        verify(MAC, PROOF, AUDIENCE, body, NOW)


@pytest.mark.parametrize(
    "stated",
    [
        b"",
        b"\x01",
        b"\x02" + PROOF[1:-32],
        PROOF[:-32] + b"\x00",
        PROOF[:-33],
        b"\x01" + msgspec.msgpack.encode([*msgspec.structs.astuple(CLAIMS), "more"]),
        b"\x01" + msgspec.msgpack.encode(msgspec.structs.asdict(CLAIMS)),
        b"\x01" + msgspec.msgpack.encode([bytes(15), *msgspec.structs.astuple(CLAIMS)[1:]]),
        b"\x01" + msgspec.msgpack.encode([*msgspec.structs.astuple(CLAIMS)[:-1], [b"link"]]),
    ],
    ids=["empty", "bare version", "other version", "trailing", "truncated", "more", "map", "short id", "chain"],
)
def test_an_authentic_proof_of_another_form_is_refused(stated: bytes) -> None:
    """Even what the voucher authenticated must have the one form of this version."""
    with pytest.raises(FormatError):
        verify(MAC, signed(stated), AUDIENCE, BODY, NOW)


@given(st.integers(0, len(PROOF) * 8 - 1))
def test_a_flipped_bit_is_forged(bit: int) -> None:
    """No bit of a proof can be changed."""
    forged = bytearray(PROOF)
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofForged):
        verify(MAC, bytes(forged), AUDIENCE, BODY, NOW)


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    """Bytes that are no proof give ProofForged; with a true MAC, a FormatError."""
    with pytest.raises(ProofForged):
        verify(MAC, garbage, AUDIENCE, BODY, NOW)
    with pytest.raises(Refusal):
        verify(MAC, signed(garbage), AUDIENCE, BODY, NOW)


def test_a_proof_key_follows_from_the_session_key() -> None:
    """Both ends derive the same key, and it is not the session key."""
    key, again = bytearray(32), bytearray(32)
    proof_key(KEY, key)
    proof_key(KEY, again)
    assert key == again != KEY
