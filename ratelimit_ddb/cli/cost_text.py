"""The bills of ``cost`` as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ratelimit_ddb.pricing.bill import MONTH_HOURS, Month, rounded, total
from ratelimit_ddb.pricing.limiter_bill import Load, bills
from ratelimit_ddb.pricing.prices import Prices

KEY_CEILING_WRITES = 1_000
"""The write units a second of one partition, and so of one key (AWS: "DynamoDB burst and adaptive
capacity")."""

_COLUMNS = {
    "reads": "reads",
    "writes": "writes",
    "index_writes": "indexes",
    "stream_reads": "streams",
    "storage": "storage",
    "recovery": "recovery",
    "backups": "backups",
}


def limiter_lines(load: Load, prices: Prices) -> Iterator[str]:
    """The lines for a limiter's load."""
    yield (
        f"{load.requests_per_second:,.10g} decisions a second, {_percent(load.denied)} of them "
        f"denied: {_rate(load.decisions_a_month / 1e6)} million in a month of {MONTH_HOURS} hours"
    )
    yield ""
    rows = [("", "writes/s", "on demand", "a million", "provisioned", "units")]
    rows += [
        (
            bill.assumption,
            _rate(bill.writes_per_second),
            _dollars(bill.on_demand),
            _dollars(bill.on_demand / load.decisions_a_month * 1e6, 3),
            _dollars(bill.provisioned),
            f"{bill.provisioned_units:,}",
        )
        for bill in bills(load, prices)
    ]
    yield from _table(rows, least_widths=(36, 10, 14, 12, 14, 8))
    yield ""
    yield "Dollars a month for requests, without storage and data transfer."
    yield f"Prices: {prices.known_since}."
    yield (
        f"  on demand    {_dollars(prices.write_per_million, 3)} for a million writes; "
        '"a million": for a million decisions'
    )
    yield (
        f"  provisioned  ${prices.write_unit_hour} for a write unit an hour; for a peak of "
        f"{load.peak:g} times the mean, {_percent(load.utilization)} used"
    )
    yield (
        f"One key takes about {KEY_CEILING_WRITES:,} writes a second at most, the limit of one "
        "partition. With a lease, each write serves many decisions."
    )


def month_lines(months: Sequence[Month]) -> Iterator[str]:
    """The lines for all tables: the bills by billing mode, and the totals at other prices."""
    for name, table_bills in months[0].modes().items():
        yield f"Dollars a month, {name.replace('_', ' ')}"
        rows = [("", *_COLUMNS.values(), "total")]
        rows += [
            (bill.table, *map(_dollars, bill.parts().values()), _dollars(bill.total))
            for bill in (*table_bills, total(table_bills))
        ]
        yield from _table(rows, least_widths=(20, *[11] * (len(_COLUMNS) + 1)))
        yield ""
    for each in months:
        sums = ", ".join(
            f"{_dollars(total(table_bills).total)} {name.replace('_', ' ')}"
            for name, table_bills in each.modes().items()
        )
        yield f"In all: {sums}"
        yield f"  at {each.prices.known_since}"
    yield "Without data transfer between regions, restores and the free tier."


def _table(rows: Sequence[Sequence[str]], least_widths: Sequence[int]) -> Iterator[str]:
    """Rows in columns: names left-aligned, numbers right-aligned, at least two spaces apart."""
    name_width = max(least_widths[0], *(len(row[0]) for row in rows))
    columns = zip(*(row[1:] for row in rows), strict=True)
    widths = [
        max(least, *(len(cell) + 2 for cell in column))
        for least, column in zip(least_widths[1:], columns, strict=True)
    ]
    for name, *numbers in rows:
        cells = (cell.rjust(width) for cell, width in zip(numbers, widths, strict=True))
        yield f"  {name:{name_width}}{''.join(cells)}"


def _rate(number: float) -> str:
    """With one decimal; below 1 with two significant digits."""
    return f"{number:,.1f}" if number >= 1 or not number else f"{number:.2g}"


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _dollars(amount: float, digits: int = 2) -> str:
    return f"${rounded(amount, digits):,.{digits}f}"
