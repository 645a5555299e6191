"""Plots as SVG: bars and lines, with colours for light and for dark pages, and text as text.

The picture brings its own background, so it is readable wherever it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 760
MARGIN = 20
TOP = 62
ROW = 26
LABEL_WIDTH = 260
VALUE_WIDTH = 150
PLOT_HEIGHT = 270
AXIS_LEFT = 74
AXIS_BOTTOM = 46
LEGEND_ROW = 20
CHARACTER = 6.6
"""How wide a character of the legend is, about."""

_LIGHT = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626", "#0891b2", "#64748b")
_DARK = ("#60a5fa", "#fbbf24", "#34d399", "#c084fc", "#f87171", "#22d3ee", "#94a3b8")
_MARKS = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its spread.

    Attributes:
        label: whose it is.
        value, low, high: the median, and the least and most of the rounds.
        is_ours: drawn to stand out.
        text: what is written behind it.
    """

    label: str
    value: float
    low: float
    high: float
    is_ours: bool
    text: str


def bars(title: str, subtitle: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars from zero, the shortest first; a line through each end is its spread."""
    width = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH
    most = max((row.high for row in rows), default=1.0) or 1.0
    left = MARGIN + LABEL_WIDTH
    parts = []
    for number, row in enumerate(sorted(rows, key=lambda row: row.value)):
        y = TOP + number * ROW
        long = max(1.0, row.value / most * width)
        low, high = left + row.low / most * width, left + row.high / most * width
        kind = "s0" if row.is_ours else "s6"
        strong = " strong" if row.is_ours else ""
        parts.append(_text(left - 8, y + 13, row.label, f"label end{strong}"))
        parts.append(f'<rect class="{kind} fill" x="{left}" y="{y + 2}" width="{long:.1f}" '
                     f'height="{ROW - 9}" rx="2"/>')  # fmt: skip
        parts.append(f'<path class="whisker" d="M{low:.1f} {y + 10.5}H{high:.1f}"/>')
        parts.append(_text(max(left + long, high) + 7, y + 14.5, row.text, f"value{strong}"))
    return _document(title, subtitle, TOP + len(rows) * ROW + 14, parts)


Points = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Axes:
    """How lines are laid out.

    Attributes:
        x, y: what the axes show.
        is_log_x, is_log_y: whether equal factors are equally long.
        y_text: how a value of the y axis is written.
        marked_y: a value to draw a line at.
    """

    x: str
    y: str
    is_log_x: bool = True
    is_log_y: bool = False
    y_text: Callable[[float], str] = "{:,.9g}".format
    marked_y: float | None = None


def lines(title: str, subtitle: str, series: Mapping[str, Points], axes: Axes) -> str:
    """A line each, with marks where it was measured."""
    legend, legend_rows = _legend(list(series))
    top = TOP + legend_rows * LEGEND_ROW
    left, right = MARGIN + AXIS_LEFT, WIDTH - MARGIN - 12
    bottom = top + PLOT_HEIGHT
    xs = sorted({x for points in series.values() for x in points})
    ys = [y for points in series.values() for y in points.values()]
    ticks = _ticks(ys, axes)
    x_at = _scale(xs[0], xs[-1], left + 8, right, axes.is_log_x)
    y_at = _scale(ticks[0], ticks[-1], bottom, top, axes.is_log_y)
    parts = [*legend]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{left} {y_at(tick):.1f}H{right}"/>')
        parts.append(_text(left - 8, y_at(tick) + 4, axes.y_text(tick), "tick end"))
    parts += [_text(x_at(x), bottom + 18, f"{x:,.0f}", "tick middle") for x in xs]
    if axes.marked_y is not None:
        parts.append(f'<path class="marked" d="M{left} {y_at(axes.marked_y):.1f}H{right}"/>')
    for number, points in reversed(list(enumerate(series.values()))):
        parts += _line(number, [(x_at(x), y_at(y)) for x, y in sorted(points.items())])
    parts.append(_text((left + right) / 2, bottom + 38, axes.x, "axis middle"))
    parts.append(_text(MARGIN, top - 8, axes.y, "axis"))
    return _document(title, subtitle, bottom + AXIS_BOTTOM, parts)


def _line(number: int, at: Sequence[tuple[float, float]]) -> list[str]:
    kind = f"s{number % len(_LIGHT)}"
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
    thick = " thick" if number == 0 else ""
    marks = [_mark(_MARKS[number % len(_MARKS)], kind, x, y) for x, y in at]
    return [f'<path class="{kind} line{thick}" d="{path}"/>', *marks]


def _mark(shape: str, kind: str, x: float, y: float) -> str:
    match shape:
        case "circle":
            return f'<circle class="{kind} fill" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        case "square":
            path = f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z"
        case "diamond":
            path = f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"
        case _:
            path = f"M{x:.1f} {y - 5:.1f}l5 9h-10z"
    return f'<path class="{kind} fill" d="{path}"/>'


def _legend(labels: Sequence[str]) -> tuple[list[str], int]:
    parts, x, y = [], float(MARGIN), TOP
    for number, label in enumerate(labels):
        long = 22 + len(label) * CHARACTER
        if x + long > WIDTH - MARGIN and x > MARGIN:
            x, y = float(MARGIN), y + LEGEND_ROW
        kind = f"s{number % len(_LIGHT)}"
        parts.append(_mark(_MARKS[number % len(_MARKS)], kind, x + 6, y - 4))
        parts.append(_text(x + 16, y, label, "label strong" if number == 0 else "label"))
        x += long + 14
    return parts, (y - TOP) // LEGEND_ROW + 2


def _ticks(ys: Sequence[float], axes: Axes) -> list[float]:
    marked = [] if axes.marked_y is None else [axes.marked_y]
    low, high = min([*ys, *marked]), max([*ys, *marked])
    if axes.is_log_y:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10.0**power for power in range(first, max(last, first + 1) + 1)]
    step = 10 ** math.floor(math.log10(high or 1))
    while high / step < 3:
        step /= 2
    return [step * number for number in range(math.ceil(high / step) + 1)]


def _scale(
    low: float, high: float, at_low: float, at_high: float, is_log: bool
) -> Callable[[float], float]:
    def measure(value: float) -> float:
        return math.log(value) if is_log else value

    span = (measure(high) - measure(low)) or 1.0
    return lambda value: at_low + (measure(value) - measure(low)) / span * (at_high - at_low)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _document(title: str, subtitle: str, height: float, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    name = escape(title, {'"': "&quot;"})
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">',
        f"<style>{_style()}</style>",
        '<rect class="page" width="100%" height="100%" rx="6"/>',
        _text(MARGIN, 27, title, "title"),
        _text(MARGIN, 46, subtitle, "axis"),
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def _style() -> str:
    common = (
        "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;"
        "font-size:12.5px}.title{font-size:16px;font-weight:600}.strong{font-weight:600}"
        ".end{text-anchor:end}.middle{text-anchor:middle}.line{fill:none;stroke-width:1.8}"
        ".thick{stroke-width:3}.grid{stroke-width:1}.whisker{stroke-width:1.5;fill:none}"
        ".marked{stroke-width:1.5;stroke-dasharray:5 4;fill:none}"
    )
    light = _theme("#ffffff", "#111827", "#4b5563", "#e5e7eb", "#111827", _LIGHT)
    dark = _theme("#0d1117", "#e6edf3", "#9aa4b0", "#2b323b", "#e6edf3", _DARK)
    return f"{common}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _theme(
    page: str, strong: str, weak: str, grid: str, whisker: str, colours: Sequence[str]
) -> str:
    rules = [
        f".page{{fill:{page}}}.title,.label,.value{{fill:{strong}}}.axis,.tick{{fill:{weak}}}",
        f".grid{{stroke:{grid}}}.whisker,.marked{{stroke:{whisker}}}",
    ]
    for number, colour in enumerate(colours):
        rules.append(f".s{number}.fill{{fill:{colour}}}.s{number}.line{{stroke:{colour}}}")
    return "".join(rules)
