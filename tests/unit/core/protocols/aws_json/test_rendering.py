"""Answers and errors as clients of the service expect them."""

import pytest

from keystead.core.protocols.aws_json import shapes
from keystead.core.protocols.aws_json.rendering import encode, error_body, status_of


@pytest.mark.parametrize("kind", [bytes, bytearray, lambda octets: memoryview(bytearray(octets))])
def test_blobs_are_encoded_from_any_buffer(kind: type[bytes]) -> None:
    """A secret is encoded from the buffer that will be wiped, without a copy in between."""
    answer = shapes.DecryptResponse(key_id="arn", plaintext=kind(b"a"))
    assert encode(answer) == b'{"KeyId":"arn","Plaintext":"YQ=="}'


def test_absent_members_are_left_out_and_false_is_not() -> None:
    """Only None is absent; wire names are exact even where Python's would give another."""
    metadata = shapes.KeyMetadata(aws_account_id="1", key_id="k", enabled=False, creation_date=1578337600.123)
    answer = encode(shapes.DescribeKeyResponse(key_metadata=metadata))
    expected = b'{"KeyMetadata":{"AWSAccountId":"1","KeyId":"k","CreationDate":1578337600.123,"Enabled":false}}'
    assert answer == expected


def test_operations_without_output_answer_with_an_empty_body() -> None:
    """Where the model has no output there is no body, where it has an empty one there is an empty object."""
    assert encode(None) == b""
    assert encode(shapes.DeleteCustomKeyStoreResponse()) == b"{}"


def test_an_error_has_a_type_and_perhaps_a_message() -> None:
    """The body names the error; a message that the service does not send is no member."""
    assert error_body("NotFoundException", "no\n") == b'{"__type":"NotFoundException","message":"no\\n"}'
    assert error_body("InvalidCiphertextException", None) == b'{"__type":"InvalidCiphertextException"}'


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("NotFoundException", 400),
        ("ValidationException", 400),
        ("AccessDeniedException", 400),
        ("UnknownOperationException", 400),
        ("RequestEntityTooLargeException", 400),
        ("KMSInternalException", 500),
        ("KeyUnavailableException", 500),
        ("DependencyTimeoutException", 500),
        ("InternalFailure", 500),
        ("ServiceUnavailableException", 503),
        ("NobodyKnowsThisException", 500),
    ],
)
def test_status(code: str, status: int) -> None:
    """What callers did wrong is 400; what we did wrong, a name unknown to us included, is 500 or 503."""
    assert status_of(code) == status
