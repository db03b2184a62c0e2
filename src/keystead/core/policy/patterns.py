"""Wildcard patterns: ``*`` stands for any number of characters, ``?`` for one (``spec/policy.md``, Patterns).

Matching takes time in proportion to the text: a pattern is cut at its ``*``, and of each piece the leftmost place is
taken, which is never wrong, because what follows a ``*`` may begin anywhere behind it. Nothing is tried twice. A piece
with ``?`` in it is searched by the shift-and method (Baeza-Yates and Gonnet, 1992): one step of integer arithmetic for
each character, however often the piece nearly fits. All of it is charged to the budget of the decision.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final, TypeAlias

from keystead.core.policy.budget import Budget


class Wild(Enum):
    """A wildcard of a pattern."""

    ONE = "?"
    MANY = "*"


Part: TypeAlias = str | Wild
Match: TypeAlias = Callable[[str, Budget], bool]

_CHARACTERS: Final = 64
"""Characters that a search for plain text passes in one step."""
_BITS: Final = 1024
"""Bits that integer arithmetic handles in one step."""
_WILD: Final = {wild.value: wild for wild in Wild}


def anything(_text: str, _budget: Budget) -> bool:
    """Match every text."""
    return True


def pattern(text: str) -> tuple[Part, ...]:
    """Return the parts of a pattern in which every ``*`` and ``?`` is a wildcard."""
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[Part]:
    start = 0
    for place, character in enumerate(text):
        if character in _WILD:
            if place > start:
                yield text[start:place]
            yield _WILD[character]
            start = place + 1
    if start < len(text):
        yield text[start:]


def matcher(parts: Sequence[Part]) -> Match:
    """Return the function that tells whether a text matches the whole pattern."""
    pieces = [_Piece(run) for run in _cut(parts)]
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return first.is_all_of
    middle = [piece for piece in pieces[1:-1] if piece.size]
    if not (middle or first.size or last.size):
        return anything
    least = sum(piece.size for piece in pieces)
    ends = first.steps + last.steps

    def match(text: str, budget: Budget) -> bool:
        end = len(text) - last.size
        if len(text) < least:
            budget.spend(2)
            return False
        budget.spend(ends)
        if not (first.is_at(text, 0) and last.is_at(text, end)):
            return False
        place = first.size
        for piece in middle:
            found = piece.find(text, place, end, budget)
            if found < 0:
                return False
            place = found + piece.size
        return True

    return match


def _cut(parts: Sequence[Part]) -> list[list[Part]]:
    runs: list[list[Part]] = [[]]
    for part in parts:
        if part is Wild.MANY:
            runs.append([])
        else:
            runs[-1].append(part)
    return runs


class _Piece:
    """What stands between two ``*``: characters, and places where any character may stand."""

    __slots__ = ("_literal", "_marks", "_runs", "_wild", "size")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._runs: list[tuple[int, str]] = []
        self._marks: dict[str, int] = {}
        self._wild = 0
        self.size = 0
        for part in parts:
            if isinstance(part, str):
                self._add(part)
            else:
                self._wild |= 1 << self.size
                self.size += 1
        self._literal = "".join(run for _, run in self._runs) if not self._wild else None

    def _add(self, run: str) -> None:
        self._runs.append((self.size, run))
        for character in run:
            self._marks[character] = self._marks.get(character, 0) | 1 << self.size
            self.size += 1

    @property
    def steps(self) -> int:
        """What it takes to compare the piece at one place."""
        return 4 + len(self._runs)

    def is_all_of(self, text: str, budget: Budget) -> bool:
        budget.spend(self.steps)
        return len(text) == self.size and self.is_at(text, 0)

    def is_at(self, text: str, place: int) -> bool:
        return all(text.startswith(run, place + offset) for offset, run in self._runs)

    def find(self, text: str, start: int, end: int, budget: Budget) -> int:
        """Return the leftmost place within ``text[start:end]``, or -1."""
        if self._literal is not None:
            budget.spend(1 + (end - start) // _CHARACTERS)
            return text.find(self._literal, start, end)
        budget.spend((end - start) * (1 + self.size // _BITS))
        seen, found = 0, 1 << (self.size - 1)
        for place in range(start, end):
            seen = (seen << 1 | 1) & (self._marks.get(text[place], 0) | self._wild)
            if seen & found:
                return place - self.size + 1
        return -1
