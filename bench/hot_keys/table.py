"""The figures of cases as a table: a line each, with the aims that were missed."""

from __future__ import annotations

import math

from bench.hot_keys.case import Case
from bench.hot_keys.figures import NAMES, Figures, missed

HEADINGS = {
    "admitted_over_due": "adm/due",
    "least_served": "least",
    "throttled": "thr/s",
    "writes": "writes/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
}


def heading() -> str:
    """The first line of the table."""
    columns = "".join(f"{HEADINGS.get(name, name):>9}" for name in NAMES)
    return f"{'limit, processes, offered':<26}{columns}  aims"


def line(case: Case, figures: Figures) -> str:
    """A case in a line."""
    columns = "".join(f"{_shown(getattr(figures, name)):>9}" for name in NAMES)
    return f"{case.name:<26}{columns}  {'; '.join(missed(figures, case.all_aims)) or 'met'}"


def _shown(figure: float) -> str:
    if math.isnan(figure):
        return "-"
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.4g}"
