"""Bytes that are no request, against the whole running service: a typed refusal for each, and no process notices."""

import base64
import json
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, Final

import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.acceptance.service import Service
from tests.unit.components.cryptography_service.test_guard import CODES, REFUSED

pytestmark = pytest.mark.slow

ROLES = ("module-1", "module-2", "coordinator", "cryptography", "authentication", "supervise")
UNCHANGED: Final[Mapping[str, str | None]] = MappingProxyType({})
GROWTH = 48 * 1024 * 1024
"""Bytes by which a process may grow over thousands of hostile requests."""


@pytest.fixture(autouse=True)
def _unharmed(service: Service) -> Iterator[None]:
    """After each test the same processes serve as before."""
    before = {name: service.role(name).pid for name in ROLES}
    yield
    assert {name: service.role(name).pid for name in ROLES} == before, service.logs()
    assert service.client().list_keys()["ResponseMetadata"]["HTTPStatusCode"] == 200


def exchange(service: Service, sent: bytes, timeout: float = 30.0) -> bytes:
    """Send the bytes and return what comes until the service closes the connection."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port_of(service)), timeout) as connection:
        try:
            connection.sendall(sent)
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    return bytes(received)


def port_of(service: Service) -> int:
    """Return the port that the service listens on."""
    return int(service.endpoint.rpartition(":")[2])


@pytest.mark.parametrize("name", REFUSED)
def test_bad_http(service: Service, name: str) -> None:
    """Each case of the table of bad HTTP is answered once, as the table says, and the connection closed."""
    sent, status = REFUSED[name]
    answer = exchange(service, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert CODES[status] in answer
    assert answer.count(b"HTTP/1.1") == 1


SLOW = {
    "nothing is sent": (b"", b""),
    "half a header": (b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-", b"HTTP/1.1 408 "),
    "half a body": (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 408 "),
}


def test_slow_http(service: Service) -> None:
    """Who does not finish is told so and left, whether he sends nothing, half a header or half a body."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        answers = list(pool.map(lambda case: exchange(service, case[0], 60.0), SLOW.values()))
    assert [answer[:13] for answer in answers] == [expected for _, expected in SLOW.values()]


def test_many_who_wait_do_not_stop_others(service: Service) -> None:
    """With hundreds of connections that send half a header, the others are served."""
    held = [socket.create_connection(("127.0.0.1", port_of(service))) for _ in range(300)]
    try:
        for connection in held:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-")
        assert len(service.client(retries={"total_max_attempts": 1}).generate_random(NumberOfBytes=9)["Plaintext"]) == 9
    finally:
        for connection in held:
            connection.close()


def signed(service: Service, target: str, body: bytes, **headers: str) -> AWSRequest:
    """Return a rightly signed request with any body."""
    environment = service.environment
    request = AWSRequest(
        "POST",
        f"{service.endpoint}/",
        data=body,
        headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, **headers},
    )
    credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "kms", environment["AWS_DEFAULT_REGION"]).add_auth(request)
    return request


def http(service: Service, request: AWSRequest, changed: Mapping[str, str | None] = UNCHANGED) -> bytes:
    """Return a request as bytes, with some headers changed or left out after it was signed."""
    body: bytes = request.data or b""
    headers: dict[str, str | None] = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"host": f"127.0.0.1:{port_of(service)}", "content-length": str(len(body)), "connection": "close"}
    headers |= changed
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


def answer(service: Service, sent: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the content of the answer."""
    received = exchange(service, sent)
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body else {}


def ask(service: Service, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return the answer to a rightly signed request."""
    return answer(service, http(service, signed(service, f"TrentService.{operation}", body)))


NO_JSON = {
    "empty": b"",
    "cut short": b'{"KeyId": "a"',
    "data after it": b'{"KeyId": "a"} x',
    "an array": b"[]",
    "a number": b"1",
    "null": b"null",
    "byte order mark": b'\xef\xbb\xbf{"KeyId": "a"}',
    "UTF-16": '{"KeyId": "a"}'.encode("utf-16"),
    "invalid UTF-8": b'{"KeyId": "\xff"}',
    "overlong UTF-8": b'{"KeyId": "\xc0\xaf"}',
    "a lone surrogate": b'{"KeyId": "\\ud800"}',
    "deep nesting": b'{"KeyId": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep nesting of a member that is ignored": b'{"x": ' + b'{"x":' * 20_000 + b"1" + b"}" * 20_001,
    "NaN": b'{"KeyId": "a", "Plaintext": NaN}',
    "a number of 5,000 digits": b'{"KeyId": "a", "Plaintext": ' + b"9" * 5_000 + b"}",
    "a number beyond all": b'{"KeyId": "a", "Plaintext": 1e400}',
    "a wrong type": b'{"KeyId": 5, "Plaintext": "YQ=="}',
    "a number for a boolean": b'{"KeyId": "a", "Plaintext": "YQ==", "DryRun": 1}',
    "base64 with bits that say nothing": b'{"KeyId": "a", "Plaintext": "YR=="}',
    "base64 without padding": b'{"KeyId": "a", "Plaintext": "YQ"}',
    "base64 with a space": b'{"KeyId": "a", "Plaintext": "YQ== "}',
    "a control character": b'{"KeyId": "a\x01"}',
}


@pytest.mark.parametrize("name", NO_JSON)
def test_a_body_that_is_no_request(service: Service, name: str) -> None:
    """A signed body that is no JSON object of the right types is refused as such."""
    status, content = ask(service, "Encrypt", NO_JSON[name])
    assert (status, content["__type"]) == (400, "SerializationException")


BROKEN_CONSTRAINTS = {
    "a member is missing": ("Encrypt", {"KeyId": "alias/none"}),
    "a wrong case": ("Encrypt", {"keyId": "alias/none", "Plaintext": "YQ=="}),
    "too long a plaintext": ("Encrypt", {"KeyId": "alias/none", "Plaintext": base64.b64encode(bytes(4097)).decode()}),
    "an empty plaintext": ("Encrypt", {"KeyId": "alias/none", "Plaintext": ""}),
    "too many random bytes": ("GenerateRandom", {"NumberOfBytes": 1025}),
    "no random bytes": ("GenerateRandom", {"NumberOfBytes": 0}),
    "too long a ciphertext": ("Decrypt", {"CiphertextBlob": base64.b64encode(bytes(6145)).decode()}),
    "no value of the list": ("GenerateDataKey", {"KeyId": "alias/none", "KeySpec": "AES_512"}),
    "too long a description": ("CreateKey", {"Description": "x" * 8193}),
    "too high a limit": ("ListKeys", {"Limit": 1001}),
}


@pytest.mark.parametrize("name", BROKEN_CONSTRAINTS)
def test_a_constraint_that_is_not_met(service: Service, name: str) -> None:
    """A signed request that breaks one constraint of the model is refused with a message that names it."""
    operation, parameters = BROKEN_CONSTRAINTS[name]
    status, content = ask(service, operation, json.dumps(parameters).encode())
    assert (status, content["__type"]) == (400, "ValidationException")
    assert "failed to satisfy constraint" in content["message"]


def test_ciphertexts_that_are_none(service: Service) -> None:
    """A ciphertext that is cut, lengthened or changed at any place is refused without a word."""
    kms = service.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    changed = [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))]
    for blob in [*changed, sealed[:-1], sealed + b"x", b"x", bytes(6144)]:
        body = json.dumps({"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": key}).encode()
        status, content = ask(service, "Decrypt", body)
        assert (status, content["__type"]) in {
            (400, "InvalidCiphertextException"),
            (400, "IncorrectKeyException"),
        }
        assert "Plaintext" not in content


UNSIGNED: dict[str, dict[str, str | None]] = {
    "no signature": {"authorization": None},
    "another algorithm": {"authorization": "AWS4-HMAC-SHA1 Credential=x"},
    "no credential": {"authorization": "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00"},
    "another target": {"x-amz-target": "TrentService.Decrypt"},
    "another host": {"host": "elsewhere"},
    "another time": {"x-amz-date": "20200101T000000Z"},
    "no time": {"x-amz-date": None},
    "no target": {"x-amz-target": None},
    "a target of another service": {"x-amz-target": "DynamoDB_20120810.GetItem"},
    "no such operation": {"x-amz-target": "TrentService.StealKey"},
    "unicode": {"authorization": "AWS4-HMAC-SHA256 Credential=\N{KELVIN SIGN}"},
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_a_signature_that_does_not_cover_it(service: Service, name: str) -> None:
    """A request that was changed after it was signed is refused by name, and never served."""
    sent = http(service, signed(service, "TrentService.ListKeys", b"{}"), UNSIGNED[name])
    status, content = answer(service, sent)
    assert status == 400
    assert content["__type"] in {
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnknownOperationException",
        "UnrecognizedClientException",
    }


def test_every_change_of_the_signature_is_refused(service: Service) -> None:
    """Each character of the Authorization header counts."""
    request = signed(service, "TrentService.ListKeys", b"{}")
    whole = request.headers["Authorization"]
    started = time.monotonic()
    for place in range(0, len(whole), 3):
        changed = whole[:place] + ("0" if whole[place] != "0" else "1") + whole[place + 1 :]
        status, content = answer(service, http(service, request, {"authorization": changed}))
        assert (status, content["__type"].endswith("Exception")) == (400, True), changed
    assert time.monotonic() - started < 240  # within the five minutes for which the signature is fresh
    status, _ = answer(service, http(service, request))
    assert status == 200


def test_another_body_than_was_signed(service: Service) -> None:
    """A body that was exchanged on the way is refused."""
    request = signed(service, "TrentService.GenerateRandom", b'{"NumberOfBytes":10}')
    sent = http(service, request).replace(b'{"NumberOfBytes":10}', b'{"NumberOfBytes":11}')
    status, content = answer(service, sent)
    assert (status, content["__type"]) == (400, "InvalidSignatureException")


def test_memory_stays_bounded(service: Service) -> None:
    """After thousands of hostile requests of every size no process holds more memory than it may."""
    kms = service.client()
    processes = [service.role(name) for name in ROLES]
    hostile = [sent for sent, _ in REFUSED.values()]
    for number in range(len(hostile)):
        exchange(service, hostile[number])
    kms.list_keys()
    before = [resident(process) for process in processes]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: exchange(service, hostile[number % len(hostile)]), range(1_000)))
        large = b'{"x": "' + b"x" * 120_000 + b'"}'
        list(pool.map(lambda _: ask(service, "ListKeys", large), range(500)))
    grown = {process.pid: resident(process) - was for process, was in zip(processes, before, strict=True)}
    assert all(growth < GROWTH for growth in grown.values()), grown


def resident(process: psutil.Process) -> int:
    """Return the bytes of memory that a process has."""
    size: int = process.memory_info().rss
    return size
