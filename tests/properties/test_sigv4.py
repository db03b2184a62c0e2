"""Signature Version 4 against botocore's signer, and against anything at all."""

import hashlib
import string
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.core.protocols.sigv4.canonical import signing_key
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.core.protocols.sigv4.verification import claimed, verify
from keystead.errors import ServiceError

REGION = "eu-central-1"
ACCESS_KEY = "AKIAEXAMPLEEXAMPLE22"
names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10).map(lambda name: f"x-amz-meta-{name}")
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E) | st.just(" "), max_size=30)
extra_headers = st.dictionaries(names, values, max_size=4)
secrets = st.text(string.ascii_letters + string.digits + "/+", min_size=40, max_size=40)
tokens = st.none() | st.text(string.ascii_letters + "/+=", min_size=1, max_size=60)


requests = given(body=st.binary(max_size=200), extra=extra_headers, secret=secrets, token=tokens)


@requests
def test_what_botocore_signs_verifies(body: bytes, extra: dict[str, str], secret: str, token: str | None) -> None:
    """Any request that botocore signs is accepted, and is refused once a byte of its body has changed."""
    check(body, extra, secret, token)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=10_000, deadline=None)
@requests
def test_ten_thousand_times(body: bytes, extra: dict[str, str], secret: str, token: str | None) -> None:
    """The same, for ten thousand requests."""
    check(body, extra, secret, token)


def check(body: bytes, extra: dict[str, str], secret: str, token: str | None) -> None:
    """Sign with botocore, verify with ours; then change the body."""
    request = AWSRequest(
        method="POST",
        url="https://kms.eu-central-1.example/",
        data=body,
        headers={"Host": "kms.eu-central-1.example", "X-Amz-Target": "TrentService.Decrypt", **extra},
    )
    SigV4Auth(Credentials(ACCESS_KEY, secret, token), "kms", REGION).add_auth(request)
    headers = tuple((name.lower().encode(), str(value).encode("latin-1")) for name, value in request.headers.items())
    text = dict(headers)[b"x-amz-date"].decode()
    now = int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 1000

    claim = claimed(SignedRequest("POST", "/", "", headers, hashlib.sha256(body).digest()), frozenset({REGION}), now)
    key = signing_key(secret.encode(), claim.authorization.date, REGION, "kms")
    verify(claim, key)
    assert claim.action == "Decrypt"

    other = SignedRequest("POST", "/", "", headers, hashlib.sha256(body + b"\x00").digest())
    with pytest.raises(ServiceError):
        verify(claimed(other, frozenset({REGION}), now), key)


PRINTED = string.ascii_letters + string.digits + string.punctuation
Headers = list[tuple[bytes, bytes]]


def a_changed_byte(headers: Headers, data: st.DataObject) -> None:
    """Put another printed character for one of a name or a value."""
    place = data.draw(st.integers(0, len(headers) - 1))
    part = data.draw(st.integers(0, 1))
    text = bytearray(headers[place][part])
    at = data.draw(st.sampled_from([at for at, byte in enumerate(text) if byte != ord(" ")]))
    text[at] = ord(data.draw(st.sampled_from(PRINTED.replace(chr(text[at]), ""))))
    changed = [*headers[place]]
    changed[part] = bytes(text)
    headers[place] = (changed[0], changed[1])


def a_removed_header(headers: Headers, data: st.DataObject) -> None:
    """Leave a header out."""
    del headers[data.draw(st.integers(0, len(headers) - 1))]


def a_repeated_header(headers: Headers, data: st.DataObject) -> None:
    """Send a header twice."""
    headers.insert(data.draw(st.integers(0, len(headers))), data.draw(st.sampled_from(headers)))


def exchanged_values(headers: Headers, data: st.DataObject) -> None:
    """Exchange the values of two headers."""
    one, other = data.draw(st.permutations(range(len(headers))))[:2]
    headers[one], headers[other] = (headers[one][0], headers[other][1]), (headers[other][0], headers[one][1])


def a_cut_value(headers: Headers, data: st.DataObject) -> None:
    """Cut a value short."""
    place = data.draw(st.integers(0, len(headers) - 1))
    name, value = headers[place]
    headers[place] = (name, value[: data.draw(st.integers(0, len(value) - 1))])


MUTATIONS = (a_changed_byte, a_removed_header, a_repeated_header, exchanged_values, a_cut_value)
mutated = given(target=st.sampled_from(["Decrypt", "Encrypt", "ListKeys"]), body=st.binary(max_size=20), data=st.data())


@mutated
def test_a_mutation_is_never_accepted(target: str, body: bytes, data: st.DataObject) -> None:
    """A signed request of which one header was changed is refused with an error of the service."""
    check_mutation(target, body, data)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=20_000, deadline=None)
@mutated
def test_twenty_thousand_mutations(target: str, body: bytes, data: st.DataObject) -> None:
    """The same, for twenty thousand mutations."""
    check_mutation(target, body, data)


def check_mutation(target: str, body: bytes, data: st.DataObject) -> None:
    """Sign with botocore, change the headers in one way, and verify."""
    request = AWSRequest(
        method="POST",
        url="https://kms.eu-central-1.example/",
        data=body,
        headers={"Host": "kms.eu-central-1.example", "X-Amz-Target": f"TrentService.{target}"},
    )
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    SigV4Auth(Credentials(ACCESS_KEY, secret), "kms", REGION).add_auth(request)
    headers = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in request.headers.items()]
    text = dict(headers)[b"x-amz-date"].decode()
    now = int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 1000
    data.draw(st.sampled_from(MUTATIONS))(headers, data)
    received = SignedRequest("POST", "/", "", tuple(headers), hashlib.sha256(body).digest())
    with pytest.raises(ServiceError):
        judge(received, secret, now)


def judge(request: SignedRequest, secret: str, now: int) -> None:
    """Verify a request as who knows one access key alone."""
    claim = claimed(request, frozenset({REGION}), now)
    if claim.authorization.access_key_id != ACCESS_KEY:
        raise ServiceError("UnrecognizedClientException")
    verify(claim, signing_key(secret.encode(), claim.authorization.date, REGION, "kms"))


header_lists = st.lists(
    st.tuples(
        st.sampled_from([b"authorization", b"host", b"x-amz-date", b"x-amz-target", b"date"]) | st.binary(max_size=8),
        st.binary(max_size=80)
        | st.builds(
            lambda scope, signed, signature: (
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={signature}".encode()
            ),
            st.text(string.printable, max_size=40),
            st.text(string.printable, max_size=20),
            st.text("0123456789abcdefABCDEF", max_size=70),
        ),
    ),
    max_size=6,
)


@given(headers=header_lists, query=st.text(max_size=20), now=st.integers(0, 10**14))
def test_anything_else_is_a_typed_refusal(headers: list[tuple[bytes, bytes]], query: str, now: int) -> None:
    """Whatever the headers are, only an error of the service comes out."""
    request = SignedRequest("POST", "/", query, tuple(headers), bytes(32))
    with pytest.raises(ServiceError):
        verify(claimed(request, frozenset({REGION}), now), signing_key(b"x", "20261124", REGION, "kms"))
