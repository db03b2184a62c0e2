"""What an operator may choose of rates."""

from math import inf

import pytest

from keystead.bootstrap.request_quotas import rates, read
from keystead.core.operations.quotas import QUOTAS
from keystead.errors import OperatorError


def test_nothing_chosen_is_the_default() -> None:
    """The rates of the documentation hold."""
    assert rates(read([])) == QUOTAS


def test_what_is_named_goes_before_all() -> None:
    """In whatever order they are given."""
    chosen = rates(read(["CreateKey=0.5", "all=inf"]))
    assert chosen == rates(read(["all=inf", "CreateKey=0.5"]))
    assert chosen.pop("CreateKey") == 0.5
    assert set(chosen.values()) == {inf}
    assert chosen.keys() | {"CreateKey"} == QUOTAS.keys()


PROBLEMS = {
    "no rate": ("CreateKey", "'CreateKey' is no request quota"),
    "a rate that is no number": ("CreateKey=fast", "'CreateKey=fast' is no request quota"),
    "an operation that shares": ("Encrypt=5", "there is no request quota Encrypt"),
    "an unknown name": ("createkey=5", "there is no request quota createkey"),
    "a rate of zero": ("CreateKey=0", "0 requests a second is no rate"),
    "a rate below zero": ("all=-1", "-1 requests a second is no rate"),
    "a rate that is not a number": ("all=nan", "nan requests a second is no rate"),
}


@pytest.mark.parametrize(("option", "problem"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_is_wrong_is_told(option: str, problem: str) -> None:
    """By name, with the page that has the names."""
    with pytest.raises(OperatorError, match=problem) as told:
        read([option])
    assert "docs/reference/request-quotas.md" in told.value.next_step
