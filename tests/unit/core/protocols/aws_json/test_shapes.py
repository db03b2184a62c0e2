"""The generated shapes are what the service model says, and tell no secrets."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from botocore import xform_name

from keystead.core.protocols.aws_json import shapes
from keystead.core.protocols.aws_json.constraints import kind_of
from tests.properties.kms_model import OPERATIONS, PATTERNS, SERVICE

GENERATOR = Path(__file__).parents[5] / "tools/generate_shapes.py"


def test_the_file_is_what_the_generator_writes() -> None:
    """The checked-in shapes are those of the service model that is installed."""
    checked = subprocess.run([sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False)
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_every_operation_has_its_shapes_errors_and_paging() -> None:
    """The table of operations agrees with botocore's view of each."""
    assert set(shapes.OPERATIONS) == set(OPERATIONS)
    for name, modelled in OPERATIONS.items():
        operation = shapes.OPERATIONS[name]
        assert operation.name == name
        assert modelled.input_shape is not None
        assert operation.input.__name__ == modelled.input_shape.name
        assert (operation.output and operation.output.__name__) == (
            modelled.output_shape and modelled.output_shape.name
        )
        assert operation.errors == {error.name for error in modelled.error_shapes}
        assert operation.paginated == ("Marker" in modelled.input_shape.members)


def test_names_on_the_wire_are_those_of_the_model() -> None:
    """Each member has the snake-case name that Python programmers expect and the exact name of the model."""
    for operation in OPERATIONS.values():
        for shape in filter(None, (operation.input_shape, operation.output_shape)):
            fields = msgspec.structs.fields(getattr(shapes, shape.name))
            assert {field.encode_name: field.name for field in fields} == {
                name: xform_name(name) for name in shape.members
            }
            assert [field.encode_name for field in fields if field.required] == [
                name for name in shape.members if name in shape.required_members
            ]


def test_errors_have_the_status_that_the_model_implies() -> None:
    """What the model marks as a fault of the service is answered with 500, all else with 400."""
    faults = {"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"}
    assert set(shapes.ERRORS) == {shape.name for shape in SERVICE.error_shapes}
    assert {name for name, error in shapes.ERRORS.items() if error.fault} == faults
    assert {name for name, error in shapes.ERRORS.items() if error.status == 500} == faults
    assert {error.status for error in shapes.ERRORS.values()} == {400, 500}


def test_every_pattern_of_the_model_has_examples() -> None:
    """No pattern of the model goes untested."""
    patterned = {name for name in SERVICE.shape_names if "pattern" in SERVICE.shape_for(name).metadata}
    assert set(PATTERNS) == patterned


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_patterns_match_whole_texts_as_in_java(name: str) -> None:
    """Each pattern takes its good examples and none of the bad, such as a line end or a letter beyond ASCII."""
    kind = kind_of(msgspec.inspect.type_info(getattr(shapes, name)))
    assert isinstance(kind.type, msgspec.inspect.StrType)
    assert kind.type.pattern is not None
    assert kind.notes["pattern"] == SERVICE.shape_for(name).metadata["pattern"]
    good, bad = PATTERNS[name]
    assert [text for text in good if not re.search(kind.type.pattern, text)] == []
    assert [text for text in bad if re.search(kind.type.pattern, text)] == []


def test_a_request_never_shows_its_values() -> None:
    """Neither repr nor rich shows more than which members are present."""
    request = shapes.EncryptRequest(key_id="alias/a", plaintext=b"secret")
    assert repr(request) == "<EncryptRequest of key_id, plaintext>"
    assert request.__rich_repr__() == [("present", ("key_id", "plaintext"))]
