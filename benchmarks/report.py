"""Measured numbers, and how they are printed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person at the terminal asked for."""

    seconds: float
    """How long one load lasts."""
    rounds: int
    """How often a load is repeated; the median counts."""
    keys: int
    """How many keys are stored before memory is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    """To what the sub-benchmark compares with, measured beside it; for the path, the bare echo of the same round."""
    goal: str = ""
    """What is aimed at, in words."""


def as_table(title: str, figures: Sequence[Figure]) -> str:
    """Return the figures as lines of aligned text."""
    width = max([len(figure.name) for figure in figures] + [len(title)])
    lines = [f"{title:<{width}}  {'measured':>12} {'':<10} {'ratio':>6}  goal"]
    lines += [_line(figure, width) for figure in figures]
    return "\n".join(lines)


def as_json(sections: dict[str, Sequence[Figure]]) -> str:
    """Return all figures as one JSON object, by sub-benchmark."""
    return msgspec.json.encode({name: [asdict(one) for one in figures] for name, figures in sections.items()}).decode()


def _line(figure: Figure, width: int) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    value = f"{figure.value:,.0f}" if figure.value >= 1000 else f"{figure.value:,.2f}"
    return f"{figure.name:<{width}}  {value:>12} {figure.unit:<10} {ratio:>6}  {figure.goal}".rstrip()
