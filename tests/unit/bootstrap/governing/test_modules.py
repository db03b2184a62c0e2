"""A module is let in only after somebody said what its fingerprint is."""

import pytest

from keystead.bootstrap.governing.modules import _confirm
from keystead.errors import OperatorError

SHOWN = "0123 4567 89ab cdef"


def test_the_right_fingerprint_is_taken_however_it_is_spaced() -> None:
    """It is copied from a log, with or without its spaces."""
    _confirm("module-3", SHOWN, SHOWN)
    _confirm("module-3", SHOWN, "0123456789abcdef")


@pytest.mark.parametrize("said", [None, "", "0123", "0123456789abcdee"])
def test_nothing_else_is(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither silence nor a part of it confirms a fingerprint."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(OperatorError, match="fingerprint"):
        _confirm("module-3", SHOWN, said)
