"""What the generated shapes are made of."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from typing_extensions import override


class Shape(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal", gc=False):
    """A structure of the service model.

    Python names are snake case, names on the wire those of the model; an absent member is None and is not encoded. Some
    members are secrets, so the representation tells which members are present and never a value.
    """

    def present(self) -> tuple[str, ...]:
        """Names of the members that are not absent."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(self.present())}>"

    @override
    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("present", self.present())]


Blob = bytes | bytearray | memoryview
"""A blob of an answer: encoded as base64 straight from a buffer that can be wiped."""

YEAR_1: Final = -62_135_596_800
YEAR_9999: Final = 253_402_300_799
Timestamp = Annotated[int, Meta(ge=YEAR_1, le=YEAR_9999)] | Annotated[float, Meta(ge=YEAR_1, le=YEAR_9999)]
"""Seconds since the epoch, with a fraction or without, inside the years that a calendar can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledOperation:
    """An operation as the service model declares it; ``output`` is None where its answer has no body."""

    name: str
    input: type[Shape]
    output: type[Shape] | None
    errors: frozenset[str]
    paginated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledError:
    """An error as the service model declares it: ``fault`` says that the service is at fault, not its caller."""

    status: int
    fault: bool
