"""Quorum rules as people write and read them: ``2 of (ada, ben, cy) and 1 of (dee, eve)``.

    rule      = group *("and" group)
    group     = count "of" "(" operators ")" / count "of" "(" rules ")" / "(" rule ")"
    operators = operator *("," operator)
    rules     = rule *(";" rule)
    operator  = the operator's name, or the first digits of its id if names do not tell it from another

Rules that are joined by "and" must all be satisfied. Names are those of the domain as it will be.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from keystead.core.domain.quorum import KOfOperators, KOfRules, Rule
from keystead.core.domain.state import DomainState, Operator
from keystead.errors import FormatError
from keystead.identifiers import OperatorId

_WORD: Final = re.compile(r"\s*([(),;]|[^\s(),;]+)")
_SHORTEST_ID: Final = 8
_DEEPEST: Final = 16


def in_words(rule: Rule, state: DomainState) -> str:
    """Return the rule in words; ``parsed`` reads them back."""
    if isinstance(rule, KOfOperators):
        return f"{rule.count} of ({', '.join(sorted(operator_in_words(one, state) for one in rule.operators))})"
    parts = [in_words(one, state) for one in rule.rules]
    if rule.count == len(parts) > 1:
        return " and ".join(
            f"({words})" if isinstance(one, KOfRules) and one.count == len(one.rules) > 1 else words
            for one, words in zip(rule.rules, parts, strict=True)
        )
    return f"{rule.count} of ({'; '.join(parts)})" if len(parts) > 1 else f"{rule.count} of ({parts[0]};)"


def operator_in_words(operator: bytes, state: DomainState) -> str:
    """Return the operator's name, or the first digits of its id where the name would not tell who it is."""
    listed = state.operator(OperatorId(operator))
    if listed is not None and sum(one.name == listed.name for one in state.operators) == 1:
        return listed.name
    length = _SHORTEST_ID
    while sum(one.id.hex().startswith(operator.hex()[:length]) for one in state.operators) > 1:
        length += 1
    return operator.hex()[:length]


def named_operator(name: str, operators: Iterable[Operator]) -> Operator:
    """Return the operator with this name, or whose id begins so; raises FormatError unless there is exactly one."""
    listed = tuple(operators)
    found = [one for one in listed if one.name == name]
    if not found and len(name) >= _SHORTEST_ID:
        found = [one for one in listed if one.id.hex().startswith(name)]
    if len(found) != 1:
        raise FormatError(f"{name!r} names {'several operators' if found else 'no operator'} of the domain")
    return found[0]


def parsed(words: str, state: DomainState) -> Rule:
    """Return the rule that the words say, with operators in order of their ids.

    Raises FormatError. Whether it can be satisfied is judged by ``quorum.check_rules``.
    """
    reader = _Reader(words, lambda name: named_operator(name, state.operators).id)
    rule = reader.rule()
    reader.end()
    return rule


class _Reader:
    """Reads the grammar above, a word at a time."""

    def __init__(self, words: str, operator: Callable[[str], OperatorId]) -> None:
        self._words = _WORD.findall(words)
        self._operator = operator
        self._next = 0
        self._depth = 0

    def rule(self) -> Rule:
        """Read groups joined by "and"."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FormatError("the rule is nested too deeply")
        groups = [self._group()]
        while self._peek() == "and":
            self._take("and")
            groups.append(self._group())
        self._depth -= 1
        return groups[0] if len(groups) == 1 else KOfRules(len(groups), tuple(groups))

    def end(self) -> None:
        """Refuse what comes after the rule."""
        if self._peek():
            raise FormatError(f"the rule ends before {self._peek()!r}")

    def _group(self) -> Rule:
        if self._peek() == "(":
            self._take("(")
            rule = self.rule()
            self._take(")")
            return rule
        count = self._count()
        self._take("of")
        self._take("(")
        rule = self._rules(count) if self._peek() == "(" or self._is_group() else self._operators(count)
        self._take(")")
        return rule

    def _is_group(self) -> bool:
        """Whether a group begins here; else it is the name of an operator."""
        return self._words[self._next + 1 : self._next + 3] == ["of", "("]

    def _rules(self, count: int) -> Rule:
        rules = [self.rule()]
        while self._peek() == ";":
            self._take(";")
            if self._peek() != ")":
                rules.append(self.rule())
        return KOfRules(count, tuple(rules))

    def _operators(self, count: int) -> Rule:
        operators = [self._operator(self._word())]
        while self._peek() == ",":
            self._take(",")
            operators.append(self._operator(self._word()))
        if len(set(operators)) != len(operators):
            raise FormatError("a group names an operator twice")
        return KOfOperators(count, tuple(sorted(operators)))

    def _count(self) -> int:
        word = self._word()
        if not (word.isascii() and word.isdecimal() and 1 <= len(word) <= 2 and 1 <= int(word) <= 64):  # noqa: PLR2004
            raise FormatError(f"{word!r} is no number from 1 to 64: a group begins with how many must sign")
        return int(word)

    def _word(self) -> str:
        word = self._peek()
        if word in {"", "(", ")", ",", ";"}:
            raise FormatError(f"the rule ends too early, or has {word!r} where a word belongs")
        self._next += 1
        return word

    def _take(self, expected: str) -> None:
        if self._peek() != expected:
            raise FormatError(f"{expected!r} is missing before {self._peek() or 'the end'!r}")
        self._next += 1

    def _peek(self) -> str:
        return self._words[self._next] if self._next < len(self._words) else ""
