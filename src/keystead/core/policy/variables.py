"""Policy variables, and the context that they take their values from (``spec/policy.md``, Variables).

``${key}`` stands for the request's value of a condition key, ``${key, 'text'}`` for the text if there is no such
value; ``${*}``, ``${?}`` and ``${$}`` stand for these characters themselves. A value that was put in is literal: no
character of it is a wildcard.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from keystead.core.policy.malformed import malformed
from keystead.core.policy.patterns import Part, Wild

Values: TypeAlias = str | tuple[str, ...]
"""The value of a condition key; a tuple where the key may have several."""
Context: TypeAlias = Mapping[str, Values]
"""Values of condition keys by lower-case key."""


class Variable(msgspec.Struct, frozen=True, gc=False):
    """A place where a value of the request goes."""

    key: str
    """In lower case."""
    default: str | None

    def value(self, context: Context) -> str | None:
        """Return what to put here, or None if the request has no such value, or several."""
        values = context.get(self.key, ())
        if isinstance(values, str):
            return values
        return values[0] if len(values) == 1 else self.default


Template: TypeAlias = tuple[Part | Variable, ...]

_PART: Final = re.compile(
    r"\$\{(?P<itself>[*?$])\}"
    r"|\$\{(?P<key>[^{}$,'*?]+)(?:,\s*'(?P<default>[^']*)'\s*)?\}"
    r"|(?P<wild>[*?])"
    r"|(?P<literal>[^$*?]+|\$(?!\{))"
)
_WILD: Final = re.compile(r"(?P<wild>[*?])|(?P<literal>[^*?]+)")


def template(text: str, *, variables: bool, wildcards: bool) -> Template:
    """Return the parts of the text; in documents of 2008-10-17 there are no variables.

    Raises:
        ServiceError: MalformedPolicyDocumentException for a ``${`` that begins no variable.
    """
    grammar = _PART if variables else _WILD
    parts: list[Part | Variable] = []
    place = 0
    while place < len(text):
        found = grammar.match(text, place)
        if found is None:
            raise malformed("A policy variable is not well formed.")
        place = found.end()
        _append(parts, _part(found, wildcards=wildcards))
    return tuple(parts)


def _part(found: re.Match[str], *, wildcards: bool) -> Part | Variable:
    groups = found.groupdict()
    if groups["wild"]:
        return Wild(groups["wild"]) if wildcards else found.group()
    if groups["literal"]:
        return found.group()
    if groups["itself"]:
        return found.group("itself")
    key = found.group("key").strip().lower()
    if ":" not in key:
        raise malformed("A policy variable does not name a condition key.")
    return Variable(key, groups["default"])


def _append(parts: list[Part | Variable], part: Part | Variable) -> None:
    if isinstance(part, str) and parts and isinstance(parts[-1], str):
        parts[-1] += part
    else:
        parts.append(part)


def is_fixed(parts: Template) -> bool:
    """Whether there is no variable in it."""
    return not any(isinstance(part, Variable) for part in parts)


def resolved(parts: Template, context: Context) -> tuple[Part, ...] | None:
    """Return the parts with values in place of the variables, or None if one of them has no value."""
    found: list[Part] = []
    for part in parts:
        value = part.value(context) if isinstance(part, Variable) else part
        if value is None:
            return None
        found.append(value)
    return tuple(found)
