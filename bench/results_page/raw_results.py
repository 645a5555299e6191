"""Reading raw figures: medians, spreads, and who is better."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BACKENDS = ("canned", "engine", "memory")
OURS = "ratelimit-ddb"


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure's rounds.

    Attributes:
        median, low, high: of the rounds.
    """

    median: float
    low: float
    high: float

    def overlaps(self, other: Spread) -> bool:
        """Whether these rounds do not tell the two apart."""
        return self.low <= other.high and other.low <= self.high


def spread(rounds: Sequence[float]) -> Spread:
    """Of some rounds; at least one."""
    return Spread(statistics.median(rounds), min(rounds), max(rounds))


def is_ours(name: str) -> bool:
    """Whether a contender is this project."""
    return name.startswith(OURS)


def cell(raw: Mapping[str, Any], backend: str, name: str, case: str, at_once: int) -> Any:
    """The figures of a contender, or None where it has none."""
    cases = raw.get(backend, {}).get("results", {}).get(name, {})
    return cases.get(case, {}).get(str(at_once))


def column(
    raw: Mapping[str, Any], backend: str, case: str, at_once: int, figure: str
) -> dict[str, Spread]:
    """One figure of everyone who has it."""
    found = {}
    for name in raw.get(backend, {}).get("results", {}):
        figures = cell(raw, backend, name, case, at_once)
        if figures is not None:
            found[name] = spread(figures[figure])
    return found


def points(curve: Mapping[str, Any], figure: str) -> dict[str, dict[float, float]]:
    """A figure's medians by name and x, of a section of scale.py."""
    return {
        name: {
            float(x): statistics.median(figures[figure])
            for x, figures in by_x.items()
            if figure in figures
        }
        for name, by_x in curve["results"].items()
        if any(figure in figures for figures in by_x.values())
    }


def number(value: float) -> str:
    """A value with three digits that count, or so."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"
