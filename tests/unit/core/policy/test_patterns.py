"""Wildcards: ``*`` for any number of characters, ``?`` for exactly one."""

import re

import pytest

from keystead.core.policy.budget import Budget
from keystead.core.policy.patterns import anything, matcher, pattern

MATCHES = {
    "a text without wildcards matches itself": ("kms:encrypt", "kms:encrypt"),
    "the empty pattern matches the empty text": ("", ""),
    "a star matches the empty text": ("*", ""),
    "a star matches every text": ("*", "any\nthing"),
    "two stars are one": ("a**b", "ab"),
    "a star at the end matches nothing at all": ("kms:re*", "kms:re"),
    "a star at the end matches a rest": ("kms:re*", "kms:reencryptto"),
    "a star at the beginning matches a head": ("*key", "datakey"),
    "a star in the middle matches nothing": ("a*c", "ac"),
    "a star in the middle matches a middle": ("a*c", "abbbc"),
    "pieces are found in their order": ("*b*d*", "abcde"),
    "a piece is found behind a false start": ("*abc*", "ababc"),
    "the last piece stands at the end even if it is found before": ("a*b", "abab"),
    "a question mark matches one character": ("a?c", "abc"),
    "question marks match as many characters as they are": ("???", "abc"),
    "a question mark matches a line feed": ("?", "\n"),
    "a piece with a question mark is found behind a false start": ("*a?c*", "aabxaycz"),
    "a question mark begins a piece": ("*?b*", "ab"),
    "only question marks between stars demand length": ("*??*", "ab"),
    "a question mark ends the text": ("*a?", "xxab"),
    "a bracket is a bracket": ("[ab]", "[ab]"),
    "a dot is a dot": ("a.c", "a.c"),
    "characters beyond ASCII are characters": ("ä?*", "äöü"),
}
DIFFERS = {
    "a longer text does not match": ("abc", "abcd"),
    "a shorter text does not match": ("abc", "ab"),
    "another case does not match": ("abc", "ABC"),
    "the empty pattern matches no text": ("", "a"),
    "a question mark matches no empty text": ("?", ""),
    "a question mark matches no two characters": ("?", "ab"),
    "head and tail may not overlap": ("aba*aba", "ababa"),
    "a middle piece may not reach into the tail": ("*ab*b", "ab"),
    "pieces in another order do not match": ("*d*b*", "abcd"),
    "a dot is not any character": ("a.c", "abc"),
    "a bracket is no set": ("[ab]", "a"),
    "only question marks between stars demand length": ("*??*", "a"),
    "a piece with a question mark that is nowhere does not match": ("*a?c*", "abbcab"),
    "a wrong head does not match": ("kms:re*", "kms:encrypt"),
}


@pytest.mark.parametrize(("written", "text"), MATCHES.values(), ids=MATCHES.keys())
def test_matches(written: str, text: str) -> None:
    """The pattern matches the text."""
    assert matcher(pattern(written))(text, Budget())


@pytest.mark.parametrize(("written", "text"), DIFFERS.values(), ids=DIFFERS.keys())
def test_differs(written: str, text: str) -> None:
    """The pattern does not match the text."""
    assert not matcher(pattern(written))(text, Budget())


def test_agrees_with_regular_expressions_on_every_short_text() -> None:
    """Every pattern of up to four and every text of up to four of the same characters agree with ``re``."""

    def words(letters: str, most: int) -> list[str]:
        found = [""]
        for _ in range(most):
            found += [word + letter for word in found for letter in letters if len(word + letter) <= most]
        return sorted(set(found))

    texts = words("ab", 4)
    for written in words("ab*?", 4):
        expression = re.compile(re.escape(written).replace(r"\*", ".*").replace(r"\?", "."))
        match = matcher(pattern(written))
        assert [bool(expression.fullmatch(text)) for text in texts] == [match(text, Budget()) for text in texts], (
            written
        )


def test_a_pattern_of_the_greatest_size_ends() -> None:
    """What would keep a backtracking matcher busy for ever is answered: thousands of stars and question marks."""
    text, budget = "a" * 8_000, Budget(10_000_000)
    assert not matcher(pattern("*a" * 10_000 + "b"))(text, budget)
    assert not matcher(pattern("*" + "a?" * 2_000 + "b*"))(text, budget)
    assert matcher(pattern("*a" * 4_000))(text, budget)


def test_the_star_alone_costs_nothing() -> None:
    """``*`` is recognised when it is made, not tried on each text."""
    assert matcher(pattern("**")) is anything
