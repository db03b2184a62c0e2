"""The precise reading of a request body: slower than one typed decoding, and it says exactly what is wrong.

It accepts what the typed decoding accepts and returns the same; ``decoding`` asks it when the other refuses or cannot
be sure. A wrong type ends the reading (SerializationException); constraints that are not met are gathered, so that one
answer names them all (ValidationException).
"""

from binascii import a2b_base64, b2a_base64
from contextlib import suppress
from functools import cache
from typing import Annotated, Final, TypeVar, cast

from msgspec import Meta, MsgspecError, Raw, inspect, json

from keystead.core.protocols.aws_json.constraints import Kind, kind_of, null_at, unmet, unmet_by_each
from keystead.core.protocols.aws_json.model import Shape, Timestamp
from keystead.errors import ServiceError

T = TypeVar("T")

UNREADABLE: Final = (MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises for bytes that it does not accept."""

ENOUGH_CLAUSES: Final = 100
"""No further structure of a list is judged after so many clauses: else 3 octets of ``{},`` would cost 200 of answer."""

_OBJECT: Final = json.Decoder(dict[str, Raw])
_LIST: Final = json.Decoder(list[Raw])
_TEXT: Final = json.Decoder(str)
_TRUTH: Final = json.Decoder(bool)
_INTEGER: Final = json.Decoder(Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)])
_TIMESTAMP: Final[json.Decoder[int | float]] = json.Decoder(Timestamp)


def read(shape: type[Shape], body: bytes) -> Shape:
    """The request of this shape that the body encodes.

    Raises:
        ServiceError: SerializationException for bytes that are not a JSON object in UTF-8 or have a member of another
            type; ValidationException naming the constraints that are not met. Neither repeats a secret.
    """
    if not is_utf8(body):
        raise ServiceError("SerializationException", "The request body is not UTF-8.")
    broken: list[str] = []
    request = _value(_declared(shape), body, "", broken)
    if broken:
        errors = "error" if len(broken) == 1 else "errors"
        raise ServiceError("ValidationException", f"{len(broken)} validation {errors} detected: {'; '.join(broken)}")
    return cast(Shape, request)


@cache
def _declared(shape: type[Shape]) -> Kind:
    """The shape as ``inspect`` tells it: the same each time, and long in the telling."""
    return kind_of(inspect.type_info(shape))


def is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8 (RFC 3629: no overlong form, no surrogate)."""
    if body.isascii():
        return True
    with suppress(UnicodeDecodeError):
        body.decode()
        return True
    return False


def _value(kind: Kind, raw: bytes, place: str, broken: list[str]) -> object:
    """What ``raw`` encodes, in its declared type; a clause for whatever breaks a constraint is added to ``broken``."""
    value: object
    match kind.type:
        case inspect.StructType():
            return _structure(kind.type, _parse(_OBJECT, raw, place, "a JSON object"), place, broken)
        case inspect.ListType(item_type=declared):
            value = _list(kind_of(declared), _parse(_LIST, raw, place, "a JSON array"), place, broken)
        case inspect.DictType(value_type=declared):
            value = _map(kind_of(declared), _parse(_OBJECT, raw, place, "a JSON object"), place, broken)
        case _:
            value = _scalar(kind, raw, place)
    broken.extend(unmet(kind, value, place))
    return value


def _structure(declared: inspect.StructType, members: dict[str, Raw], place: str, broken: list[str]) -> object:
    """The structure, or None once anything is broken: then no request will be returned."""
    given: dict[str, object] = {}
    for field in declared.fields:
        name = field.encode_name
        inside = f"{place}.{name[0].lower()}{name[1:]}".removeprefix(".")
        raw = members.get(name)
        if raw is not None and not _is_null(raw):
            given[field.name] = _value(kind_of(field.type), raw, inside, broken)
        elif field.required:
            broken.append(null_at(inside))
    return None if broken else declared.cls(**given)


def _list(item: Kind, elements: list[Raw], place: str, broken: list[str]) -> list[object]:
    if isinstance(item.type, inspect.StructType):
        return _structures(item, elements, place, broken)
    values = [None if _is_null(raw) else _scalar(item, raw, place) for raw in elements]
    broken.extend(unmet_by_each(item, values, values, place, "Member"))
    return values


def _structures(item: Kind, elements: list[Raw], place: str, broken: list[str]) -> list[object]:
    values: list[object] = []
    for number, raw in enumerate(elements, start=1):
        if len(broken) >= ENOUGH_CLAUSES:
            break
        values.append(_element(item, raw, f"{place}.{number}.member", broken))
    return values


def _element(item: Kind, raw: Raw, place: str, broken: list[str]) -> object:
    if _is_null(raw):
        broken.append(null_at(place))
        return None
    return _value(item, raw, place, broken)


def _map(item: Kind, entries: dict[str, Raw], place: str, broken: list[str]) -> dict[str, object]:
    values = {key: None if _is_null(raw) else _scalar(item, raw, place) for key, raw in entries.items()}
    broken.extend(unmet_by_each(item, values.values(), values, place, "Map value"))
    return values


def _scalar(kind: Kind, raw: bytes, place: str) -> object:
    match kind.type:
        case inspect.StrType() | inspect.LiteralType():
            return _parse(_TEXT, raw, place, "a string")
        case inspect.BytesType():
            return _blob(_parse(_TEXT, raw, place, "a string"), place)
        case inspect.BoolType():
            return _parse(_TRUTH, raw, place, "a boolean")
        case inspect.IntType():
            return _parse(_INTEGER, raw, place, "a 32-bit integer")
        case _:
            return _parse(_TIMESTAMP, raw, place, "a timestamp in seconds since the epoch")


def _blob(text: str, place: str) -> bytes:
    """The octets of canonical base64 (RFC 4648, sections 3.5 and 4): padded, no other character, no stray bits."""
    with suppress(ValueError):
        octets = a2b_base64(text, strict_mode=True)
        if b2a_base64(octets, newline=False) == text.encode():
            return octets
    raise _mistyped(place, "canonical base64")


def _parse(decoder: json.Decoder[T], raw: bytes, place: str, wanted: str) -> T:
    with suppress(*UNREADABLE):
        return decoder.decode(raw)
    # Raised out here: an exception of the decoder may hold the bytes and must not come along as the context.
    raise _mistyped(place, wanted)


def _mistyped(place: str, wanted: str) -> ServiceError:
    subject = f"The value at '{place}'" if place else "The request body"
    return ServiceError("SerializationException", f"{subject} is not {wanted}.")


def _is_null(raw: Raw) -> bool:
    return bytes(raw) == b"null"
