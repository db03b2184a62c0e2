"""AWS JSON requests and answers for whatever the service model allows, one step beyond it, and for any bytes."""

import json
from collections.abc import Mapping
from datetime import datetime

import pytest
from botocore import xform_name
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.core.protocols.aws_json import model, shapes
from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.aws_json.rendering import encode
from keystead.core.protocols.aws_json.validation import read
from keystead.errors import ServiceError
from tests.properties.kms_model import OPERATIONS, Value, body, breakages, changed, input_of, values

TYPED = {"SerializationException", "ValidationException", "RequestEntityTooLargeException"}
operations = pytest.mark.parametrize("name", sorted(OPERATIONS))
few = settings(max_examples=25)  # for each operation


def built(shape: Shape, value: Value) -> Value:
    """The value that botocore holds as a dictionary, in our structures."""
    match shape:
        case StructureShape():
            members = {xform_name(name): built(shape.members[name], each) for name, each in value.items()}
            return getattr(shapes, shape.name)(**members)
        case ListShape():
            return [built(shape.member, each) for each in value]
        case MapShape():
            return dict(value)
        case _:
            return value.timestamp() if isinstance(value, datetime) else value


def outcome(operation: str, octets: bytes, *, precisely: bool) -> model.Shape | tuple[str, str | None]:
    """The request, or name and message of the error."""
    try:
        return read(shapes.OPERATIONS[operation].input, octets) if precisely else decode(operation, octets)
    except ServiceError as error:
        return error.code, error.message


@operations
@few
@given(data=st.data())
def test_what_botocore_sends_is_what_we_read(name: str, data: st.DataObject) -> None:
    """A valid request decodes to the parameters that the client gave, on the fast way and on the precise one."""
    shape = input_of(name)
    parameters = data.draw(values(shape))
    octets = body(OPERATIONS[name], parameters)
    assert decode(name, octets) == built(shape, parameters)
    assert read(shapes.OPERATIONS[name].input, octets) == built(shape, parameters)


@pytest.mark.parametrize("name", [name for name in sorted(OPERATIONS) if list(breakages(input_of(name)))])
@few
@given(data=st.data())
def test_one_broken_constraint_is_told_alone(name: str, data: st.DataObject) -> None:
    """A request that breaks one constraint is refused with that clause and no other."""
    shape = input_of(name)
    breakage = data.draw(st.sampled_from(list(breakages(shape))))
    parameters = changed(data.draw(values(shape)), shape, breakage, data.draw)
    with pytest.raises(ServiceError) as refused:
        decode(name, body(OPERATIONS[name], parameters))
    assert refused.value.code == "ValidationException"
    assert refused.value.message == f"1 validation error detected: {breakage.clause}"


@pytest.mark.parametrize("name", [name for name in sorted(OPERATIONS) if OPERATIONS[name].output_shape is not None])
@few
@given(data=st.data())
def test_what_we_answer_is_what_botocore_reads(name: str, data: st.DataObject) -> None:
    """The client reads from an answer exactly the members that it was made of."""
    shape = OPERATIONS[name].output_shape
    assert shape is not None
    members: Mapping[str, Value] = data.draw(values(shape))
    answer = {"status_code": 200, "headers": {}, "body": encode(built(shape, members))}
    parsed = create_parser("json").parse(answer, shape)
    del parsed["ResponseMetadata"]
    assert parsed == members


NAMES = st.sampled_from(["KeyId", "Plaintext", "EncryptionContext", "GrantTokens", "DryRun", "Limit", "Recipient", "x"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["YQ==", "YR==", "YWI="])
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text(), inner), max_leaves=8)
JSON = st.builds(lambda tree, ascii_only: json.dumps(tree, ensure_ascii=ascii_only), TREES, st.booleans())
BODIES = st.binary() | JSON.map(lambda text: text.encode(errors="surrogatepass"))
SOME = st.sampled_from(["Encrypt", "Decrypt", "ListKeys", "GenerateDataKey", "CreateKey", "ImportKeyMaterial"])


@given(operation=SOME, octets=BODIES)
def test_any_bytes_give_a_request_or_a_typed_error(operation: str, octets: bytes) -> None:
    """Whatever arrives, only a request or a named error comes out, and both ways of reading agree on it."""
    result = outcome(operation, octets, precisely=False)
    assert isinstance(result, model.Shape) or result[0] in TYPED
    assert result == outcome(operation, octets, precisely=True)


@given(data=st.data(), operation=SOME)
def test_a_damaged_request_is_read_alike_by_both_ways(data: st.DataObject, operation: str) -> None:
    """A valid body with a few octets replaced gives the same request or the same error on both ways."""
    octets = bytearray(body(OPERATIONS[operation], data.draw(values(input_of(operation)))))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(
            st.sampled_from(b'"\\={}[]:,nu0Az\x00\x80\xed\xff')
        )
    assert outcome(operation, bytes(octets), precisely=False) == outcome(operation, bytes(octets), precisely=True)
