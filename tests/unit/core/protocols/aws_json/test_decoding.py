"""Request bodies, good and bad, one row each (spec/aws-json.md)."""

import json
import traceback
from base64 import b64encode
from contextlib import suppress

import pytest

from keystead.core.protocols.aws_json import shapes
from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.aws_json.limits import body_limit
from keystead.errors import ServiceError

ENCRYPT = shapes.EncryptRequest(key_id="k", plaintext=b"a")

ACCEPTED = {
    "plain": b'{"KeyId":"k","Plaintext":"YQ=="}',
    "white space": b' \r\n{ "KeyId" : "k" ,\t"Plaintext" : "YQ==" } ',
    "unknown members": b'{"KeyId":"k","Plaintext":"YQ==","X":{"Y":[1e999,null]},"Z":' + b"1" * 5_000 + b"}",
    "other case is another member": b'{"keyid":1,"KeyId":"k","plaintext":2,"Plaintext":"YQ=="}',
    "null is absent": b'{"KeyId":"k","Plaintext":"YQ==","GrantTokens":null,"DryRun":null,"EncryptionContext":null}',
    "escaped base64": b'{"KeyId":"k","Plaintext":"Y\\u0051=\\u003d"}',
    "escaped name": b'{"\\u004beyId":"k","Plaintext":"YQ=="}',
    "the last of equal names": b'{"KeyId":"j","Plaintext":"YQ==","KeyId":"k"}',
    "the last of equal names, the first mistyped": b'{"KeyId":1,"Plaintext":"YQ==","KeyId":"k"}',
    "the last of equal names, the first too short": b'{"KeyId":"","Plaintext":"YQ==","KeyId":"k"}',
}

UNREADABLE = {
    "empty": b"",
    "blank": b"  ",
    "array": b"[]",
    "string": b'"KeyId"',
    "null": b"null",
    "truncated": b'{"KeyId":"k","Plaintext":"YQ=="',
    "trailing data": b'{"KeyId":"k","Plaintext":"YQ=="}{}',
    "trailing comma": b'{"KeyId":"k","Plaintext":"YQ==",}',
    "comment": b'{"KeyId":"k",/**/"Plaintext":"YQ=="}',
    "single quotes": b"{'KeyId':'k'}",
    "not a number": b'{"KeyId":"k","Plaintext":"YQ==","X":NaN}',
    "leading zero": b'{"KeyId":"k","Plaintext":"YQ==","X":01}',
    "byte order mark": b'\xef\xbb\xbf{"KeyId":"k","Plaintext":"YQ=="}',
    "UTF-16": '{"KeyId":"k","Plaintext":"YQ=="}'.encode("utf-16"),
    "UTF-16 without mark": '{"KeyId":"k","Plaintext":"YQ=="}'.encode("utf-16-be"),
    "invalid UTF-8": b'{"KeyId":"k\xff","Plaintext":"YQ=="}',
    "invalid UTF-8 in an unknown member": b'{"KeyId":"k","Plaintext":"YQ==","X":"\xff"}',
    "overlong UTF-8": b'{"KeyId":"k\xc0\x80","Plaintext":"YQ=="}',
    "surrogate in UTF-8": b'{"KeyId":"k\xed\xa0\x80","Plaintext":"YQ=="}',
    "lone high surrogate": b'{"KeyId":"\\ud800","Plaintext":"YQ=="}',
    "lone low surrogate": b'{"KeyId":"\\udc00","Plaintext":"YQ=="}',
    "lone surrogate at the end": b'{"Plaintext":"YQ==","KeyId":"\\ud800"}',
    "lone surrogate in an unknown member": b'{"KeyId":"k","Plaintext":"YQ==","X":"\\ud800"}',
    "control character": b'{"KeyId":"k\n","Plaintext":"YQ=="}',
    "nested too deep": b'{"KeyId":"k","Plaintext":"YQ==","X":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested too deep at once": b"[" * 100_000,
}

TIMESTAMP = "a timestamp in seconds since the epoch"

MISTYPED = {
    "number for text": ("Encrypt", {"KeyId": 1}, "keyId", "a string"),
    "object for text": ("Encrypt", {"KeyId": {}}, "keyId", "a string"),
    "number for an enumerated value": ("CreateKey", {"KeySpec": 1}, "keySpec", "a string"),
    "text for a list": ("Encrypt", {"GrantTokens": "t"}, "grantTokens", "a JSON array"),
    "number in a list": ("Encrypt", {"GrantTokens": ["t", 1]}, "grantTokens", "a string"),
    "list for a map": ("Encrypt", {"EncryptionContext": []}, "encryptionContext", "a JSON object"),
    "number in a map": ("Encrypt", {"EncryptionContext": {"a": 1}}, "encryptionContext", "a string"),
    "text for a structure": ("Decrypt", {"Recipient": "r"}, "recipient", "a JSON object"),
    "number in a structure": ("CreateGrant", {"Constraints": {"SourceArn": 1}}, "constraints.sourceArn", "a string"),
    "number for a structure in a list": ("CreateKey", {"Tags": [1]}, "tags.1.member", "a JSON object"),
    "text for a boolean": ("Encrypt", {"DryRun": "true"}, "dryRun", "a boolean"),
    "number for a boolean": ("Encrypt", {"DryRun": 1}, "dryRun", "a boolean"),
    "boolean for a number": ("ListKeys", {"Limit": True}, "limit", "a 32-bit integer"),
    "text for a number": ("ListKeys", {"Limit": "1"}, "limit", "a 32-bit integer"),
    "fraction for an integer": ("ListKeys", {"Limit": 1.5}, "limit", "a 32-bit integer"),
    "float for an integer": ("ListKeys", {"Limit": 1.0}, "limit", "a 32-bit integer"),
    "integer beyond 32 bits": ("ListKeys", {"Limit": 2**31}, "limit", "a 32-bit integer"),
    "integer of 4,000 digits": ("ListKeys", {"Limit": 10**4_000}, "limit", "a 32-bit integer"),
    "text for a timestamp": ("ImportKeyMaterial", {"ValidTo": "2030-01-01"}, "validTo", TIMESTAMP),
    "boolean for a timestamp": ("ImportKeyMaterial", {"ValidTo": True}, "validTo", TIMESTAMP),
    "timestamp in the year 10000": ("ImportKeyMaterial", {"ValidTo": 253402300800}, "validTo", TIMESTAMP),
    "timestamp before the year 1": ("ImportKeyMaterial", {"ValidTo": -62135596801.0}, "validTo", TIMESTAMP),
    "number for a blob": ("Encrypt", {"Plaintext": 1}, "plaintext", "a string"),
    "list for a blob": ("Encrypt", {"Plaintext": [97]}, "plaintext", "a string"),
}  # fmt: skip

NOT_BASE64 = [
    "YQ",
    "YQ=",
    "YQ===",
    "YR==",
    "YWJ=",
    "YQ==\n",
    " YQ==",
    "Y Q==",
    "YQ==YQ==",
    "_-8=",
    "Y",
    "=",
    "====",
    "Yé==",
]

KEY = "\U0001f511"  # one character, two UTF-16 code units, four octets
NOT_NULL = "Member must not be null"
NOT_EMPTY = "Member must have length greater than or equal to 1"

INVALID = {
    "all that is missing": ("Encrypt", {}, [("null", "keyId", NOT_NULL), ("null", "plaintext", NOT_NULL)]),
    "null for a required member": ("DescribeKey", {"KeyId": None}, [("null", "keyId", NOT_NULL)]),
    "an empty text": ("DescribeKey", {"KeyId": ""}, [("''", "keyId", NOT_EMPTY)]),
    "an unknown value": (
        "GenerateDataKey",
        {"KeyId": "k", "KeySpec": "AES_512"},
        [("'AES_512'", "keySpec", "Member must satisfy enum value set: [AES_128, AES_256]")],
    ),
    "a number out of range": (
        "GenerateRandom",
        {"NumberOfBytes": 1025},
        [("'1025'", "numberOfBytes", "Member must have value less than or equal to 1024")],
    ),
    "two constraints of one member": (
        "CreateAlias",
        {"AliasName": "", "TargetKeyId": "k"},
        [
            ("''", "aliasName", NOT_EMPTY),
            ("''", "aliasName", "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"),
        ],
    ),
    "structures in a list": (
        "TagResource",
        {"KeyId": "k", "Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "", "TagValue": None}, None]},
        [
            ("''", "tags.2.member.tagKey", NOT_EMPTY),
            ("null", "tags.2.member.tagValue", NOT_NULL),
            ("null", "tags.3.member", NOT_NULL),
        ],
    ),
    "a text in a list": (
        "UntagResource",
        {"KeyId": "k", "TagKeys": ["a", ""]},
        [
            (
                "'[a, ]'",
                "tagKeys",
                f"Member must satisfy constraint: [Member must have length less than or equal to 128, {NOT_EMPTY}]",
            )
        ],
    ),
    "null in a list": (
        "UntagResource",
        {"KeyId": "k", "TagKeys": ["a", None]},
        [("'[a, null]'", "tagKeys", f"Member must satisfy constraint: [{NOT_NULL}]")],
    ),
    "null in a map": (
        "Decrypt",
        {"EncryptionContext": {"a": "b", "c": None}},
        [("'{a=b, c=null}'", "encryptionContext", f"Map value must satisfy constraint: [{NOT_NULL}]")],
    ),
    "characters counted, not octets": (
        "CreateKey",
        {"Tags": [{"TagKey": KEY * 129, "TagValue": KEY * 256}]},
        [(f"'{KEY * 129}'", "tags.1.member.tagKey", "Member must have length less than or equal to 128")],
    ),
}


def refusal(operation: str, body: bytes) -> ServiceError:
    """The error with which a body is refused."""
    with pytest.raises(ServiceError) as refused:
        decode(operation, body)
    return refused.value


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(body: bytes) -> None:
    """All of these encode the same request."""
    assert decode("Encrypt", body) == ENCRYPT


def test_an_empty_object_is_the_empty_request() -> None:
    """Operations that need nothing take an object without members."""
    assert decode("ListKeys", b"{}") == shapes.ListKeysRequest()


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable(body: bytes) -> None:
    """What is not a JSON object in UTF-8 is a SerializationException."""
    refused = refusal("Encrypt", body)
    assert refused.code == "SerializationException"
    assert refused.message in {"The request body is not UTF-8.", "The request body is not a JSON object."}


@pytest.mark.parametrize(("operation", "members", "place", "wanted"), MISTYPED.values(), ids=MISTYPED.keys())
def test_mistyped(operation: str, members: dict[str, object], place: str, wanted: str) -> None:
    """A member of another type is a SerializationException that names it, whatever else is missing."""
    refused = refusal(operation, json.dumps(members).encode())
    assert (refused.code, refused.message) == ("SerializationException", f"The value at '{place}' is not {wanted}.")


@pytest.mark.parametrize("text", NOT_BASE64)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_blobs_have_one_form(text: str, *, ascii_only: bool) -> None:
    """Base64 with missing padding, stray bits, other letters or white space is refused: one blob, one text."""
    members = {"KeyId": "k", "Plaintext": text, "X": "YQ=="}
    refused = refusal("Encrypt", json.dumps(members, ensure_ascii=ascii_only).encode())
    assert refused.message == "The value at 'plaintext' is not canonical base64."


@pytest.mark.parametrize("pads", [1, 2])
def test_only_letters_without_stray_bits_stand_before_padding(pads: int) -> None:
    """Of all 64 letters, one pad may follow the 16 whose last two bits are zero, two pads the 4 with four zero bits."""
    letters = b64encode(bytes.fromhex("".join(f"{number << 2:02x}0000" for number in range(64)))).decode()[::4]
    assert len(set(letters)) == 64
    read = []
    for letter in letters:
        with suppress(ServiceError):
            decode("Encrypt", f'{{"KeyId":"k","Plaintext":"{"Y" * (3 - pads)}{letter}{"=" * pads}"}}'.encode())
            read.append(letter)
    assert read == list(letters[:: 4**pads])


@pytest.mark.parametrize("text", ["Y\\u0052==", "YR=\\u003d", "YR\\u003D\\u003D", "\\u0059\\u005A==", "YW\\u004A="])
def test_escapes_hide_no_stray_bits(text: str) -> None:
    """Base64 whose last letter or padding is written as an escape is judged like any other."""
    assert refusal("Encrypt", f'{{"KeyId":"k","Plaintext":"{text}"}}'.encode()).code == "SerializationException"


def test_text_that_ends_like_padding_is_no_blob() -> None:
    """Only blobs are judged as base64."""
    members = {"KeyId": "k=", "Plaintext": "YQ==", "EncryptionContext": {"a=": "R==", "b": "==="}}
    request = decode("Encrypt", json.dumps(members).encode())
    assert request == shapes.EncryptRequest(key_id="k=", plaintext=b"a", encryption_context={"a=": "R==", "b": "==="})


@pytest.mark.parametrize(("operation", "members", "clauses"), INVALID.values(), ids=INVALID.keys())
def test_invalid(operation: str, members: dict[str, object], clauses: list[tuple[str, str, str]]) -> None:
    """Constraints that are not met are told in the words of the service, all at once."""
    refused = refusal(operation, json.dumps(members).encode())
    told = "; ".join(
        f"Value {told} at '{place}' failed to satisfy constraint: {demand}" for told, place, demand in clauses
    )
    count = "1 validation error" if len(clauses) == 1 else f"{len(clauses)} validation errors"
    assert (refused.code, refused.message) == ("ValidationException", f"{count} detected: {told}")


@pytest.mark.parametrize(
    ("text", "demand"),
    [
        ("", "Member must have length greater than or equal to 1"),
        (b64encode(bytes(4097)).decode(), "Member must have length less than or equal to 4096"),
    ],
)
def test_the_length_of_a_blob_is_that_of_its_octets(text: str, demand: str) -> None:
    """Octets are counted after base64, and the blob is not repeated."""
    refused = refusal("Encrypt", json.dumps({"KeyId": "k", "Plaintext": text}).encode())
    assert (
        refused.message == f"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: {demand}"
    )


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("Encrypt", {"KeyId": "", "Plaintext": "c2VjcmV0"}),
        ("Encrypt", {"KeyId": "k", "Plaintext": b64encode(b"secret" * 1_000).decode()}),
        ("Encrypt", {"KeyId": "k", "Plaintext": "c2VjcmV0c2VjcmV0c2VjcmV0Cg="}),
        ("UpdateCustomKeyStore", {"CustomKeyStoreId": "c", "KeyStorePassword": "secret"}),
        ("UpdateCustomKeyStore", {"XksProxyAuthenticationCredential": {"AccessKeyId": "secret"}}),
        ("UpdateCustomKeyStore", {"XksProxyAuthenticationCredential": {"RawSecretAccessKey": "secret"}}),
        ("UpdateCustomKeyStore", {"CustomKeyStoreId": 1, "KeyStorePassword": "secret"}),
    ],
)
def test_a_refusal_repeats_no_secret(operation: str, members: dict[str, object]) -> None:
    """Neither message nor traceback nor context of a refusal holds a blob or a sensitive text."""
    refused = refusal(operation, json.dumps(members).encode())
    told = "".join(traceback.format_exception(refused)) + str(refused.message)
    assert refused.__context__ is None
    assert "secret" not in told.replace("rawSecretAccessKey", "")
    assert "c2VjcmV0" not in told


def test_a_refusal_stays_in_proportion_to_its_request() -> None:
    """Thousands of broken structures are told by a hundred clauses, not by megabytes of answer."""
    refused = refusal("CreateKey", b'{"Tags":[' + b",".join([b"{}"] * 40_000) + b"]}")
    assert refused.message is not None
    assert refused.message.startswith("100 validation errors detected: ")
    assert len(refused.message) < 16_384


def test_unknown_operation() -> None:
    """An operation that the model does not have has an error of its own."""
    refused = refusal("Encrypt2", b"{}")
    assert (refused.code, refused.message) == ("UnknownOperationException", None)


def test_a_body_beyond_its_limit_is_not_read() -> None:
    """One octet more than the limit is refused, the limit itself is not."""
    body = b'{"KeyId":"k","Plaintext":"YQ=="}'
    limit = body_limit("Encrypt")
    assert decode("Encrypt", body.ljust(limit)) == ENCRYPT
    refused = refusal("Encrypt", body.ljust(limit + 1))
    assert refused.code == "RequestEntityTooLargeException"
    assert refused.message == f"The request body exceeds {limit} bytes."
