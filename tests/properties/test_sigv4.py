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
    SigV4Auth(Credentials("AKIAEXAMPLEEXAMPLE22", secret, token), "kms", REGION).add_auth(request)
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
