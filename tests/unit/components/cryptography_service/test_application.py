"""The way of a request through the front end."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from msgspec import structs

from keystead.core.protocols.module_session.work import Item, Outcome
from keystead.core.records import ALIASES, POLICY, AliasChange, Change, KeyRecord, TokenChange
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.errors import (
    ConflictError,
    FencedError,
    PeerUnavailable,
    RecordError,
    RepositoryUnavailable,
    ServiceError,
)
from keystead.identifiers import AliasName, KeyId
from tests.unit.components.cryptography_service.fakes import (
    ACCOUNT,
    DOMAIN_KEY,
    KEY,
    REGION,
    TYPE,
    FrontEnd,
    done,
    failed,
    first_state,
    next_state,
    run,
)

ENCRYPT = json.dumps({"KeyId": KEY, "Plaintext": "aGVsbG8="}).encode()
DESCRIBE = json.dumps({"KeyId": KEY}).encode()
NAMED = json.dumps({"KeyId": "alias/payroll"}).encode()
OTHER = KeyId("22222222-2222-4222-8222-222222222222")
ALIAS = AliasName("alias/payroll")


def ciphertext_of(version: int) -> bytes:
    """Return the body of a request to decrypt or re-encrypt what this version of the key encrypted."""
    blob = CiphertextBlob(key_id=KEY, version=version, nonce=bytes(16), sealed=bytes(64)).encode()
    return json.dumps({"CiphertextBlob": b64encode(blob).decode(), "DestinationKeyId": KEY}).encode()


@pytest.mark.requirement("SVC-05")
def test_the_module_gets_what_was_sent_and_the_client_what_the_module_answered() -> None:
    """Body and answer pass to the letter; the record carries the newest token only."""

    async def script(front_end: FrontEnd) -> None:
        front_end.modules.answer = lambda item: done(item, b'{"CiphertextBlob":"AQ=="}')
        answer = await front_end.call("Encrypt", ENCRYPT + b" ", pieces=3)
        assert (answer.status, answer.body) == (200, b'{"CiphertextBlob":"AQ=="}')
        record = KeyRecord(b"head 0", {3: b"token 3"}, {POLICY: b"policy"})
        assert front_end.modules.asked == [Item(b"proof", 0, ENCRYPT + b" ", (record,))]
        assert front_end.modules.vouchers == [b"voucher"]

    run(script)


def test_an_answer_carries_the_headers_that_clients_know() -> None:
    """Content type, no caching, and a random request id that is another one each time."""

    async def script(front_end: FrontEnd) -> None:
        first, second = await front_end.call("Encrypt", ENCRYPT), await front_end.call("Encrypt", b"no JSON")
        for answer in (first, second):
            assert answer.headers["content-type"] == TYPE
            assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate, private"
            assert (answer.headers["expires"], answer.headers["pragma"]) == ("0", "no-cache")
            form = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
            assert re.fullmatch(form, answer.headers["x-amzn-requestid"])
        assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]

    run(script)


@pytest.mark.requirement("FIG11-04", "SVC-04")
def test_the_authentication_service_is_told_what_was_received() -> None:
    """Method, path, headers, digest of the body, source and transport."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.call("Encrypt", ENCRYPT)
        (request,) = front_end.authentication.asked
        assert (request.signed.method, request.signed.path, request.signed.query) == ("POST", "/", "")
        assert request.signed.headers == ((b"x-amz-target", b"TrentService.Encrypt"), (b"content-type", TYPE.encode()))
        assert request.signed.body_digest == sha256(ENCRYPT).digest()
        assert (request.source, request.secure) == ("192.0.2.7", True)

    run(script)


NOT_FOR_US: dict[str, tuple[dict[str, Any], str]] = {
    "an operation that no model has": ({"operation": "Frobnicate"}, "UnknownOperationException"),
    "an operation that is not built": ({"operation": "ConnectCustomKeyStore"}, "UnsupportedOperationException"),
    "a target of another service": (
        {"operation": "", "headers": {"X-Amz-Target": "DynamoDB.GetItem", "Content-Type": TYPE}},
        "UnknownOperationException",
    ),
    "an operation of AWS KMS under our own prefix": (
        {"operation": "", "headers": {"X-Amz-Target": "Keystead.Encrypt", "Content-Type": TYPE}},
        "UnknownOperationException",
    ),
    "an operation of ours under the prefix of AWS KMS": ({"operation": "ShredKey"}, "UnknownOperationException"),
    "our own under both prefixes": ({"operation": "Keystead.ShredKey"}, "UnknownOperationException"),
    "no target": ({"operation": "", "headers": {"Content-Type": TYPE}}, "UnknownOperationException"),
    "a target that is no text": (
        {"operation": "", "headers": {"X-Amz-Target": "TrentService.\u00e9", "Content-Type": TYPE}},
        "UnknownOperationException",
    ),
    "another method": ({"operation": "Encrypt", "method": "GET"}, "UnknownOperationException"),
    "another path": ({"operation": "Encrypt", "path": b"/keys"}, "UnknownOperationException"),
    "another content type": (
        {"operation": "", "headers": {"X-Amz-Target": "TrentService.Encrypt", "Content-Type": "text/plain"}},
        "SerializationException",
    ),
    "no content type": (
        {"operation": "", "headers": {"X-Amz-Target": "TrentService.Encrypt"}},
        "SerializationException",
    ),
}


@pytest.mark.parametrize(("request_", "code"), NOT_FOR_US.values(), ids=NOT_FOR_US.keys())
def test_what_is_no_request_of_the_service_goes_no_further(request_: dict[str, Any], code: str) -> None:
    """The service's own error, and neither authentication nor a module is asked."""

    async def script(front_end: FrontEnd) -> None:
        answer = await front_end.call(**request_)
        assert answer.error[:2] == (400, code)
        assert front_end.authentication.asked == []
        assert front_end.modules.asked == []

    run(script)


def test_a_content_type_may_have_parameters_and_capitals() -> None:
    """RFC 9110 says that it is the same type."""

    async def script(front_end: FrontEnd) -> None:
        content_type = "Application/X-AMZ-JSON-1.1; charset=utf-8"
        headers = {"X-Amz-Target": "TrentService.Encrypt", "Content-Type": content_type}
        assert (await front_end.call("", ENCRYPT, headers=headers)).status == 200

    run(script)


UNUSABLE: dict[str, tuple[str, bytes, str]] = {
    "no JSON": ("Encrypt", b"{", "SerializationException"),
    "a constraint of the model": ("Encrypt", b"{}", "ValidationException"),
    "a key that is not there": ("DescribeKey", DESCRIBE.replace(b"1", b"2"), "NotFoundException"),
    "an alias that is not there": ("DescribeKey", NAMED, "NotFoundException"),
    "text that can be no key": ("DescribeKey", b'{"KeyId":"key"}', "NotFoundException"),
    "a marker of our own making": ("ListKeys", b'{"Marker":"x"}', "InvalidMarkerException"),
}


@pytest.mark.parametrize(("operation", "body", "code"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_request_that_no_module_needs_to_see_is_answered(operation: str, body: bytes, code: str) -> None:
    """An authentic request that is wrong, or about a key that is not there."""

    async def script(front_end: FrontEnd) -> None:
        assert (await front_end.call(operation, body)).error[:2] == (400, code)
        assert len(front_end.authentication.asked) == 1
        assert front_end.modules.asked == []

    run(script)


def test_who_is_not_authentic_learns_nothing_about_keys() -> None:
    """The denial comes before the body is read."""

    async def script(front_end: FrontEnd) -> None:
        front_end.authentication.error = ServiceError("InvalidSignatureException", "does not match")
        answer = await front_end.call("Encrypt", b"{")
        assert answer.error == (400, "InvalidSignatureException", "does not match")
        assert front_end.repository.reads == 0

    run(script)


def test_an_error_of_the_module_is_the_answer() -> None:
    """With its status; without a message the answer has none."""

    async def script(front_end: FrontEnd) -> None:
        front_end.modules.answer = lambda item: failed(item, "DisabledException", "is disabled")
        assert (await front_end.call("Encrypt", ENCRYPT)).error == (400, "DisabledException", "is disabled")
        front_end.modules.answer = lambda item: failed(item, "InvalidCiphertextException")
        assert (await front_end.call("Encrypt", ENCRYPT)).error == (400, "InvalidCiphertextException", None)

    run(script)


TROUBLE: dict[str, tuple[str, Exception, str]] = {
    "no authentication service": ("authentication", PeerUnavailable("s3cret"), "DependencyTimeoutException"),
    "no module": ("modules", PeerUnavailable("s3cret"), "DependencyTimeoutException"),
    "no repository": ("repository", RepositoryUnavailable("s3cret"), "KMSInternalException"),
    "a record that is none": ("repository", RecordError("s3cret"), "KMSInternalException"),
    "a fault of ours": ("modules", ZeroDivisionError("s3cret"), "KMSInternalException"),
}


@pytest.mark.parametrize(("where", "error", "code"), TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble_of_ours_is_told_without_detail(where: str, error: Exception, code: str) -> None:
    """A server fault that clients retry; the operator learns the request's id and the kind of the failure."""

    def raising(_item: Item) -> Outcome:
        raise error

    async def script(front_end: FrontEnd) -> None:
        if where == "modules":
            front_end.modules.answer = raising
        else:
            getattr(front_end, where).error = error
        answer = await front_end.call("Encrypt", ENCRYPT)
        assert answer.error[:2] == (500, code)
        assert b"s3cret" not in answer.body
        reported = [(answer.headers["x-amzn-requestid"], type(error).__name__)]
        assert front_end.reported == (reported if code == "KMSInternalException" else [])

    run(script)


def test_a_client_that_goes_away_is_not_answered() -> None:
    """Nothing is done for half a request."""
    front_end = FrontEnd()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def take(message: Any) -> None:
        sent.append(message)

    asyncio.run(front_end.application({"method": "POST", "raw_path": b"/"}, receive, take))
    assert (sent, front_end.authentication.asked) == ([], [])


def test_records_are_kept_for_a_second() -> None:
    """Within it the repository is asked once, later again; a change of another front end is then seen."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.call("Encrypt", ENCRYPT)
        record = await front_end.repository.record(KEY)
        assert record is not None
        await front_end.repository.apply(Change((next_state(record, b"head 1"),)))
        front_end.repository.reads = 0
        front_end.clock.seconds += 1.0
        await front_end.call("Encrypt", ENCRYPT)
        assert (front_end.repository.reads, front_end.modules.asked[-1].keys[0].head) == (0, b"head 0")
        front_end.clock.seconds += 0.001
        await front_end.call("Encrypt", ENCRYPT)
        assert (front_end.repository.reads, front_end.modules.asked[-1].keys[0].head) == (1, b"head 1")

    run(script)


@pytest.mark.parametrize("operation", ["Decrypt", "ReEncrypt"])
def test_a_version_that_a_kept_record_lacks_is_looked_up(operation: str) -> None:
    """Another front end may have rotated the key just now; what is nowhere costs one read and one question."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.call("Encrypt", ENCRYPT)
        record = await front_end.repository.record(KEY)
        assert record is not None
        rotated = structs.replace(next_state(record, b"head 1"), tokens=(TokenChange(4, DOMAIN_KEY, b"token 4"),))
        await front_end.repository.apply(Change((rotated,)))
        for version, reads, tokens in ((3, 0, {3: b"token 3"}), (4, 1, {4: b"token 4"}), (5, 1, {})):
            front_end.repository.reads = 0
            front_end.modules.asked.clear()
            await front_end.call(operation, ciphertext_of(version))
            assert [item.keys[0].tokens for item in front_end.modules.asked] == [tokens]
            assert front_end.repository.reads == reads

    run(script)


def test_that_a_key_is_not_there_is_not_kept() -> None:
    """A key or alias that another front end makes is found at once."""

    async def script(front_end: FrontEnd) -> None:
        assert (await front_end.call("DescribeKey", NAMED)).status == 400
        await front_end.repository.apply(Change((), (AliasChange(ACCOUNT, REGION, ALIAS, KEY, None),)))
        assert (await front_end.call("DescribeKey", NAMED)).status == 200

    run(script)


def test_a_front_end_reads_its_own_writes() -> None:
    """After its change neither the record nor the alias from before is used, within the second or not."""

    async def script(front_end: FrontEnd) -> None:
        aliases = Change((first_state(OTHER),), (AliasChange(ACCOUNT, REGION, ALIAS, KEY, None),))
        await front_end.repository.apply(aliases)
        await front_end.call("DescribeKey", NAMED)
        move = Change(
            (next_state(front_end.modules.asked[-1].keys[0], b"head 1"),),
            (AliasChange(ACCOUNT, REGION, ALIAS, OTHER, KEY),),
        )
        front_end.modules.answer = lambda item: done(item, b"", move)
        body = json.dumps({"AliasName": ALIAS, "TargetKeyId": OTHER}).encode()
        assert (await front_end.call("UpdateAlias", body)).status == 200
        front_end.modules.answer = lambda item: done(item, b"{}")
        await front_end.call("DescribeKey", DESCRIBE)
        assert front_end.modules.asked[-1].keys[0].head == b"head 1"
        await front_end.call("DescribeKey", NAMED)
        assert front_end.modules.asked[-1].keys[0].head == b"head 0"

    run(script)


def test_a_change_is_durable_before_the_client_is_answered() -> None:
    """What the module changed is stored when the answer comes."""

    async def script(front_end: FrontEnd) -> None:
        front_end.modules.answer = lambda item: done(item, b"", Change((next_state(item.keys[0], b"head 1"),)))
        assert (await front_end.call("DisableKey", DESCRIBE)).status == 200
        record = await front_end.repository.record(KEY)
        assert record is not None
        assert record.head == b"head 1"

    run(script)


def test_a_change_that_comes_second_is_made_again_from_the_first() -> None:
    """The module is shown the record as it is now, and asked the very same request again."""

    async def script(front_end: FrontEnd) -> None:
        async def another_first() -> None:
            front_end.repository.before_write = None
            record = await front_end.repository.record(KEY)
            assert record is not None
            await front_end.repository.apply(Change((next_state(record, b"head 1"),)))

        front_end.repository.before_write = another_first
        front_end.modules.answer = lambda item: done(
            item, b"", Change((next_state(item.keys[0], item.keys[0].head + b" and mine"),))
        )
        assert (await front_end.call("DisableKey", DESCRIBE)).status == 200
        record = await front_end.repository.record(KEY)
        assert record is not None
        assert record.head == b"head 1 and mine"
        first, second = front_end.modules.asked
        assert (first.body, first.proof) == (second.body, second.proof)

    run(script)


@pytest.mark.parametrize("error", [ConflictError("always"), FencedError("always")])
def test_a_change_that_always_comes_second_ends_in_throttling(error: Exception) -> None:
    """There is an end to trying, and clients know to come later."""

    async def script(front_end: FrontEnd) -> None:
        async def in_vain() -> None:
            raise error

        front_end.repository.before_write = in_vain
        front_end.modules.answer = lambda item: done(item, b"", Change((next_state(item.keys[0], b"head 1"),)))
        assert (await front_end.call("DisableKey", DESCRIBE)).error[:2] == (400, "ThrottlingException")
        assert len(front_end.modules.asked) == 8

    run(script)


def test_a_name_that_is_taken_meanwhile_exists_already() -> None:
    """CreateAlias learns from the repository that another one was first."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.repository.apply(Change((), (AliasChange(ACCOUNT, REGION, ALIAS, KEY, None),)))
        change = AliasChange(ACCOUNT, REGION, ALIAS, KEY, None)
        front_end.modules.answer = lambda item: done(item, b"", Change((), (change,)))
        body = json.dumps({"AliasName": ALIAS, "TargetKeyId": KEY}).encode()
        answer = await front_end.call("CreateAlias", body)
        assert answer.error == (
            400,
            "AlreadyExistsException",
            f"An alias with the name arn:aws:kms:{REGION}:{ACCOUNT}:{ALIAS} already exists",
        )

    run(script)


def test_a_proof_that_makes_the_same_key_twice_fails_closed() -> None:
    """The second new key of the same id is not written and not confirmed."""

    async def script(front_end: FrontEnd) -> None:
        front_end.modules.answer = lambda item: done(item, b"{}", Change((first_state(),)))
        assert (await front_end.call("CreateKey")).error[:2] == (500, "KMSInternalException")

    run(script)


def test_what_a_module_refuses_of_a_kept_record_is_tried_with_a_fresh_one() -> None:
    """A ciphertext of a version that another front end made a moment ago can be decrypted; once is enough."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.call("Encrypt", ENCRYPT)
        front_end.modules.answer = lambda item: failed(item, "KMSInternalException")
        front_end.modules.asked.clear()
        front_end.repository.reads = 0
        assert (await front_end.call("Encrypt", ENCRYPT)).error[:2] == (500, "KMSInternalException")
        assert (len(front_end.modules.asked), front_end.repository.reads) == (2, 1)

    run(script)


def test_a_grant_token_has_the_key_read_anew() -> None:
    """So that the grant, which another front end made a moment ago, counts at once."""

    async def script(front_end: FrontEnd) -> None:
        await front_end.call("Encrypt", ENCRYPT)
        front_end.repository.reads = 0
        await front_end.call("Encrypt", ENCRYPT)
        assert front_end.repository.reads == 0
        await front_end.call("Encrypt", json.dumps(json.loads(ENCRYPT) | {"GrantTokens": ["token"]}).encode())
        assert front_end.repository.reads == 1

    run(script)


@pytest.mark.parametrize(("operation", "body"), [("Encrypt", ENCRYPT), ("ListKeys", b"{}"), ("GenerateRandom", b"{}")])
def test_what_a_module_refuses_of_fresh_records_is_refused(operation: str, body: bytes) -> None:
    """Nothing newer could be shown, so nothing is tried again."""

    async def script(front_end: FrontEnd) -> None:
        front_end.modules.answer = lambda item: failed(item, "KMSInternalException")
        assert (await front_end.call(operation, body)).error[:2] == (500, "KMSInternalException")
        assert len(front_end.modules.asked) == 1

    run(script)


def test_a_page_has_one_more_than_is_shown() -> None:
    """So that the module sees whether there is more; names travel beside their keys."""

    async def script(front_end: FrontEnd) -> None:
        names = [AliasName(f"alias/{letter}") for letter in "abc"]
        aliases = tuple(AliasChange(ACCOUNT, REGION, name, KEY, None) for name in names)
        await front_end.repository.apply(Change((first_state(OTHER),), aliases))
        await front_end.call("ListKeys", b'{"Limit":1}')
        assert [key.tokens for key in front_end.modules.asked[-1].keys] == [{}, {}]
        assert not front_end.modules.asked[-1].names
        await front_end.call("ListAliases", b'{"Limit":1}')
        assert front_end.modules.asked[-1].names == ("alias/a", "alias/b")
        assert len(front_end.modules.asked[-1].keys) == 2
        assert all(set(key.attachments) <= {ALIASES} for key in front_end.modules.asked[-1].keys)

    run(script)


def test_health_is_good_when_keys_can_be_used() -> None:
    """Each thing that is needed shows by itself."""

    async def script(front_end: FrontEnd) -> None:
        async def look() -> tuple[int, Any]:
            answer = await front_end.call("", b"", method="GET", path=b"/healthz", headers={})
            return answer.status, json.loads(answer.body)

        front_end.authentication.error = ServiceError("MissingAuthenticationTokenException")
        assert await look() == (200, {"modules": True, "authentication": True, "repository": True})
        front_end.live_modules = 0
        assert await look() == (503, {"modules": False, "authentication": True, "repository": True})
        front_end.live_modules = 1
        for error in (ServiceError("DependencyTimeoutException"), PeerUnavailable("gone"), None):
            front_end.authentication.error = error
            assert await look() == (503, {"modules": True, "authentication": False, "repository": True})
        front_end.authentication.error = ServiceError("MissingAuthenticationTokenException")
        front_end.repository.error = RepositoryUnavailable("gone")
        assert await look() == (503, {"modules": True, "authentication": True, "repository": False})

    run(script)


def _client(port: int) -> Any:
    return boto3.client(
        "kms",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
    )


def test_boto3_understands_what_comes_over_http(serving: Callable[..., Any]) -> None:
    """Answers, errors and empty answers, through the real server."""
    front_end = FrontEnd()
    answers = {
        b"TrentService.Encrypt": lambda item: done(item, b'{"CiphertextBlob":"AQID","KeyId":"k"}'),
        b"TrentService.DisableKey": lambda item: done(item, b""),
        b"TrentService.EnableKey": lambda item: failed(item, "KMSInvalidStateException", "is pending deletion."),
    }

    def answer(item: Item) -> Outcome:
        headers = dict(front_end.authentication.asked[-1].signed.headers)
        return answers[headers[b"x-amz-target"]](item)

    def use(port: int) -> None:
        client = _client(port)
        assert client.encrypt(KeyId=KEY, Plaintext=b"hello")["CiphertextBlob"] == b"\x01\x02\x03"
        empty = client.disable_key(KeyId=KEY)["ResponseMetadata"]
        assert (empty["HTTPStatusCode"], empty["RequestId"]) == (200, empty["HTTPHeaders"]["x-amzn-requestid"])
        assert "date" in empty["HTTPHeaders"]
        assert "server" not in empty["HTTPHeaders"]
        with pytest.raises(ClientError, match="is pending deletion") as caught:
            client.enable_key(KeyId=KEY)
        assert caught.value.response["Error"]["Code"] == "KMSInvalidStateException"

    async def script() -> None:
        await front_end.with_key()
        front_end.modules.answer = answer
        async with serving(front_end.application) as port:
            await asyncio.to_thread(use, port)

    asyncio.run(script())
    assert front_end.authentication.asked[0].source == "127.0.0.1"
    assert front_end.authentication.asked[0].secure is False


def test_what_a_client_says_about_its_address_is_not_believed(serving: Callable[..., Any]) -> None:
    """A forwarding header changes neither source nor scheme."""
    front_end = FrontEnd()

    async def script() -> None:
        await front_end.with_key()
        async with serving(front_end.application) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"X-Amz-Target: TrentService.Encrypt\r\nContent-Type: {TYPE}\r\nContent-Length: {len(ENCRYPT)}\r\n"
            forged = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
            writer.write(f"POST / HTTP/1.1\r\nHost: a\r\n{head}{forged}".encode() + ENCRYPT)
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()

    asyncio.run(script())
    assert (front_end.authentication.asked[0].source, front_end.authentication.asked[0].secure) == ("127.0.0.1", False)
