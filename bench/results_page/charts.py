"""Bar and line charts as SVG, by matplotlib: for light and dark pages, with text as text.

The same figures make the same bytes: no date, no random ids. A chart brings its own background, so
it is readable wherever it is shown.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib import style
from matplotlib.axes import Axes as PlotAxes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

WIDTH = 760
MARGIN = 20
TOP = 60
BAR_ROW = 26
BAR_HEIGHT = 17 / BAR_ROW
LABEL_WIDTH = 260
VALUE_WIDTH = 150
PLOT_HEIGHT = 270
Y_TICKS_WIDTH = 68
X_AXIS_HEIGHT = 52
LEGEND_COLUMNS = 3
LEGEND_ROW = 18
PIXELS_PER_INCH = 96
"""CSS's pixels: every length here is in them."""
POINTS_PER_PIXEL = 0.75

PAGE, TEXT, WEAK_TEXT, GRID = "#ffffff", "#111827", "#4b5563", "#e5e7eb"
SERIES = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626", "#0891b2", "#64748b")
OURS, OTHERS = SERIES[0], SERIES[-1]
MARKERS = "osD^"
DARK = {
    PAGE: "#0d1117", TEXT: "#e6edf3", WEAK_TEXT: "#9aa4b0", GRID: "#2b323b",
    **dict(zip(
        SERIES,
        ("#60a5fa", "#fbbf24", "#34d399", "#c084fc", "#f87171", "#22d3ee", "#94a3b8"),
        strict=True,
    )),
}  # fmt: skip
"""For each colour the one that takes its place on a dark page."""

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ratelimit-ddb",
    "text.parse_math": False,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 12.5 * POINTS_PER_PIXEL,
    "text.color": TEXT,
    "figure.facecolor": PAGE,
    "axes.facecolor": "none",
    "axes.labelcolor": WEAK_TEXT,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.spines.bottom": False,
    "xtick.color": WEAK_TEXT,
    "ytick.color": WEAK_TEXT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


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


Points = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a line chart.

    Attributes:
        x, y: what they show.
        is_log_x, is_log_y: whether equal factors are equally long.
        marked_y: a value to draw a line at.
    """

    x: str
    y: str
    is_log_x: bool = True
    is_log_y: bool = False
    marked_y: float | None = None


def bars(title: str, subtitle: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars from zero, the shortest first; a line through each end is its spread."""
    rows = sorted(rows, key=lambda row: row.value)
    left, right = MARGIN + LABEL_WIDTH, WIDTH - MARGIN - VALUE_WIDTH

    def draw(axes: PlotAxes) -> None:
        at = range(len(rows))
        axes.barh(
            at,
            [row.value for row in rows],
            height=BAR_HEIGHT,
            color=[OURS if row.is_ours else OTHERS for row in rows],
            xerr=[[row.value - row.low for row in rows], [row.high - row.value for row in rows]],
            error_kw={"ecolor": TEXT, "elinewidth": 1.5 * POINTS_PER_PIXEL},
        )
        axes.set_yticks(at, [row.label for row in rows])
        axes.xaxis.set_visible(False)
        axes.set_xlim(0, max((row.high for row in rows), default=0) or 1)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        for position, (row, label) in enumerate(zip(rows, axes.get_yticklabels(), strict=True)):
            label.set(color=TEXT, fontweight="bold" if row.is_ours else "normal")
            axes.annotate(
                row.text,
                (max(row.value, row.high), position),
                xytext=(7 * POINTS_PER_PIXEL, 0),
                textcoords="offset points",
                verticalalignment="center",
                fontweight=label.get_fontweight(),
            )

    bottom = TOP + len(rows) * BAR_ROW
    return _chart(title, subtitle, (left, TOP, right, bottom), bottom + 14, draw)


def lines(title: str, subtitle: str, series: Mapping[str, Points], axes: Axes) -> str:
    """A line for each series, with markers where it was measured; the first stands out."""
    legend_rows = math.ceil(len(series) / LEGEND_COLUMNS)
    top = TOP + legend_rows * LEGEND_ROW + 32
    bottom = top + PLOT_HEIGHT

    def draw(plot: PlotAxes) -> None:
        for number, (label, points) in enumerate(series.items()):
            xs = sorted(points)
            plot.plot(
                xs,
                [points[x] for x in xs],
                label=label,
                color=SERIES[number % len(SERIES)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=8 * POINTS_PER_PIXEL,
                linewidth=(1.8 if number else 3) * POINTS_PER_PIXEL,
                zorder=10 + len(series) - number,
            )
        _set_scales(plot, series, axes)
        plot.grid(axis="y", color=GRID, linewidth=POINTS_PER_PIXEL)
        if axes.marked_y is not None:
            plot.axhline(axes.marked_y, color=TEXT, linestyle=(0, (5, 4)), linewidth=1.1)
        plot.set_xlabel(axes.x)
        plot.set_title(axes.y, loc="left", x=-Y_TICKS_WIDTH / (WIDTH - 2 * MARGIN - Y_TICKS_WIDTH),
                       color=WEAK_TEXT, fontsize="medium")  # fmt: skip
        legend = plot.figure.legend(
            loc="upper left",
            bbox_to_anchor=(MARGIN / WIDTH, 1 - TOP / (bottom + X_AXIS_HEIGHT)),
            ncols=LEGEND_COLUMNS,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.5,
        )
        for name in legend.get_texts()[:1]:
            name.set_fontweight("bold")

    box = (MARGIN + Y_TICKS_WIDTH, top, WIDTH - MARGIN, bottom)
    return _chart(title, subtitle, box, bottom + X_AXIS_HEIGHT, draw)


def _set_scales(plot: PlotAxes, series: Mapping[str, Points], axes: Axes) -> None:
    xs = sorted({x for points in series.values() for x in points})
    ys = [y for points in series.values() for y in points.values()]
    if axes.is_log_x:
        plot.set_xscale("log")
    plot.set_xticks(xs, [f"{x:,.0f}" for x in xs])
    plot.xaxis.set_minor_locator(NullLocator())
    if axes.is_log_y:
        plot.set_yscale("log")
        first, last = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
        plot.set_ylim(10.0**first, 10.0 ** max(last, first + 1))
        plot.yaxis.set_minor_locator(NullLocator())
    else:
        plot.set_ylim(bottom=0)
    plot.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.9g}"))


def _chart(
    title: str,
    subtitle: str,
    box: tuple[float, float, float, float],
    height: float,
    draw: Callable[[PlotAxes], None],
) -> str:
    """The SVG of a chart whose axes are in ``box``: left, top, right, bottom."""
    left, top, right, bottom = box
    with style.context(SETTINGS, after_reset=True):
        figure = Figure(figsize=(WIDTH / PIXELS_PER_INCH, height / PIXELS_PER_INCH))
        figure.text(MARGIN / WIDTH, 1 - 27 / height, title, fontweight="bold", fontsize=12)
        figure.text(MARGIN / WIDTH, 1 - 46 / height, subtitle, color=WEAK_TEXT)
        draw(
            figure.add_axes(
                (left / WIDTH, 1 - bottom / height, (right - left) / WIDTH, (bottom - top) / height)
            )
        )
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Title": title, "Date": None, "Creator": None})
    style_sheet = f"<style>@media (prefers-color-scheme:dark){{{_dark_rules()}}}</style>"
    return svg.getvalue().replace("</svg>", f"{style_sheet}\n</svg>")


def _dark_rules() -> str:
    return "".join(
        f'[style*="{part}: {light}"]{{{part}:{dark}!important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
