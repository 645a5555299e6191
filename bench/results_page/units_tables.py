"""The page on what the table bills: calls and capacity units of each use, and dollars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.money import dollars_per_million
from bench.results_page.markdown import not_measured, picture, table
from bench.results_page.raw_results import number
from ratelimit_ddb.pricing.prices import PRICES

Raw = dict[str, Any]


KINDS = """\
## Kinds of limits

What one use takes, first by a process that knows nothing of the key, then once more, while what \
the first one took still weighs. A use whose guess is wrong, for the key is full again meanwhile, \
takes one refused write more. A slot that is renewed has no second use.
"""


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """Decisions, methods, requests with a session; and each kind of limit."""
    if "money" in raw:
        yield from _money(raw, drawn)
    if "kinds" in raw:
        yield KINDS
        rows = [
            (name, *_figures(uses["first"]), *_figures(uses["warm"]))
            for name, uses in raw["kinds"].items()
        ]
        columns = ("calls", "writes", "reads")
        head = (
            "",
            *(f"first: {columns[0]}", *columns[1:]),
            *(f"again: {columns[0]}", *columns[1:]),
        )
        yield table(head, rows)


def _figures(billed: Raw | None) -> tuple[str, ...]:
    if billed is None:
        return ("", "", "")
    return tuple(f"{billed[name]:g}" for name in ("calls", "write_units", "read_units"))


def _money(raw: Raw, drawn: set[str]) -> Iterator[str]:
    money = raw["money"]
    prices = PRICES["list"]
    yield (
        "Capacity units are those that the engine reports (ReturnConsumedCapacity). It counts "
        "transactions and indexes in its own way, so those of AWS can differ; a refused condition "
        "is counted as one write, as AWS bills it. Dollars are for a million, on demand, by "
        f"`ratelimit_ddb/pricing/prices.py` ({prices.known_since}). `ratelimit-ddb cost` answers "
        "for a load of your own, with provisioned capacity beside it.\n"
    )
    if "money" in drawn:
        yield picture("money", "a million decisions in dollars")
    rows = [
        (name, case, *(number(figures[f]) for f in ("requests", "write_units", "read_units")),
         f"${dollars_per_million(figures):.3f}")
        for name, cases in money["decisions"]["results"].items()
        for case, figures in cases.items()
    ]  # fmt: skip
    head = ("", "", "calls", "writes", "reads", "a million")
    yield "## Decisions\n\n" + table(head, rows, numbers_from=2)
    if money["decisions"]["failures"]:
        yield not_measured(money["decisions"]["failures"])
    for title, key in (
        ("Methods of our limiter", "ours"),
        ("A request with a session", "sessions"),
    ):
        rows = [
            (name, *(number(figures[f]) for f in ("calls", "write_units", "read_units")),
             f"${dollars_per_million(figures):.3f}")
            for name, figures in money[key].items()
        ]  # fmt: skip
        yield f"## {title}\n\n" + table(head[1:], rows)
