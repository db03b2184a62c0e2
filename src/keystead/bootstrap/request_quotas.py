"""The rates at which accounts may ask: what an operator chose in the place of the defaults."""

from collections.abc import Iterable, Mapping
from typing import Final

from keystead.core.operations.quotas import QUOTAS
from keystead.errors import OperatorError

ALL: Final = "all"
"""Names every quota that is not chosen by its own name."""
_SEE: Final = "see docs/reference/request-quotas.md"


def read(options: Iterable[str]) -> dict[str, float]:
    """Return what was chosen on a command line as ``NAME=RATE``; raises OperatorError as ``rates`` does."""
    chosen = {}
    for option in options:
        name, _, rate = option.partition("=")
        try:
            chosen[name] = float(rate)
        except ValueError:
            raise OperatorError(
                f"{option!r} is no request quota", f"write NAME=RATE, such as CreateKey=20; {_SEE}"
            ) from None
    rates(chosen)
    return chosen


def rates(chosen: Mapping[str, float]) -> dict[str, float]:
    """Return the rate of every quota, in requests a second; infinity is without limit.

    Raises:
        OperatorError: there is no quota of a name, or a rate is not above 0.
    """
    for name, rate in chosen.items():
        if name != ALL and name not in QUOTAS:
            raise OperatorError(f"there is no request quota {name}", _SEE)
        if not rate > 0:
            raise OperatorError(
                f"{rate:g} requests a second is no rate for {name}", f"choose more than 0, or inf for no limit; {_SEE}"
            )
    return {name: chosen.get(name, chosen.get(ALL, default)) for name, default in QUOTAS.items()}
