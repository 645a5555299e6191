"""Bills as a bar chart in SVG: one bar for each set of prices and each billing mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from ratelimit_ddb.pricing.bill import Bill, rounded, total
from ratelimit_ddb.pricing.prices import Prices

_WIDTH = 960
_LEFT = 160
_RIGHT = 110
_DIGIT = 8
"""The width of the widest character of an amount."""
_BAR = 22
_GAP = 10
_HEAD = 30
# Paul Tol's "bright" colours, which colour-blind readers can tell apart.
_COLORS = {
    "reads": "#4477aa",
    "writes": "#ee6677",
    "indexes": "#ccbb44",
    "streams": "#66ccee",
    "storage": "#228833",
    "recovery": "#aa3377",
    "backups": "#bbbbbb",
}


def picture(months: Sequence[tuple[Prices, Mapping[str, Sequence[Bill]]]]) -> str:
    """The chart, as SVG.

    Args:
        months: for each set of prices, the bills of all tables by billing mode.
    """
    sums = [total(bills).total for _, modes in months for bills in modes.values()]
    most = max(sums, default=0.0)
    # The longest bar leaves room for its sum.
    longest = _WIDTH - _LEFT - max(_RIGHT, _GAP + _DIGIT * len(_dollars(most)))
    parts = list(_legend())
    y = 2 * _HEAD
    for prices, modes in months:
        parts.append(_text(10, y, f"{prices.name}: {prices.known_since}", bold=True))
        y += _HEAD // 2
        for name, bills in modes.items():
            parts += _bar(y, name.replace("_", " "), bills, longest / most if most else 0.0)
            y += _BAR + _GAP
        y += _HEAD
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" '
        f'viewBox="0 0 {_WIDTH} {y}" font-family="sans-serif" font-size="13">\n'
        f'<title>Dollars a month</title>\n<rect width="100%" height="100%" fill="white"/>\n'
        f"{body}\n</svg>\n"
    )


def _legend() -> Iterator[str]:
    yield _text(10, 20, "Dollars a month", bold=True)
    x = _LEFT
    for name, color in _COLORS.items():
        yield f'<rect x="{x}" y="9" width="12" height="12" fill="{color}"/>'
        yield _text(x + 16, 20, name)
        x += 100


def _bar(y: int, name: str, bills: Iterable[Bill], dollar_width: float) -> Iterator[str]:
    whole = total(bills)
    yield _text(20, y + 15, name)
    x = float(_LEFT)
    for (part, dollars), color in zip(whole.parts().items(), _COLORS.values(), strict=True):
        width = dollars * dollar_width
        if width:
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{color}">'
                f"<title>{escape(part.replace('_', ' '))}: {_dollars(dollars)}</title></rect>"
            )
        x += width
    yield _text(round(x) + 6, y + 15, _dollars(whole.total))


def _dollars(amount: float) -> str:
    return f"${rounded(amount):,.2f}"


def _text(x: int, y: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{escape(text)}</text>'
