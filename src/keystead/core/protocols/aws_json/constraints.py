"""The constraints of the service model in the words of the service (spec/aws-json.md, "Validation")."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import inspect

NOT_NULL: Final = "Member must not be null"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a member may be: its type without null, and what the model notes about it."""

    type: inspect.Type
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Whether its values must never be repeated to anyone: the model says so, or it is a blob."""
        return isinstance(self.type, inspect.BytesType) or "sensitive" in self.notes


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint: what it demands, in the words of the service, and whether a value meets it."""

    demand: str
    holds: Callable[[Any], bool]


def kind_of(declared: inspect.Type) -> Kind:
    """The kind of a declared type: optional members lose their null, annotated ones keep their notes."""
    match declared:
        case inspect.UnionType(types=(inner, inspect.NoneType())):
            return kind_of(inner)
        case inspect.Metadata(type=inner, extra=dict(notes)):
            return Kind(inner, notes)
        case _:
            return Kind(declared)


def constraints(kind: Kind) -> Iterator[Constraint]:
    """The constraints that the model puts on a kind, in the order in which the service tells them."""
    match kind.type:
        case inspect.LiteralType(values=values):
            yield Constraint(
                f"Member must satisfy enum value set: [{', '.join(map(str, values))}]", lambda value: value in values
            )
        case inspect.IntType(ge=low, le=high):
            yield from _range("value", low, high, lambda value: value)
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            yield from _range("length", low, high, len)
            if pattern is not None:
                demand = f"Member must satisfy regular expression pattern: {kind.notes['pattern']}"
                yield Constraint(demand, lambda value: re.search(pattern, value) is not None)
        case inspect.BytesType(min_length=low, max_length=high) | inspect.ListType(min_length=low, max_length=high):
            yield from _range("length", low, high, len)
        case _:
            return


def null_at(place: str) -> str:
    """The clause for a required member that is absent or null."""
    return f"Value null at '{place}' failed to satisfy constraint: {NOT_NULL}"


def unmet(kind: Kind, value: object, place: str) -> Iterator[str]:
    """A clause for each constraint on its kind that the value does not meet."""
    return (_clause(kind, value, place, each.demand) for each in constraints(kind) if not each.holds(value))


def unmet_by_each(kind: Kind, values: Collection[object], whole: object, place: str, noun: str) -> Iterator[str]:
    """One clause that lists what is demanded of every value, if any of them does not meet it or is null."""
    demanded = list(constraints(kind))
    if None in values:
        yield _clause(kind, whole, place, f"{noun} must satisfy constraint: [{NOT_NULL}]")
    elif not all(each.holds(value) for each in demanded for value in values):
        demands = ", ".join(each.demand for each in demanded)
        yield _clause(kind, whole, place, f"{noun} must satisfy constraint: [{demands}]")


def _range(noun: str, low: int | None, high: int | None, size: Callable[[Any], int]) -> Iterator[Constraint]:
    if high is not None:
        yield Constraint(f"Member must have {noun} less than or equal to {high}", lambda value: size(value) <= high)
    if low is not None:
        yield Constraint(f"Member must have {noun} greater than or equal to {low}", lambda value: size(value) >= low)


def _clause(kind: Kind, value: object, place: str, demand: str) -> str:
    told = "" if kind.secret else f"'{_told(value)}' "
    return f"Value {told}at '{place}' failed to satisfy constraint: {demand}"


def _told(value: object) -> str:
    match value:
        case None:
            return "null"
        case list():
            return f"[{', '.join(map(_told, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}={_told(each)}' for key, each in value.items())}}}"
        case _:
            return str(value)
