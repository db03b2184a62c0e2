"""Signature Version 4, header form: what is accepted, and each way of being wrong."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.core.protocols.sigv4.canonical import signing_key
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.core.protocols.sigv4.verification import claimed, verify
from keystead.errors import ServiceError

ACCESS_KEY = "AKIAEXAMPLEEXAMPLE22"
SECRET = "an/example+secret/of/forty/characters/xx"
REGIONS = frozenset({"eu-central-1"})
BODY = b'{"KeyId": "alias/one", "Plaintext": "AAAA"}'
TOKEN = "a/session/token=="

Headers = list[tuple[bytes, bytes]]


def signed(
    *,
    body: bytes = BODY,
    token: str | None = None,
    service: str = "kms",
    region: str = "eu-central-1",
    target: str = "TrentService.Encrypt",
) -> Headers:
    """Return the headers of a request that botocore signed now."""
    request = AWSRequest(
        method="POST",
        url="http://127.0.0.1:7600/",
        data=body,
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": target,
            "Host": "127.0.0.1:7600",
        },
    )
    SigV4Auth(Credentials(ACCESS_KEY, SECRET, token), service, region).add_auth(request)
    return [(name.lower().encode(), str(value).encode("latin-1")) for name, value in request.headers.items()]


def request_of(headers: Headers, *, body: bytes = BODY, method: str = "POST", path: str = "/") -> SignedRequest:
    """Return the request as a front end would pass it on."""
    return SignedRequest(method, path, "", tuple(headers), hashlib.sha256(body).digest())


def stamp(headers: Headers) -> int:
    """Return the time of the request in milliseconds."""
    text = dict(headers)[b"x-amz-date"].decode()
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 1000


def judge(request: SignedRequest, now: int, secret: str = SECRET) -> str:
    """Return the action of a request that verifies; raises ServiceError otherwise."""
    claim = claimed(request, REGIONS, now)
    authorization = claim.authorization
    verify(claim, signing_key(secret.encode(), authorization.date, authorization.region, authorization.service))
    return claim.action


def code_of(request: SignedRequest, now: int, secret: str = SECRET) -> str:
    """Return the error's name of a request that must be refused."""
    with pytest.raises(ServiceError) as refused:
        judge(request, now, secret)
    return refused.value.code


def replaced(headers: Headers, name: str, value: str | None) -> Headers:
    """Return the headers with one replaced, or left out."""
    kept = [(key, old) for key, old in headers if key != name.encode()]
    return kept if value is None else [*kept, (name.encode(), value.encode("latin-1"))]


def edited(headers: Headers, name: str, edit: Callable[[str], str]) -> Headers:
    """Return the headers with the value of one edited."""
    return replaced(headers, name, edit(dict(headers)[name.encode()].decode("latin-1")))


@pytest.mark.requirement("ENV-13", "FIG2-07", "FIG3-04")
def test_a_request_signed_by_botocore_is_accepted() -> None:
    """What the reference client signs verifies, and the action is the one of the signed target."""
    headers = signed()
    assert judge(request_of(headers), stamp(headers)) == "Encrypt"


@pytest.mark.parametrize(
    ("target", "action"),
    [
        ("TrentService.Encrypt", "Encrypt"),
        ("Keystead.ShredKey", "Keystead.ShredKey"),
        ("Keystead.Encrypt", "Keystead.Encrypt"),
        ("TrentService.Keystead.ShredKey", ""),
        ("TrentService", ""),
        ("DynamoDB.GetItem", ""),
        ("Encrypt", ""),
    ],
)
def test_an_action_is_named_by_one_target_alone(target: str, action: str) -> None:
    """What stands beside AWS KMS keeps its prefix, and a target of another service names nothing."""
    claim = claimed(request_of(signed(target=target)), REGIONS, stamp(signed()))
    assert claim.action == action


def test_a_session_token_is_signed_too() -> None:
    """A request with a session token verifies with the token among the signed headers."""
    headers = signed(token=TOKEN)
    claim = claimed(request_of(headers), REGIONS, stamp(headers))
    assert claim.session_token == TOKEN
    assert "x-amz-security-token" in claim.authorization.signed_headers
    assert judge(request_of(headers), stamp(headers)) == "Encrypt"


@pytest.mark.requirement("FIG2-11")
@pytest.mark.parametrize(
    ("seconds", "start"),
    [(301, "Signature expired: "), (3600, "Signature expired: "), (-301, "Signature not yet current: ")],
)
def test_a_clock_more_than_five_minutes_off_is_refused(seconds: int, start: str) -> None:
    """Beyond five minutes either way the signature is refused with the times in the message."""
    headers = signed()
    with pytest.raises(ServiceError) as refused:
        judge(request_of(headers), stamp(headers) + seconds * 1000)
    assert refused.value.code == "InvalidSignatureException"
    assert refused.value.message is not None
    assert refused.value.message.startswith(start)
    assert refused.value.message.endswith(" - 5 min.)" if seconds > 0 else " + 5 min.)")


@pytest.mark.parametrize("seconds", [299, 300, 0, -299, -300])
def test_a_clock_up_to_five_minutes_off_is_accepted(seconds: int) -> None:
    """Within five minutes either way the signature holds."""
    headers = signed()
    assert judge(request_of(headers), stamp(headers) + seconds * 1000) == "Encrypt"


@pytest.mark.requirement("FIG2-11", "FIG2-10")
def test_another_secret_is_a_mismatch() -> None:
    """A signature made with another secret is not the one that we calculate."""
    headers = signed()
    assert code_of(request_of(headers), stamp(headers), "another" + SECRET[7:]) == "InvalidSignatureException"


def _without_signed(name: str) -> Callable[[str], str]:
    return lambda value: value.replace(f";{name}", "").replace(f"{name};", "")


MUTATIONS: dict[str, tuple[Callable[[Headers], Headers], str]] = {
    "no Authorization header": (lambda h: replaced(h, "authorization", None), "MissingAuthenticationTokenException"),
    "an empty Authorization header": (lambda h: replaced(h, "authorization", ""), "IncompleteSignatureException"),
    "two Authorization headers": (
        lambda h: [*h, (b"authorization", dict(h)[b"authorization"])],
        "IncompleteSignatureException",
    ),
    "two targets": (
        lambda h: [*h, (b"x-amz-target", b"TrentService.ListKeys")],
        "IncompleteSignatureException",
    ),
    "two hosts": (lambda h: [*h, (b"host", b"elsewhere")], "IncompleteSignatureException"),
    "another algorithm": (
        lambda h: edited(h, "authorization", lambda v: v.replace("SHA256", "SHA512")),
        "IncompleteSignatureException",
    ),
    "the asymmetric algorithm": (
        lambda h: edited(h, "authorization", lambda v: v.replace("AWS4-HMAC", "AWS4-ECDSA-P256")),
        "IncompleteSignatureException",
    ),
    "no Credential": (
        lambda h: edited(h, "authorization", lambda v: v.replace("Credential=", "Credentials=")),
        "IncompleteSignatureException",
    ),
    "no Signature": (
        lambda h: edited(h, "authorization", lambda v: v.split(", Signature=")[0]),
        "IncompleteSignatureException",
    ),
    "no SignedHeaders": (
        lambda h: edited(h, "authorization", lambda v: v.replace("SignedHeaders=", "")),
        "IncompleteSignatureException",
    ),
    "a field twice": (
        lambda h: edited(h, "authorization", lambda v: v + ", Signature=" + "0" * 64),
        "IncompleteSignatureException",
    ),
    "a scope of four parts": (
        lambda h: edited(h, "authorization", lambda v: v.replace("/kms/", "/")),
        "IncompleteSignatureException",
    ),
    "another terminator": (
        lambda h: edited(h, "authorization", lambda v: v.replace("aws4_request", "aws5_request")),
        "InvalidSignatureException",
    ),
    "another service": (
        lambda h: edited(h, "authorization", lambda v: v.replace("/kms/", "/sts/")),
        "InvalidSignatureException",
    ),
    "another region": (
        lambda h: edited(h, "authorization", lambda v: v.replace("eu-central-1", "eu-central-2")),
        "InvalidSignatureException",
    ),
    "another day in the scope": (
        lambda h: edited(h, "authorization", lambda v: v.replace("/2", "/1", 1)),
        "InvalidSignatureException",
    ),
    "a path for an access key": (
        lambda h: edited(h, "authorization", lambda v: v.replace(ACCESS_KEY, "..")),
        "UnrecognizedClientException",
    ),
    "a signature in capitals": (
        lambda h: edited(h, "authorization", lambda v: v[:-64] + v[-64:-1].upper() + "A"),
        "InvalidSignatureException",
    ),
    "a shorter signature": (lambda h: edited(h, "authorization", lambda v: v[:-2]), "InvalidSignatureException"),
    "the host unsigned": (
        lambda h: edited(h, "authorization", _without_signed("host")),
        "InvalidSignatureException",
    ),
    "the target unsigned": (
        lambda h: edited(h, "authorization", _without_signed("x-amz-target")),
        "InvalidSignatureException",
    ),
    "the date unsigned": (
        lambda h: edited(h, "authorization", _without_signed("x-amz-date")),
        "InvalidSignatureException",
    ),
    "a session token added unsigned": (
        lambda h: replaced(h, "x-amz-security-token", TOKEN),
        "InvalidSignatureException",
    ),
    "signed headers out of order": (
        lambda h: edited(h, "authorization", lambda v: v.replace("content-type;host", "host;content-type")),
        "IncompleteSignatureException",
    ),
    "a signed header twice": (
        lambda h: edited(h, "authorization", lambda v: v.replace("host;", "host;host;")),
        "IncompleteSignatureException",
    ),
    "a signed header that did not come": (
        lambda h: edited(h, "authorization", lambda v: v.replace("x-amz-target", "x-amz-target;x-zz")),
        "InvalidSignatureException",
    ),
    "no date at all": (lambda h: replaced(h, "x-amz-date", None), "InvalidSignatureException"),
    "a date of another form": (
        lambda h: replaced(h, "x-amz-date", "2026-11-24T00:00:00Z"),
        "IncompleteSignatureException",
    ),
    "a date that does not exist": (
        lambda h: replaced(h, "x-amz-date", "20261340T000000Z"),
        "IncompleteSignatureException",
    ),
    "digits of another script in the date": (
        lambda h: replaced(h, "x-amz-date", "2026112\xb2T000000Z"),
        "IncompleteSignatureException",
    ),
    "another target": (
        lambda h: replaced(h, "x-amz-target", "TrentService.ScheduleKeyDeletion"),
        "InvalidSignatureException",
    ),
    "another host": (lambda h: replaced(h, "host", "elsewhere:7600"), "InvalidSignatureException"),
    "another content type": (lambda h: replaced(h, "content-type", "text/plain"), "InvalidSignatureException"),
    "a stated body digest that is not the body's": (
        lambda h: replaced(h, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        "InvalidSignatureException",
    ),
}


@pytest.mark.requirement("ENV-13")
@pytest.mark.parametrize("name", MUTATIONS)
def test_each_way_of_being_wrong_has_its_error(name: str) -> None:
    """A request with one thing changed is refused with the service's error for it."""
    mutate, code = MUTATIONS[name]
    headers = signed()
    assert code_of(request_of(mutate(headers)), stamp(headers)) == code


def test_the_body_is_signed() -> None:
    """Another body under the same headers is a mismatch."""
    headers = signed()
    assert code_of(request_of(headers, body=BODY + b" "), stamp(headers)) == "InvalidSignatureException"


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/x"), ("POST", "/%2e%2e/")])
def test_method_and_path_are_signed(method: str, path: str) -> None:
    """Another method or path under the same headers is a mismatch."""
    headers = signed()
    assert code_of(request_of(headers, method=method, path=path), stamp(headers)) == "InvalidSignatureException"


@pytest.mark.parametrize(("method", "query"), [("POST", "a=\u20ac"), ("P\u014cST", "")])
def test_characters_that_no_byte_stands_for_are_refused(method: str, query: str) -> None:
    """A front end that passes on what it cannot have received is refused like any other mismatch."""
    headers = signed()
    request = SignedRequest(method, "/", query, tuple(headers), hashlib.sha256(BODY).digest())
    assert code_of(request, stamp(headers)) == "InvalidSignatureException"


def test_a_presigned_request_is_refused() -> None:
    """The query form is refused even when a header form comes along."""
    headers = signed()
    request = SignedRequest("POST", "/", "X-Amz-Signature=00", tuple(headers), hashlib.sha256(BODY).digest())
    assert code_of(request, stamp(headers)) == "MissingAuthenticationTokenException"


def test_a_scope_over_midnight_must_match_the_date() -> None:
    """A scope of the day before is refused although the clock is within the window."""
    headers = signed()
    today = dict(headers)[b"x-amz-date"][:8].decode()
    before = (datetime.strptime(today, "%Y%m%d").replace(tzinfo=UTC) - timedelta(days=1)).strftime("%Y%m%d")
    moved = edited(headers, "authorization", lambda value: value.replace(f"/{today}/", f"/{before}/"))
    with pytest.raises(ServiceError) as refused:
        judge(request_of(moved), stamp(headers))
    assert refused.value.message is not None
    assert refused.value.message.startswith("Date in Credential scope does not match")
