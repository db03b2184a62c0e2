"""Every format of tokens: what is written is read back, and what is read has one form."""

import contextlib
from collections.abc import Callable

import cbor2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.core.domain import change_request, domain_token, genesis, promise, succession
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.domain.document import DocumentCodec
from keystead.core.domain.promise import Promise
from keystead.core.domain.quorum import KOfOperators, KOfRules, Rule, Rules, check_rules, require
from keystead.core.protocols import coordination
from keystead.core.tokens import ciphertext_blob, key_token, operator_key_token
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.core.tokens.envelope import Envelope, SealedClass, bound
from keystead.core.tokens.operator_key_token import SessionClaims, claims_of, content
from keystead.errors import FormatError, QuorumNotMet, Refusal, UnsatisfiableRule
from keystead.identifiers import AccountId, DomainKeyId, KeyId, OperatorId, Region
from tests.simulators.parties import NOW, Parties, k_of, person

ADA = person("ada")
PARTIES = Parties([ADA], ["module-1"], Rules(k_of(1, ADA)))
REQUEST = PARTIES.request(AddDomainKey())
TOKEN = PARTIES.token(REQUEST, ADA)
PROMISE = promise.CODEC.encode(Promise(bytes(32), bytes(32), bytes(32), bytes(16), b"signature"))
DOCUMENTS: dict[str, tuple[bytes, DocumentCodec[msgspec.Struct]]] = {
    "genesis": (PARTIES.genesis, genesis.CODEC),  # type: ignore[dict-item]
    "genesis body": (genesis.CODEC.decode(PARTIES.genesis).body, genesis.BODY_CODEC),  # type: ignore[dict-item]
    "change request": (REQUEST, change_request.CODEC),  # type: ignore[dict-item]
    "domain token": (TOKEN, domain_token.CODEC),  # type: ignore[dict-item]
    "domain token body": (domain_token.CODEC.decode(TOKEN).body, domain_token.BODY_CODEC),  # type: ignore[dict-item]
    "promise": (PROMISE, promise.CODEC),  # type: ignore[dict-item]
}
Bytes16 = st.binary(min_size=16, max_size=16)
UUIDS = st.uuids().map(str)
KEY_IDS = st.one_of(UUIDS, UUIDS.map(lambda one: "mrk-" + one.replace("-", ""))).map(KeyId)
CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)
SEALED = st.binary(min_size=48, max_size=80)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.binary(max_size=40)
    | st.text(max_size=8)
    | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 9) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_read_back_as_it_was_written(name: str) -> None:
    """Reading and writing again gives the very bytes."""
    encoded, codec = DOCUMENTS[name]
    assert codec.encode(codec.decode(encoded)) == encoded


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(deadline=None)
@given(data=st.data())
def test_a_document_has_one_encoding(name: str, data: st.DataObject) -> None:
    """Whatever is done to the bytes of a document, they are refused, or they are again exactly what is written."""
    encoded, codec = DOCUMENTS[name]
    start = data.draw(st.integers(0, len(encoded)))
    end = data.draw(st.integers(start, min(len(encoded), start + 8)))
    changed = encoded[:start] + data.draw(st.binary(max_size=8)) + encoded[end:]
    _refused_or_alike(changed, codec)


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(deadline=None)
@given(plain=st.lists(PLAIN, max_size=6), canonical=st.booleans())
def test_foreign_documents_are_refused(name: str, plain: list[object], canonical: bool) -> None:  # noqa: FBT001
    """Any CBOR behind the right purpose and version is read strictly, never with another error than FormatError."""
    encoded, codec = DOCUMENTS[name]
    head = cbor2.loads(encoded)[:2]
    _refused_or_alike(cbor2.dumps([*head, *plain], canonical=canonical), codec)


@pytest.mark.parametrize("name", DOCUMENTS)
@given(garbage=st.binary(max_size=200))
def test_garbage_is_no_document(name: str, garbage: bytes) -> None:
    """Bytes of any kind are refused."""
    with pytest.raises(FormatError):
        DOCUMENTS[name][1].decode(garbage)


@pytest.mark.parametrize(
    "tag", [0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 43, 100, 256, 258, 260, 261, 1004, 43000, 55799]
)
@given(inner=PLAIN)
def test_tags_of_cbor_are_refused(tag: int, inner: object) -> None:
    """No tag makes the decoder build anything that gets through, or fail in another way."""
    with pytest.raises(FormatError):
        change_request.CODEC.decode(cbor2.dumps(["keystead change request", 1, cbor2.CBORTag(tag, inner)]))


def test_a_document_that_is_too_long_or_too_deep_is_refused() -> None:
    """Neither costs more than looking at it."""
    for encoded in (bytes(5_000_000), b"\x81" * 100_000 + b"\x00"):
        with pytest.raises(FormatError):
            change_request.CODEC.decode(encoded)


@settings(deadline=None)
@given(start=st.integers(0, len(TOKEN) - 1), put=st.binary(min_size=1, max_size=4))
def test_an_edited_token_is_refused_with_a_typed_error(start: int, put: bytes) -> None:
    """Who judges a token raises nothing but a Refusal, and accepts nothing but the very token."""
    changed = TOKEN[:start] + put + TOKEN[start + len(put) :]
    try:
        successor = succession.accept(PARTIES.state, PARTIES.hash, changed, NOW)
    except Refusal:
        assert changed != TOKEN
    else:
        assert successor.encoded == TOKEN


@given(key_id=KEY_IDS, version=st.integers(1, 2**32 - 1), nonce=Bytes16, sealed=SEALED)
def test_a_blob_is_read_back(key_id: KeyId, version: int, nonce: bytes, sealed: bytes) -> None:
    """Every key id, version, nonce and sealed content comes back."""
    blob = CiphertextBlob(key_id, version, nonce, sealed)
    assert CiphertextBlob.decode(blob.encode()) == blob


@given(st.binary(max_size=120) | st.binary(min_size=86, max_size=120).map(lambda rest: b"\x01" + rest))
def test_any_bytes_are_a_blob_in_one_way_or_none(garbage: bytes) -> None:
    """What is read as a blob is written as the same bytes."""
    with contextlib.suppress(FormatError):
        assert CiphertextBlob.decode(garbage).encode() == garbage


@given(one=CONTEXTS, other=CONTEXTS)
def test_no_two_encryption_contexts_are_bound_alike(one: dict[str, str], other: dict[str, str]) -> None:
    """Equal bytes mean equal contexts; the order in which pairs were given means nothing."""
    key_id = KeyId("00000000-0000-0000-0000-000000000000")
    bindings = [ciphertext_blob.binding(key_id, 1, context) for context in (one, other)]
    assert (bindings[0] == bindings[1]) == (one == other)
    assert ciphertext_blob.binding(key_id, 1, dict(reversed(one.items()))) == bindings[0]


@given(one=st.lists(st.binary(max_size=6), max_size=4), other=st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_of_fields_are_bound_alike(one: list[bytes], other: list[bytes]) -> None:
    """Fields cannot run into one another."""
    assert (bound(*one) == bound(*other)) == (one == other)


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4)), min_size=2, max_size=2))
def test_no_two_keys_are_bound_alike(keys: list[tuple[str, str, str]]) -> None:
    """Account, region, key, version and usage each count."""
    bindings = [key_token.binding(AccountId(a), Region(b), KeyId(c), 1, "ENCRYPT_DECRYPT") for a, b, c in keys]
    assert (bindings[0] == bindings[1]) == (keys[0] == keys[1])
    for version, usage in ((2, "ENCRYPT_DECRYPT"), (1, "SIGN_VERIFY")):
        account, region, key_id = keys[0]
        assert key_token.binding(AccountId(account), Region(region), KeyId(key_id), version, usage) != bindings[0]


@given(sealed_class=st.sampled_from(SealedClass), domain_key=Bytes16.map(DomainKeyId), nonce=Bytes16, sealed=SEALED)
def test_an_envelope_is_read_back_as_its_own_class_alone(
    sealed_class: SealedClass, domain_key: DomainKeyId, nonce: bytes, sealed: bytes
) -> None:
    """Each class is read as what it is and refused as every other."""
    envelope = Envelope(sealed_class, domain_key, nonce, sealed)
    for expected in SealedClass:
        if expected is sealed_class:
            assert Envelope.decode(envelope.encode(), expected) == envelope
        else:
            with pytest.raises(FormatError):
                Envelope.decode(envelope.encode(), expected)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_envelope_in_one_way_or_none(garbage: bytes) -> None:
    """What is read as an envelope is written as the same bytes."""
    for changed in (garbage, b"\x01\x02" + garbage):
        with contextlib.suppress(FormatError):
            assert Envelope.decode(changed, SealedClass.KEY_TOKEN).encode() == changed


@given(
    session_key=st.binary(min_size=32, max_size=32), operator=Bytes16, times=st.tuples(*[st.integers(0, 2**53 - 1)] * 2)
)
def test_an_operator_key_token_is_read_back(session_key: bytes, operator: bytes, times: tuple[int, int]) -> None:
    """The session key stands first, the claims behind it."""
    claims = SessionClaims(OperatorId(operator), *times)
    packed = content(session_key, claims)
    assert (claims_of(packed), bytes(packed[: operator_key_token.SESSION_KEY])) == (claims, session_key)


@given(st.binary(max_size=80))
def test_any_bytes_are_claims_in_one_way_or_none(garbage: bytes) -> None:
    """What is read as the content of an operator key token is written as the same bytes."""
    with contextlib.suppress(FormatError):
        assert content(garbage[:32], claims_of(garbage)) == garbage


@pytest.mark.parametrize("codec", [coordination.REQUESTS, coordination.ANSWERS], ids=["request", "answer"])
@given(garbage=st.binary(max_size=120))
def test_any_bytes_are_a_message_of_the_coordinator_in_one_way_or_none(codec: object, garbage: bytes) -> None:
    """What is read is written as the same bytes."""
    with contextlib.suppress(FormatError):
        assert codec.encode(codec.decode(garbage)) == garbage  # type: ignore[attr-defined]


OPERATORS = st.lists(st.integers(0, 7), unique=True, max_size=5).map(
    lambda chosen: tuple(OperatorId(bytes([one]) * 16) for one in sorted(chosen))
)
COUNTS = st.integers(1, 4)
RULES: st.SearchStrategy[Rule] = st.recursive(
    st.builds(KOfOperators, COUNTS, OPERATORS),
    lambda inner: st.builds(KOfRules, COUNTS, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=4,
)
EVERYONE = frozenset(OperatorId(bytes([one]) * 16) for one in range(8))


@given(rule=RULES)
def test_a_rule_that_is_accepted_can_be_met(rule: Rule) -> None:
    """Everyone together satisfies each rule that may stand in a domain, and nobody satisfies none."""
    try:
        check_rules(Rules(rule), EVERYONE)
    except UnsatisfiableRule:
        return
    require(rule, EVERYONE)
    with pytest.raises(QuorumNotMet):
        require(rule, frozenset())


def _refused_or_alike(changed: bytes, codec: DocumentCodec[msgspec.Struct]) -> None:
    decode: Callable[[bytes], msgspec.Struct] = codec.decode
    try:
        value = decode(changed)
    except FormatError:
        return
    assert codec.encode(value) == changed
