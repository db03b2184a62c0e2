"""The service model of AWS KMS as botocore reads it: values that it allows, and values that break one constraint."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.serialize import create_serializer
from hypothesis import strategies as st

SERVICE = ServiceModel(Loader().load_service_model("kms", "service-2"), "kms")
OPERATIONS: Mapping[str, OperationModel] = {name: SERVICE.operation_model(name) for name in SERVICE.operation_names}

Value = Any
"""What boto3 takes and gives for a shape: a dictionary, list, text, octets, number, truth value or datetime."""

PATTERNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # shape: texts of a length that its model allows which match its pattern, and which do not
    "AccountIdType": (("123456789012", "000000000000"), ("12345678901x", "12345678901\n", "\uff1122222222222")),
    "AliasNameType": (("alias/a", "a:b_c-d/9"), ("alias/é", "alias/a\n", "alias a", "alias.a")),
    "BackingKeyIdResponseType": (("0", "ab12" * 16), ("", "AB12", "ab12\n")),
    "BackingKeyIdType": (("ab12" * 16,), ("AB12" * 16, "g" + "a" * 63, "a" * 63 + "\n")),
    "CloudHsmClusterIdType": (
        ("cluster-234567abcde", "cluster-abcdefghijk2"),
        ("cluster-0123456789a", "xcluster-234567abcd"),
    ),
    "GrantConstraintSourceArnType": (
        ("arn:aws:s3::123456789012:x", "arn:aws-cn:sns:cn-north-1:123456789012:topic é"),
        ("arn:aws:s3:::bucket/123456789", "arn:aws:s3::123456789012:a\nb", "arn:aws:s3::123456789012:a\u2028b"),
    ),
    "GrantNameType": (("grant-1", "a:b/c_d"), ("grant 1", "grant\n", "ß")),
    "KeyMaterialDescriptionType": (("second half", "a:b/c_d.e-f\tg\nh"), ("", "é", "a,b", "a\u00a0b")),
    "MarkerType": (("marker", "ÿ ~"), ("a\tb", "Ā", "a\n")),
    "PolicyNameType": (("default", "a_9"), ("a-b", "é", "default\n")),
    "PolicyType": (('{"Version": "2012-10-17"}', "\t\n\r ÿ"), ("\x00", "Ā", "a\x0bb")),
    "PrincipalIdType": (("arn:aws:iam::123456789012:user/a.b@c", "kms+=,"), ("a b", "é", "a\n", "a*")),
    "RegionType": (("us-east-1", "us-gov-west-12"), ("us-1", "us-east-a", "US-EAST-1", "us-east-1\n", "a-b-c-d-1")),
    "ServicePrincipalType": (
        ("logs.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ("amazonaws.com", "a..b.c", "a.b.c\n"),
    ),
    "XksKeyIdType": (("key-1_a.b",), ("key 1", "k/1", "key\n")),
    "XksProxyAuthenticationAccessKeyIdType": (
        ("ABCDEFGHIJ2345672345",),
        ("abcdefghij2345672345", "ABCDEFGHIJ2345672340"),
    ),
    "XksProxyAuthenticationRawSecretAccessKeyType": (("aB3/+=" * 8,), ("aB3/+-" * 8, "a" * 43 + "\n")),
    "XksProxyUriEndpointType": (
        ("https://xks.example.com",),
        ("http://xks.example.com", "https://xks.example.com/", "https://x_s.example"),
    ),
    "XksProxyUriPathType": (
        ("/kms/xks/v1", "/a/b_c-d/kms/xks/v12"),
        ("/kms/xks/v123", "/kms/xks/v1/", "kms/xks/v1", "/kms/xks/v1\n"),
    ),
    "XksProxyVpcEndpointServiceNameType": (
        ("com.amazonaws.vpce.us-east-1.vpce-svc-0abc", "eu.amazonaws.vpce.eusc-de-east-1.vpce-svc-0abc"),
        ("org.amazonaws.vpce.us-east-1.vpce-svc-0abc", "com.amazonaws.vpce.us-east-1.vpce-svc-0ABC"),
    ),
}

TEXT = st.characters(exclude_categories=["Cs"])
LONGEST_EXAMPLE = 40


@dataclass(frozen=True, slots=True)
class Breakage:
    """One constraint of a request that can be broken alone: where, by what value, and the clause that tells it."""

    path: tuple[str, ...]
    value: Value
    clause: str


ABSENT = object()
"""The value of a member that is left out."""

ELEMENT = "1.member"
"""The step of a path from a list to its first element."""

Draw = Callable[[st.SearchStrategy[Value]], Value]


def values(shape: Shape) -> st.SearchStrategy[Value]:
    """Values of a shape that meet all constraints of the model, as boto3 takes them and gives them."""
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", LONGEST_EXAMPLE)
    match shape:
        case StructureShape():
            members = {name: values(member) for name, member in shape.members.items()}
            required = {name: members.pop(name) for name in shape.required_members}
            return st.fixed_dictionaries(required, optional=members)
        case ListShape():
            return st.lists(values(shape.member), min_size=least, max_size=min(most, 3))
        case MapShape():
            return st.dictionaries(values(shape.key), values(shape.value), max_size=3)
        case StringShape():
            return texts(shape)
        case _:
            return {
                "blob": st.binary(min_size=least, max_size=min(most, LONGEST_EXAMPLE)),
                "boolean": st.booleans(),
                "integer": st.integers(least, most),
                "timestamp": st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
            }[shape.type_name]


def texts(shape: StringShape) -> st.SearchStrategy[str]:
    """Texts of a shape that meet all constraints of the model."""
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.name in PATTERNS:
        return st.sampled_from(PATTERNS[shape.name][0])
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", LONGEST_EXAMPLE)
    return st.text(TEXT, min_size=least, max_size=max(least, min(most, LONGEST_EXAMPLE)))


def input_of(name: str) -> StructureShape:
    """The shape of an operation's request."""
    shape = OPERATIONS[name].input_shape
    assert shape is not None
    return shape


def body(operation: OperationModel, parameters: Mapping[str, Value]) -> bytes:
    """The body that botocore sends for these parameters; it does not validate them here."""
    serializer = create_serializer("json", include_validation=False)
    encoded: bytes = serializer.serialize_to_request(dict(parameters), operation)["body"]
    return encoded


def lower_camel(name: str) -> str:
    """The name of a member in a message of the service."""
    return name[0].lower() + name[1:]


def breakages(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[Breakage]:
    """Every constraint in a structure or in a list of structures, with a value that breaks it and no other."""
    if isinstance(shape, ListShape):
        yield from breakages(shape.member, (*path, ELEMENT))
    if not isinstance(shape, StructureShape):
        return
    for name, member in shape.members.items():
        here = (*path, name)
        place = ".".join(map(lower_camel, here))
        if name in shape.required_members:
            yield Breakage(
                here, ABSENT, f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
            )
        for value, demand in broken(member):
            yield Breakage(
                here, value, f"Value {told(member, value)}at '{place}' failed to satisfy constraint: {demand}"
            )
        if isinstance(member, ListShape):
            demands = ", ".join(demanded(member.member))
            for value, _ in broken(member.member):
                whole = f"Value '[{value}]' at '{place}' failed to satisfy constraint"
                yield Breakage(here, [value], f"{whole}: Member must satisfy constraint: [{demands}]")
        yield from breakages(member, here)


def told(shape: Shape, value: Value) -> str:
    """How a message repeats a value: not at all if it is a blob or sensitive."""
    if shape.type_name == "blob" or shape.metadata.get("sensitive"):
        return ""
    return f"'[{', '.join(map(str, value))}]' " if isinstance(value, list) else f"'{value}' "


def demanded(shape: Shape) -> list[str]:
    """What the service demands of a value of this shape, in its words."""
    if isinstance(shape, StringShape) and shape.enum:
        return [f"Member must satisfy enum value set: [{', '.join(sorted(shape.enum))}]"]
    noun = "value" if shape.type_name == "integer" else "length"
    words = {
        "max": f"Member must have {noun} less than or equal to",
        "min": f"Member must have {noun} greater than or equal to",
        "pattern": "Member must satisfy regular expression pattern:",
    }
    return [f"{text} {shape.metadata[key]}" for key, text in words.items() if key in shape.metadata]


def broken(shape: Shape) -> Iterator[tuple[Value, str]]:
    """Values that break exactly one constraint of a shape, each with what is demanded."""
    if isinstance(shape, StringShape) and shape.enum:
        yield "NOT_A_VALUE", demanded(shape)[0]
    elif shape.name in PATTERNS:
        yield from ((value, demanded(shape)[-1]) for value in PATTERNS[shape.name][1])
    elif not isinstance(shape, StructureShape):
        bounds = [shape.metadata.get("max"), shape.metadata.get("min")]
        beyond = [None if bound is None else bound + step for bound, step in zip(bounds, (1, -1), strict=True)]
        for size, demand in zip((each for each in beyond if each is not None), demanded(shape), strict=True):
            if shape.type_name == "integer":
                yield size, demand
            elif size >= 0:
                yield SIZED[shape.type_name](size), demand


SIZED: Mapping[str, Callable[[int], Value]] = {
    "string": lambda size: "x" * size,
    "blob": lambda size: b"x" * size,
    "list": lambda size: ["SELF"] * size,  # the lists that have bounds are of enumerated values or of free text
}


def changed(valid: Value, shape: Shape, breakage: Breakage, draw: Draw, depth: int = 0) -> Value:
    """The valid value with one constraint broken; what leads there is drawn where it is absent."""
    if depth == len(breakage.path):
        return breakage.value
    step = breakage.path[depth]
    if isinstance(shape, ListShape):
        first = valid[0] if valid else draw(values(shape.member))
        return [changed(first, shape.member, breakage, draw, depth + 1)]
    assert isinstance(shape, StructureShape)
    member = shape.members[step]
    inner = valid[step] if step in valid else draw(values(member))
    result = {**valid, step: changed(inner, member, breakage, draw, depth + 1)}
    return {name: value for name, value in result.items() if value is not ABSENT}
